#include "engine/silero.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "audio/half_rate.hpp"

namespace talky::engine {
namespace {

constexpr std::size_t kWindow = 256; // samples at 8 kHz
constexpr std::size_t kContext = 32; // of the window before
constexpr std::size_t kState = std::size_t{2} * 1 * 128;
constexpr std::int64_t kRate = 8000;

class Detector final : public voice::VoiceActivity {
 public:
  explicit Detector(const onnx::Model& model) : model_(model) {
    static constexpr std::array<std::int64_t, 2> kAudioShape = {1, kContext + kWindow};
    static constexpr std::array<std::int64_t, 3> kStateShape = {2, 1, 128};
    static constexpr std::array<std::int64_t, 2> kOutShape = {1, 1};
    const onnx::LibraryPtr& library = model.library();
    audio_tensor_ = onnx::Tensor::borrow(library, std::span(audio_), kAudioShape);
    rate_tensor_ = onnx::Tensor::borrow(library, std::span(&rate_, 1), {});
    state_tensor_ = onnx::Tensor::borrow(library, std::span(state_), kStateShape);
    outputs_[0] = onnx::Tensor::borrow(library, std::span(&probability_, 1), kOutShape);
    outputs_[1] = onnx::Tensor::borrow(library, std::span(next_state_), kStateShape);
  }

  voice::Samples window() const override { return 2 * static_cast<voice::Samples>(kWindow); }

  void process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) override {
    low_.clear();
    to_8khz_.process(frame, low_);
    for (const std::int16_t sample : low_) {
      audio_[kContext + filled_] = static_cast<float>(sample) / 32768.0F;
      if (++filled_ == kWindow) {
        probabilities.push_back(run());
        std::copy(audio_.end() - kContext, audio_.end(), audio_.begin());
        filled_ = 0;
      }
    }
  }

  void reset() override {
    to_8khz_.reset();
    audio_.fill(0.0F);
    state_.fill(0.0F);
    filled_ = 0;
  }

 private:
  // All tensors lie over members, so a run allocates nothing of ours.
  float run() {
    static constexpr std::array<const char*, 3> kInputs = {"input", "state", "sr"};
    static constexpr std::array<const char*, 2> kOutputs = {"output", "stateN"};
    const std::array<const onnx::OrtValue*, 3> inputs = {audio_tensor_.get(), state_tensor_.get(),
                                                         rate_tensor_.get()};
    if (!model_.run(kInputs, inputs, kOutputs, outputs_)) return 0.0F;
    state_ = next_state_;
    return probability_;
  }

  const onnx::Model& model_;
  audio::Downsampler2 to_8khz_;
  std::vector<std::int16_t> low_;
  std::size_t filled_ = 0; // samples of the window that are there
  std::array<float, kContext + kWindow> audio_{};
  std::array<float, kState> state_{}, next_state_{};
  std::int64_t rate_ = kRate;
  float probability_ = 0.0F;
  onnx::Tensor audio_tensor_, state_tensor_, rate_tensor_;
  std::array<onnx::Tensor, 2> outputs_;
};

} // namespace

Silero::Silero(const onnx::LibraryPtr& library, const std::string& models)
    : model_(library, models + "/silero_vad.onnx", {}) {}

std::unique_ptr<voice::VoiceActivity> Silero::make_detector() const {
  return std::make_unique<Detector>(model_);
}

} // namespace talky::engine
