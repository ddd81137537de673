#include <array>

namespace led {

class Strip : public Base<Strip> {
 public:
    Strip(int pin, Config config = {}) : pin_{pin}, config_(config), frame_{} {
        clear();
    }
    ~Strip() { stop(); }
    bool operator==(const Strip &other) const { return pin_ == other.pin_; }

 private:
    int pin_;
};

template <typename T, size_t N>
T sum(const std::array<T, N> &values)
{
    T all{};
    for (auto value : values) {
        all += value;
    }
    return all;
}

void Strip::show() const noexcept {
    auto send = [this](int x) { write(x); };
    send(1);
}

enum class Mode : uint8_t { Off, On };

int modes[] = {1, 2};

extern "C" void app_main() {
    Strip strip(4);
}

}  // namespace led
