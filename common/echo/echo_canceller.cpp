#include "echo/echo_canceller.hpp"

#include <webrtc/common.h>
#include <webrtc/modules/audio_processing/include/audio_processing.h>
#include <webrtc/modules/interface/module_common_types.h>

#include <algorithm>

namespace talky::echo {

namespace {

constexpr int kDelayMs = 20; // that what was sent is ahead of its echo, about

} // namespace

struct EchoCanceller::Impl {
  std::unique_ptr<webrtc::AudioProcessing> processing;
  webrtc::AudioFrame frame;
  int rate = 16'000;
};

EchoCanceller::EchoCanceller(std::uint32_t rate) : impl_(std::make_unique<Impl>()) {
  webrtc::Config config;
  // What is sent comes held back: the canceller need not find the delay, and has the longer filter.
  config.Set<webrtc::DelayAgnostic>(new webrtc::DelayAgnostic(false));
  config.Set<webrtc::ExtendedFilter>(new webrtc::ExtendedFilter(true));
  impl_->rate = static_cast<int>(rate);
  impl_->processing.reset(webrtc::AudioProcessing::Create(config));
  webrtc::EchoCancellation& echo = *impl_->processing->echo_cancellation();
  echo.enable_drift_compensation(false);
  echo.set_suppression_level(webrtc::EchoCancellation::kHighSuppression);
  echo.Enable(true);
}

EchoCanceller::~EchoCanceller() = default;
EchoCanceller::EchoCanceller(EchoCanceller&&) noexcept = default;
EchoCanceller& EchoCanceller::operator=(EchoCanceller&&) noexcept = default;

void EchoCanceller::process(std::span<const std::int16_t> sent, std::span<const std::int16_t> caller,
                            std::span<std::int16_t> out) {
  webrtc::AudioFrame& frame = impl_->frame;
  const auto chunk = static_cast<std::size_t>(impl_->rate) / 100;
  for (std::size_t at = 0; at + chunk <= caller.size(); at += chunk) {
    frame.UpdateFrame(0, 0, sent.data() + at, chunk, impl_->rate, webrtc::AudioFrame::kNormalSpeech,
                      webrtc::AudioFrame::kVadUnknown, 1);
    impl_->processing->ProcessReverseStream(&frame);
    frame.UpdateFrame(0, 0, caller.data() + at, chunk, impl_->rate, webrtc::AudioFrame::kNormalSpeech,
                      webrtc::AudioFrame::kVadUnknown, 1);
    impl_->processing->set_stream_delay_ms(kDelayMs);
    impl_->processing->ProcessStream(&frame);
    std::copy_n(frame.data_, chunk, out.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

} // namespace talky::echo
