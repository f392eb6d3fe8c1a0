#include "media/media_receiver.hpp"

#include <algorithm>

#include "media/media_time_scale.hpp"
#include "media/media_types.hpp"

namespace talky::media {

namespace {

using Kind = rtp::JitterBuffer::Kind;

constexpr std::size_t kMaxFormats = 8;
constexpr std::int64_t kQuietPower = 10'000; // mean square: -50 dBov
// Adaptation waits for a pause in the speech, but not for ever, and less long when a gap threatens.
constexpr std::uint32_t kPatienceToShorten = 150;
constexpr std::uint32_t kPatienceToLengthen = 75;
constexpr Duration kUrgent = std::chrono::milliseconds(60);
// In speech, one period is cut or repeated in so many ticks at most.
constexpr std::uint32_t kBetweenPeriods = 4;

bool is_quiet(std::span<const std::int16_t> pcm) {
  std::int64_t energy = 0;
  for (const std::int16_t sample : pcm)
    energy += std::int64_t{sample} * sample;
  return energy < kQuietPower * static_cast<std::int64_t>(pcm.size());
}

} // namespace

Result<> MediaReceiver::configure(const std::vector<MediaFormat>& formats) {
  if (formats.empty() || formats.size() > kMaxFormats)
    return fail(Errc::unsupported, 0, "one to eight formats");
  std::vector<Decoder> decoders;
  for (const MediaFormat& format : formats) {
    const codec::Entry* entry = codec::find(format.name, format.clock_rate);
    if (entry == nullptr) return fail(Errc::unsupported, 0, "a codec of ours");
    if (format.clock_rate != formats.front().clock_rate) continue;
    if (!decoders.empty() && decoders.front().codec->info().sample_rate != entry->info.sample_rate) continue;
    decoders.push_back({format.payload_type, entry->make()});
  }
  const std::uint32_t rate = decoders.front().codec->info().sample_rate;
  auto resampler = audio::Resampler::create(rate, kSampleRate);
  if (!resampler) return tl::make_unexpected(resampler.error());

  if (!resampler_ || rate != rate_) {
    rate_ = rate;
    frame_samples_ = rate / 50;
    pcm_.clear();
    concealer_.emplace(rate);
    resampler_.emplace(std::move(*resampler));
  }
  if (formats.front().clock_rate != jitter_config_.clock_rate) {
    before_ = totals();
    jitter_config_.clock_rate = formats.front().clock_rate;
    buffer_ = rtp::JitterBuffer(jitter_config_);
  }
  decoders_ = std::move(decoders);
  return {};
}

rtp::JitterBuffer::Counters MediaReceiver::totals() const {
  rtp::JitterBuffer::Counters sum = buffer_.counters();
  sum.pushed += before_.pushed;
  sum.played += before_.played;
  sum.late += before_.late;
  sum.duplicates += before_.duplicates;
  sum.discarded += before_.discarded;
  sum.lost += before_.lost;
  sum.restarts += before_.restarts;
  sum.concealed_units += before_.concealed_units;
  return sum;
}

MediaReceiver::Decoder* MediaReceiver::decoder_of(std::uint8_t payload_type) {
  const auto found = std::find_if(decoders_.begin(), decoders_.end(), [payload_type](const Decoder& d) {
    return d.payload_type == payload_type;
  });
  return found == decoders_.end() ? nullptr : &*found;
}

bool MediaReceiver::push(const rtp::PacketView& packet, Time arrival) {
  const Decoder* decoder = decoder_of(packet.payload_type());
  if (decoder == nullptr) return false;
  const std::size_t samples = decoder->codec->frames_in(packet.payload()).value_or(frame_samples_);
  if (samples == 0) {
    buffer_.push_other(packet, arrival);
  } else {
    buffer_.push(packet, static_cast<std::uint32_t>(samples * jitter_config_.clock_rate / rate_), arrival);
  }
  return true;
}

void MediaReceiver::forget() {
  buffer_.reset();
  pcm_.clear();
  resampler_holds_ = false;
  concealer_->reset();
}

// One piece from the jitter buffer to the end of pcm_.
void MediaReceiver::pull(Time now, std::size_t wanted, Frame& frame) {
  const auto to_units = [this](std::size_t n) {
    return static_cast<std::uint32_t>(n * jitter_config_.clock_rate / rate_);
  };
  // What is pulled beyond a frame is needed a tick later.
  const Time needed = now + static_cast<Duration::rep>(pcm_.size() / frame_samples_) * kTick;
  const rtp::JitterBuffer::Slot slot = buffer_.pop(needed, to_units(wanted));
  if (slot.kind == Kind::packet) {
    const std::size_t start = pcm_.size();
    Decoder* decoder = decoder_of(slot.payload_type);
    if (decoder != nullptr && decoder->codec->decode(slot.payload, pcm_) && pcm_.size() > start) {
      if (slot.discontinuity) concealer_->reset(); // nothing to join it to: its beginning is heard as it is
      concealer_->good(std::span(pcm_).subspan(start));
      frame.silent = false;
      counters_.delay_max = std::max(counters_.delay_max, buffer_.delay());
      return;
    }
  }
  const std::size_t samples =
      std::max<std::size_t>(1, static_cast<std::size_t>(slot.units) * rate_ / jitter_config_.clock_rate);
  if (slot.kind == Kind::silence && concealer_->gap() >= rate_ * 6 / 100) {
    pcm_.resize(pcm_.size() + samples);
    return;
  }
  concealer_->conceal(samples, pcm_); // silence begins with the fading of what was heard
  if (slot.kind == Kind::silence) return;
  frame.concealed = true;
  counters_.concealed_samples += to_bridge(samples);
}

MediaReceiver::Frame MediaReceiver::frame(Time now, std::span<std::int16_t> out,
                                          std::vector<std::int16_t>& resampled) {
  Frame frame;
  while (pcm_.size() < frame_samples_)
    pull(now, frame_samples_ - pcm_.size(), frame);
  adapt(now, frame);

  resampled.clear();
  resampler_->process(std::span(pcm_).first(frame_samples_), resampled);
  std::copy_n(resampled.begin(), std::min(out.size(), resampled.size()), out.begin());
  pcm_.erase(pcm_.begin(), pcm_.begin() + static_cast<std::ptrdiff_t>(frame_samples_));
  resampler_holds_ = !frame.silent;
  return frame;
}

void MediaReceiver::adapt(Time now, Frame& frame) {
  const std::int32_t excess = buffer_.excess();
  if (excess == 0) {
    waiting_ = 0;
    return;
  }
  ++waiting_;
  const auto most =
      static_cast<std::size_t>(excess < 0 ? -excess : excess) * rate_ / jitter_config_.clock_rate;
  const bool urgent = most * 1'000'000 > static_cast<std::size_t>(kUrgent.count()) * rate_;
  const bool quiet = is_quiet(pcm_);
  const std::uint32_t patience = urgent       ? kBetweenPeriods
                                 : excess > 0 ? kPatienceToShorten
                                              : kPatienceToLengthen;
  if (!quiet && waiting_ < patience) return;
  if (excess > 0) {
    shorten(now, most, quiet, frame);
  } else {
    lengthen(most, quiet);
  }
}

void MediaReceiver::shorten(Time now, std::size_t most, bool quiet, Frame& frame) {
  if (buffer_.size() == 0) return; // what could be pulled forward is not here
  while (pcm_.size() < 2 * frame_samples_)
    pull(now, 2 * frame_samples_ - pcm_.size(), frame);
  if (quiet && !is_quiet(pcm_)) return; // speech begins: another time
  std::size_t period = quiet ? std::min(most, frame_samples_) : pitch_period(std::span(pcm_), rate_);
  period = std::min(period, pcm_.size() / 2);
  if (period == 0 || period > most) return;
  cut_period(pcm_, 0, period);
  buffer_.adjusted(static_cast<std::int32_t>(period * jitter_config_.clock_rate / rate_));
  counters_.shrunk_samples += to_bridge(period);
  waiting_ = quiet ? 0 : waiting_ - std::min(waiting_, kBetweenPeriods);
}

void MediaReceiver::lengthen(std::size_t most, bool quiet) {
  std::size_t period = quiet ? std::min(most, frame_samples_ / 2) : pitch_period(std::span(pcm_), rate_);
  period = std::min(period, pcm_.size() / 2);
  if (period == 0) return;
  repeat_period(pcm_, 0, period);
  buffer_.adjusted(-static_cast<std::int32_t>(period * jitter_config_.clock_rate / rate_));
  counters_.stretched_samples += to_bridge(period);
  waiting_ = quiet ? 0 : waiting_ - std::min(waiting_, kBetweenPeriods);
}

std::size_t MediaReceiver::to_bridge(std::size_t samples) const {
  return samples * kSampleRate / rate_;
}

} // namespace talky::media
