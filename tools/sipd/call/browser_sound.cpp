#include "sipd/call/browser_sound.hpp"

#include <algorithm>

#include "codec/l16.hpp"
#include "media/media.hpp"

namespace talky::sipd {
namespace {

using namespace std::chrono_literals;

// A browser whose sound keeps so far behind the clock for so long has left a piece out (a muted microphone).
constexpr auto kLeftOut = 300ms;
constexpr auto kLeftOutFor = 500ms;

Duration length_of(std::uint64_t samples) {
  return Duration(static_cast<Duration::rep>(samples * 1'000'000 / media::kSampleRate));
}

} // namespace

void BrowserSound::keep_in_step(std::size_t samples, Time now) {
  if (!first_) first_ = now - length_of(samples);
  const Duration behind = now - *first_ - length_of(samples_ + samples);
  const bool paused = now - last_ > 100ms;
  last_ = now;
  if (paused || behind < kLeftOut) {
    behind_since_ = now;
    behind_ = behind;
    return;
  }
  behind_ = std::min(behind_, behind);
  if (now - behind_since_ < kLeftOutFor || behind_ < kLeftOut) return;
  const auto gap = static_cast<std::uint64_t>(behind_.count()) * media::kSampleRate / 1'000'000;
  samples_ += gap;
  sender_.advance(static_cast<std::uint32_t>(gap));
  behind_since_ = now;
}

void BrowserSound::push(std::span<const std::int16_t> samples, Time now,
                        const std::function<void(Bytes)>& packet) {
  keep_in_step(samples.size(), now);
  samples_ += samples.size();
  rest_.insert(rest_.end(), samples.begin(), samples.end());
  std::size_t done = 0;
  for (; rest_.size() - done >= media::kFrameSamples; done += media::kFrameSamples) {
    const auto frame = std::span(rest_).subspan(done, media::kFrameSamples);
    payload_.resize(2 * frame.size());
    codec::l16::encode(frame, payload_);
    const auto units = static_cast<std::uint32_t>(frame.size());
    sender_.audio(kWebPayloadType, sender_.timestamp(), units, payload_, packet_);
    sender_.advance(units);
    packet(packet_);
  }
  rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(done));
}

} // namespace talky::sipd
