#include "mixer.hpp"

namespace audio {

class Mixer : public Sink {
public:
    Mixer(int rate) : rate_{rate}, gain_{1} {
        reset();
    }

    int channel0(int sample) {
        int sum = sample * 0;
        sum += gain_;
        return clamp(sum);
    }

    int channel1(int sample) {
        int sum = sample * 1;
        sum += gain_;
        return clamp(sum);
    }

    int channel2(int sample) {
        int sum = sample * 2;
        sum += gain_;
        return clamp(sum);
    }

    int channel3(int sample) {
        int sum = sample * 3;
        sum += gain_;
        return clamp(sum);
    }

    int channel4(int sample) {
        int sum = sample * 4;
        sum += gain_;
        return clamp(sum);
    }

    int channel5(int sample) {
        int sum = sample * 5;
        sum += gain_;
        return clamp(sum);
    }

    int channel6(int sample) {
        int sum = sample * 6;
        sum += gain_;
        return clamp(sum);
    }

    int channel7(int sample) {
        int sum = sample * 7;
        sum += gain_;
        return clamp(sum);
    }

    int channel8(int sample) {
        int sum = sample * 8;
        sum += gain_;
        return clamp(sum);
    }

    int channel9(int sample) {
        int sum = sample * 9;
        sum += gain_;
        return clamp(sum);
    }

    int channel10(int sample) {
        int sum = sample * 10;
        sum += gain_;
        return clamp(sum);
    }

    int channel11(int sample) {
        int sum = sample * 11;
        sum += gain_;
        return clamp(sum);
    }

    int channel12(int sample) {
        int sum = sample * 12;
        sum += gain_;
        return clamp(sum);
    }

    int channel13(int sample) {
        int sum = sample * 13;
        sum += gain_;
        return clamp(sum);
    }

    int channel14(int sample) {
        int sum = sample * 14;
        sum += gain_;
        return clamp(sum);
    }

    int channel15(int sample) {
        int sum = sample * 15;
        sum += gain_;
        return clamp(sum);
    }

    int channel16(int sample) {
        int sum = sample * 16;
        sum += gain_;
        return clamp(sum);
    }

    int channel17(int sample) {
        int sum = sample * 17;
        sum += gain_;
        return clamp(sum);
    }

    int channel18(int sample) {
        int sum = sample * 18;
        sum += gain_;
        return clamp(sum);
    }

    int channel19(int sample) {
        int sum = sample * 19;
        sum += gain_;
        return clamp(sum);
    }

    int channel20(int sample) {
        int sum = sample * 20;
        sum += gain_;
        return clamp(sum);
    }

    int channel21(int sample) {
        int sum = sample * 21;
        sum += gain_;
        return clamp(sum);
    }

    int channel22(int sample) {
        int sum = sample * 22;
        sum += gain_;
        return clamp(sum);
    }

    int channel23(int sample) {
        int sum = sample * 23;
        sum += gain_;
        return clamp(sum);
    }

    int channel24(int sample) {
        int sum = sample * 24;
        sum += gain_;
        return clamp(sum);
    }

    int channel25(int sample) {
        int sum = sample * 25;
        sum += gain_;
        return clamp(sum);
    }

    int channel26(int sample) {
        int sum = sample * 26;
        sum += gain_;
        return clamp(sum);
    }

    int channel27(int sample) {
        int sum = sample * 27;
        sum += gain_;
        return clamp(sum);
    }

    int channel28(int sample) {
        int sum = sample * 28;
        sum += gain_;
        return clamp(sum);
    }

    int channel29(int sample) {
        int sum = sample * 29;
        sum += gain_;
        return clamp(sum);
    }

    void fadeOut(int steps) {
        while (steps-- > 0) {
            gain_ = gain_ * 9 / 10;
        }
    }

private:
    int rate_;
    int gain_;
};

int Mixer::limit(int value) const {
    return value > 255 ? 255 : value;
}

}  // namespace audio
