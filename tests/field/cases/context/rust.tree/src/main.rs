#![no_std]
use esp_hal::gpio::Output;

pub struct Strip<'d> {
    pin: Output<'d>,
    frame: [u8; 24],
}

impl<'d> Strip<'d> {
    pub fn effect_0(&mut self, at: u8) -> [u8; 4] {
        self.frame[0] = at;
        [at, 0, 0, 0]
    }

    pub fn effect_1(&mut self, at: u8) -> [u8; 4] {
        self.frame[1] = at;
        [at, 1, 0, 0]
    }

    pub fn effect_2(&mut self, at: u8) -> [u8; 4] {
        self.frame[2] = at;
        [at, 2, 0, 0]
    }

    pub fn effect_3(&mut self, at: u8) -> [u8; 4] {
        self.frame[3] = at;
        [at, 3, 0, 0]
    }

    pub fn effect_4(&mut self, at: u8) -> [u8; 4] {
        self.frame[4] = at;
        [at, 4, 0, 0]
    }

    pub fn effect_5(&mut self, at: u8) -> [u8; 4] {
        self.frame[5] = at;
        [at, 5, 0, 0]
    }

    pub fn effect_6(&mut self, at: u8) -> [u8; 4] {
        self.frame[6] = at;
        [at, 6, 0, 0]
    }

    pub fn effect_7(&mut self, at: u8) -> [u8; 4] {
        self.frame[7] = at;
        [at, 7, 0, 0]
    }

    pub fn effect_8(&mut self, at: u8) -> [u8; 4] {
        self.frame[8] = at;
        [at, 8, 0, 0]
    }

    pub fn effect_9(&mut self, at: u8) -> [u8; 4] {
        self.frame[9] = at;
        [at, 9, 0, 0]
    }

    pub fn effect_10(&mut self, at: u8) -> [u8; 4] {
        self.frame[10] = at;
        [at, 10, 0, 0]
    }

    pub fn effect_11(&mut self, at: u8) -> [u8; 4] {
        self.frame[11] = at;
        [at, 11, 0, 0]
    }

    pub fn effect_12(&mut self, at: u8) -> [u8; 4] {
        self.frame[12] = at;
        [at, 12, 0, 0]
    }

    pub fn effect_13(&mut self, at: u8) -> [u8; 4] {
        self.frame[13] = at;
        [at, 13, 0, 0]
    }

    pub fn effect_14(&mut self, at: u8) -> [u8; 4] {
        self.frame[14] = at;
        [at, 14, 0, 0]
    }

    pub fn effect_15(&mut self, at: u8) -> [u8; 4] {
        self.frame[15] = at;
        [at, 15, 0, 0]
    }

    pub fn effect_16(&mut self, at: u8) -> [u8; 4] {
        self.frame[16] = at;
        [at, 16, 0, 0]
    }

    pub fn effect_17(&mut self, at: u8) -> [u8; 4] {
        self.frame[17] = at;
        [at, 17, 0, 0]
    }

    pub fn effect_18(&mut self, at: u8) -> [u8; 4] {
        self.frame[18] = at;
        [at, 18, 0, 0]
    }

    pub fn effect_19(&mut self, at: u8) -> [u8; 4] {
        self.frame[19] = at;
        [at, 19, 0, 0]
    }

    pub fn effect_20(&mut self, at: u8) -> [u8; 4] {
        self.frame[20] = at;
        [at, 20, 0, 0]
    }

    pub fn effect_21(&mut self, at: u8) -> [u8; 4] {
        self.frame[21] = at;
        [at, 21, 0, 0]
    }

    pub fn effect_22(&mut self, at: u8) -> [u8; 4] {
        self.frame[22] = at;
        [at, 22, 0, 0]
    }

    pub fn effect_23(&mut self, at: u8) -> [u8; 4] {
        self.frame[23] = at;
        [at, 23, 0, 0]
    }

    pub fn effect_24(&mut self, at: u8) -> [u8; 4] {
        self.frame[0] = at;
        [at, 24, 0, 0]
    }

    pub fn effect_25(&mut self, at: u8) -> [u8; 4] {
        self.frame[1] = at;
        [at, 25, 0, 0]
    }

    pub fn effect_26(&mut self, at: u8) -> [u8; 4] {
        self.frame[2] = at;
        [at, 26, 0, 0]
    }

    pub fn effect_27(&mut self, at: u8) -> [u8; 4] {
        self.frame[3] = at;
        [at, 27, 0, 0]
    }

    pub fn effect_28(&mut self, at: u8) -> [u8; 4] {
        self.frame[4] = at;
        [at, 28, 0, 0]
    }

    pub fn effect_29(&mut self, at: u8) -> [u8; 4] {
        self.frame[5] = at;
        [at, 29, 0, 0]
    }

    pub fn send(&mut self, open: char) -> Result<(), Error> {
        if open == '{' {
            return Err(Error::Open);
        }
        Ok(())
    }
}

#[main]
fn main() -> ! {
    loop {}
}
