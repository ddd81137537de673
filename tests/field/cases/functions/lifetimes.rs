#![no_std]

#[derive(Debug)]
pub struct Frame<'a> {
    data: &'a [u8],
}

const TEXT: &str = r#"{ "open": "{" }"#;

impl<'a> Frame<'a> {
    /// Makes one.
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    fn first(&self) -> [u8; 2] {
        match self.data[0] {
            b'{' => [0; 2],
            _ => [1; 2],
        }
    }
}

pub trait Sink {
    fn put(&mut self, byte: u8);
    fn flush(&mut self) {}
}

#[main]
fn main() -> ! {
    loop {}
}
