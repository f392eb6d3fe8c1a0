#include "media/media_transmitter.hpp"

#include <algorithm>

#include "media/media_types.hpp"

namespace talky::media {

namespace {
constexpr std::uint32_t kPtimeStep = 10; // ms
constexpr std::uint32_t kMaxPtime = 100;
constexpr Duration kShortest = std::chrono::milliseconds(40);
constexpr Duration kComma = std::chrono::seconds(1);

// Frames in a packet of `ptime` ms, or in the next longer one that the codec can make: 10 ms are 20 for GSM,
// 30 are 40 for Opus.
std::size_t packet_frames(const codec::Codec& codec, std::uint32_t ptime) {
  const std::size_t rate = codec.info().sample_rate;
  const std::uint32_t wanted = std::clamp(ptime / kPtimeStep * kPtimeStep, kPtimeStep, kMaxPtime);
  for (std::uint32_t ms = wanted; ms <= kMaxPtime; ms += kPtimeStep) {
    if (codec.packs(rate * ms / 1000)) return rate * ms / 1000;
  }
  return rate * kTick.count() / 1'000'000;
}

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
  packet_frames_ = packet_frames(*codec_, session.ptime_ms);
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

std::uint32_t MediaTransmitter::units(std::size_t frames) const {
  return static_cast<std::uint32_t>(std::uint64_t{frames} * clock_rate_ / codec_rate_);
}

// What waits belongs before a gap in time, so it cannot share a packet with what comes behind it.
void MediaTransmitter::set_apart() {
  if (pcm_.empty()) return;
  apart_.bytes.clear();
  if (!codec_->encode(pcm_, apart_.bytes)) apart_.bytes.clear(); // no packet can hold it
  apart_.payload_type = payload_type_;
  apart_.start = start_;
  apart_.units = units(pcm_.size());
  pcm_.clear();
}

void MediaTransmitter::audio(std::span<const std::int16_t> frame) {
  if (start_ + units(pcm_.size()) != sender_.timestamp()) set_apart();
  if (pcm_.empty()) start_ = sender_.timestamp();
  resampler_->process(frame, pcm_);
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

std::optional<Bytes> MediaTransmitter::packet(MediaScratch& scratch) {
  if (!apart_.bytes.empty()) {
    sender_.audio(apart_.payload_type, apart_.start, apart_.units, apart_.bytes, scratch.datagram);
    apart_.bytes.clear();
    return Bytes(scratch.datagram);
  }
  if (event_) {
    sender_.event(*event_type_, *event_, scratch.datagram);
    event_.reset();
    return Bytes(scratch.datagram);
  }
  while (pcm_.size() >= packet_frames_) {
    scratch.payload.clear();
    const bool encoded = codec_->encode(std::span(pcm_).first(packet_frames_), scratch.payload).has_value();
    const std::uint32_t start = start_;
    start_ += units(packet_frames_);
    pcm_.erase(pcm_.begin(), pcm_.begin() + static_cast<std::ptrdiff_t>(packet_frames_));
    if (!encoded || scratch.payload.empty()) continue; // with DTX there is nothing to send
    sender_.audio(payload_type_, start, units(packet_frames_), scratch.payload, scratch.datagram);
    return Bytes(scratch.datagram);
  }
  return std::nullopt;
}

std::uint32_t MediaTransmitter::timestamp_at(Duration since_tick) const {
  return sender_.timestamp() + static_cast<std::uint32_t>(since_tick.count() * clock_rate_ / 1'000'000);
}

} // namespace talky::media
