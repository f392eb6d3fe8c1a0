// The sound of a browser's call: its own on the way to Media, and Media's on the way to it.
#include "sipd/call/web_leg.hpp"

#include <algorithm>
#include <utility>

#include "codec/l16.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t rtp_header = 12; // of the packets that Media makes: no CSRC, no extension
// A browser whose sound keeps so far behind the clock for so long has left a piece out (a muted microphone).
constexpr auto left_out = 300ms;
constexpr auto left_out_for = 500ms;

Duration length_of(std::uint64_t samples) {
  return Duration(static_cast<Duration::rep>(samples * 1'000'000 / media::kSampleRate));
}

} // namespace

// A packet of ours holds the agent's samples, or those of somebody who talks in, and silence behind them
// where there are fewer: only the first go.
void WebLeg::send_sound(Bytes rtp) {
  const std::uint64_t played = media_->samples_played(), talked = media_->samples_talked_in();
  const std::uint64_t fresh = played - std::exchange(told_, played);
  const std::uint64_t count = std::max(fresh, talked - std::exchange(talked_, talked));
  if (count == 0 || rtp.size() <= rtp_header) return;
  const Bytes payload = rtp.subspan(rtp_header);
  WebSound sound;
  sound.samples.resize(payload.size() / 2);
  codec::l16::decode(payload, sound.samples);
  sound.samples.resize(std::min<std::size_t>(count, sound.samples.size()));
  const std::uint64_t size = sound.samples.size();
  stream_.given(media::PlayoutLedger::Owner::agent, std::min(fresh, size));
  stream_.given(media::PlayoutLedger::Owner::others, size - std::min(fresh, size));
  streamed_ += size;
  call_.to_browser->send(std::move(sound));
  if (fresh > 0) session_->audio_left();
}

// A browser that sends nothing while its microphone is muted goes on where it stopped, as if no time had
// passed; one whose network stalled catches up. Only the first stays behind the clock, and is set forward.
void WebLeg::keep_in_step(std::size_t samples, Time now) {
  if (!first_sound_) first_sound_ = now - length_of(samples);
  const Duration behind = now - *first_sound_ - length_of(sound_ + samples);
  const bool paused = now - last_sound_ > 100ms;
  last_sound_ = now;
  if (paused || behind < left_out) {
    behind_since_ = now;
    behind_ = behind;
    return;
  }
  behind_ = std::min(behind_, behind);
  if (now - behind_since_ < left_out_for || behind_ < left_out) return;
  const auto gap = static_cast<std::uint64_t>(behind_.count()) * media::kSampleRate / 1'000'000;
  sound_ += gap;
  incoming_.advance(static_cast<std::uint32_t>(gap));
  behind_since_ = now;
}

void WebLeg::caller_sound(std::span<const std::int16_t> samples) {
  if (!answered_) return;
  const Time now = host_.now();
  keep_in_step(samples.size(), now);
  sound_ += samples.size();
  rest_.insert(rest_.end(), samples.begin(), samples.end());
  std::size_t done = 0;
  for (; rest_.size() - done >= media::kFrameSamples; done += media::kFrameSamples)
    push_packet(std::span(rest_).subspan(done, media::kFrameSamples), now);
  rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(done));
}

void WebLeg::push_packet(std::span<const std::int16_t> samples, Time now) {
  payload_.resize(2 * samples.size());
  codec::l16::encode(samples, payload_);
  const auto units = static_cast<std::uint32_t>(samples.size());
  incoming_.audio(web_payload_type, incoming_.timestamp(), units, payload_, packet_);
  incoming_.advance(units);
  media_->receive(packet_, call_.peer, false, now);
}

std::size_t WebLeg::talk_in(std::span<const std::int16_t> samples) {
  return over_ ? samples.size() : media_->talk_in(samples);
}

} // namespace talky::sipd
