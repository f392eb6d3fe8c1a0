#include "media/media_transmitter.hpp"

#include <algorithm>

#include "media/media.hpp"

namespace talky::media {

namespace {
constexpr std::uint32_t kMaxPtime = 100; // ms
constexpr Duration kShortest = std::chrono::milliseconds(40);
constexpr Duration kComma = std::chrono::seconds(1);

Duration whole_ticks(Duration duration) {
  return (std::max(duration, kShortest) + kTick - Duration{1}) / kTick * kTick;
}
} // namespace

Result<> MediaTransmitter::configure(const MediaSession& session) {
  if (session.formats.empty()) return fail(Errc::unsupported, 0, "a format to send");
  const MediaFormat& format = session.formats.front();
  const codec::Entry* entry = codec::find(format.name, format.clock_rate);
  if (entry == nullptr) return fail(Errc::unsupported, 0, "a codec of ours");
  auto resampler = audio::Resampler::create(kSampleRate, entry->info.sample_rate);
  if (!resampler) return tl::make_unexpected(resampler.error());

  set_apart();
  if (!codec_ || codec_->info() != entry->info) codec_ = entry->make();
  if (!resampler_ || codec_rate_ != entry->info.sample_rate) {
    codec_rate_ = entry->info.sample_rate;
    resampler_.emplace(std::move(*resampler));
    delay_ = resampler_->delay() * kSampleRate / codec_rate_;
  }
  payload_type_ = session.send_payload_type.value_or(format.payload_type);
  event_type_ = session.telephone_event_out;
  clock_rate_ = format.clock_rate;
  step_ = clock_rate_ / 50;
  const std::uint32_t ptime = std::clamp(session.ptime_ms / 10 * 10, 10U, kMaxPtime);
  packet_units_ = clock_rate_ / 1000 * ptime;
  return {};
}

Result<> MediaTransmitter::send_dtmf(std::string_view digits, Duration duration, Duration gap) {
  if (!event_type_) return fail(Errc::unsupported, 0, "telephone-event agreed upon with the peer");
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != ',' && !rtp::event_of(digits[i])) return fail(Errc::malformed, i, "a digit 0-9 * # A-D");
  }
  if (events_.queued() + digits.size() > rtp::EventSender::kMaxQueued) {
    return fail(Errc::too_large, 0, "at most 256 digits waiting");
  }
  const auto units = [this](Duration d) {
    return static_cast<std::uint32_t>(d.count() * clock_rate_ / 1'000'000);
  };
  for (const char digit : digits) {
    const auto event = rtp::event_of(digit);
    const auto done =
        events_.push({event, units(whole_ticks(event ? duration : kComma)), units(whole_ticks(gap))});
    if (!done) return done;
  }
  return {};
}

// What is encoded belongs before a gap in time, so it cannot share a packet with what comes behind it.
void MediaTransmitter::set_apart() {
  if (payload_.empty()) return;
  std::swap(payload_, apart_);
  payload_.bytes.clear();
  payload_.units = 0;
}

void MediaTransmitter::audio(std::span<const std::int16_t> frame) {
  if (payload_.start + payload_.units != sender_.timestamp()) set_apart();
  if (payload_.empty()) payload_.start = sender_.timestamp();
  pcm_.clear();
  resampler_->process(frame, pcm_);
  codec_->encode(pcm_, payload_.bytes);
  payload_.units += step_;
  sender_.advance(step_);
}

void MediaTransmitter::dtmf() {
  event_ = events_.next(sender_.timestamp(), step_);
  if (event_) set_apart();
  sender_.advance(step_);
}

void MediaTransmitter::nothing() {
  sender_.advance(step_);
}

std::optional<Bytes> MediaTransmitter::packet() {
  if (!apart_.empty()) {
    sender_.audio(payload_type_, apart_.start, apart_.units, apart_.bytes, datagram_);
    apart_.bytes.clear();
    apart_.units = 0;
    return Bytes(datagram_);
  }
  if (event_) {
    sender_.event(*event_type_, *event_, datagram_);
    event_.reset();
    return Bytes(datagram_);
  }
  if (payload_.units < packet_units_) return std::nullopt;
  // All our codecs are of constant rate, sample by sample, so a payload can be cut at any sample.
  const std::size_t size = payload_.bytes.size() * packet_units_ / payload_.units;
  sender_.audio(payload_type_, payload_.start, packet_units_, Bytes(payload_.bytes).first(size), datagram_);
  payload_.bytes.erase(payload_.bytes.begin(), payload_.bytes.begin() + static_cast<std::ptrdiff_t>(size));
  payload_.start += packet_units_;
  payload_.units -= packet_units_;
  return Bytes(datagram_);
}

std::uint32_t MediaTransmitter::timestamp_at(Duration since_tick) const {
  return sender_.timestamp() + static_cast<std::uint32_t>(since_tick.count() * clock_rate_ / 1'000'000);
}

} // namespace talky::media
