#include "capture/decoder.hpp"

#include <cstddef>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <utility>

#include "capture/playout.hpp"
#include "rtp/packet.hpp"

namespace talky::capture {

namespace {

constexpr std::int64_t kReorderNs = 1'000'000'000; // how late a packet may come and still find its place
constexpr std::size_t kMaxWaiting = 1024;
constexpr std::int64_t kMaxSequenceJump = 3000; // RFC 3550 A.1's MAX_DROPOUT: beyond, a new start
constexpr std::int64_t kConcealMs = 120;        // after that much nobody can tell what was there

// A length or place at one rate at another.
std::int64_t at_rate(std::int64_t frames, std::int64_t from, std::int64_t to) {
  return from == to ? frames : frames * to / from;
}

} // namespace

std::uint32_t rate_of(const Stream& stream) {
  std::uint32_t rate = 0;
  for (const PayloadUse& use : stream.payload_types()) {
    if (const codec::Entry* entry = codec_of(use.format)) rate = std::max(rate, entry->info.sample_rate);
  }
  return rate;
}

ExactDecoder::ExactDecoder(const Stream& stream, const Options& options, Hear hear)
    : stream_(stream), options_(options), hear_(std::move(hear)), format_{0, 0} {
  for (const PayloadUse& use : stream.payload_types()) {
    const codec::Entry* entry = codec_of(use.format);
    if (entry == nullptr) continue;
    auto codec = entry->make(options.codec);
    if (!codec) codec = entry->make();
    format_.rate = std::max(format_.rate, codec->info().sample_rate);
    if (format_.channels == 0) format_.channels = options.mono ? std::uint16_t{1} : codec->info().channels;
  }
  clock_ = StreamClock(format_.rate);
}

ExactDecoder::Decoder& ExactDecoder::decoder_of(std::uint8_t payload_type) {
  if (recent_ != nullptr && recent_->payload_type == payload_type) return *recent_;
  for (const auto& known : decoders_) {
    if (known->payload_type != payload_type) continue;
    recent_ = known.get();
    return *recent_;
  }
  Decoder& made = *decoders_.emplace_back(std::make_unique<Decoder>());
  recent_ = &made;
  made.payload_type = payload_type;
  const Format* format = stream_.format_of(payload_type);
  const codec::Entry* entry = format != nullptr ? codec_of(*format) : nullptr;
  if (entry == nullptr) return made;
  made.codec = entry->make(options_.codec);
  if (!made.codec) made.codec = entry->make();
  made.rate = made.codec->info().sample_rate;
  made.clock_rate = entry->info.clock_rate;
  made.channels = made.codec->info().channels;
  if (made.rate != format_.rate) {
    made.converter.emplace(made.rate, format_.rate);
    if (format_.channels != 1) made.codec.reset(); // several channels are not converted
  }
  for (std::uint16_t c = 0; c < made.channels; ++c)
    made.concealers.emplace_back(made.rate);
  return made;
}

void ExactDecoder::receive(std::int64_t time_ns, const rtp::Header& header, Bytes payload) {
  if (!any_) {
    any_ = true;
    newest_ = header.sequence;
  }
  const std::int64_t distance = rtp::sequence_distance(newest_, header.sequence);
  // A number far away: the sender started afresh, and this follows what waits.
  const bool afresh = std::abs(distance) > kMaxSequenceJump;
  const std::int64_t sequence = highest_ + (afresh ? 1 : distance);
  if (sequence >= highest_) {
    highest_ = sequence;
    newest_ = header.sequence;
  }
  now_ns_ = std::max(now_ns_, time_ns);
  // Nearly every packet is the next, and nobody waits: it is heard where it lies.
  if (waiting_.empty() && sequence == next_sequence_ && !clock_.doubtful(time_ns, header)) {
    ++next_sequence_;
    take({time_ns, header, payload}, 0, false);
    return;
  }
  if (sequence >= next_sequence_ && waiting_.size() < kMaxWaiting) // else a duplicate, or too late
    waiting_.emplace(sequence, Waiting{time_ns, header, {payload.begin(), payload.end()}});
  drain();
}

void ExactDecoder::end() {
  ended_ = true;
  drain();
}

// Hears what waits, as far as it is certain.
void ExactDecoder::drain() {
  while (!waiting_.empty()) {
    const auto first = waiting_.begin();
    const Waiting& next = first->second;
    const bool follows = first->first == next_sequence_;
    const bool may_wait = !ended_ && now_ns_ - next.time_ns < kReorderNs;
    if (!follows && may_wait) return;
    const bool doubtful = clock_.doubtful(next.time_ns, next.header);
    if (doubtful && may_wait && waiting_.size() < StreamClock::kDoubt) return;
    const bool paused = doubtful && has_paused();
    const std::int64_t lost = first->first - next_sequence_;
    next_sequence_ = first->first + 1;
    const Waiting packet = std::move(first->second);
    waiting_.erase(first);
    take({packet.time_ns, packet.header, packet.payload}, lost, paused);
  }
}

// Of the doubtful packet that is next and those behind it.
bool ExactDecoder::has_paused() {
  const Waiting& first = waiting_.begin()->second;
  auto last = waiting_.begin();
  std::advance(last, std::min(waiting_.size(), StreamClock::kDoubt) - 1);
  const Decoder& decoder = decoder_of(first.header.payload_type);
  return StreamClock::paused(last->second.time_ns - first.time_ns, first.header, last->second.header,
                             decoder.clock_rate != 0 ? decoder.clock_rate : 8000);
}

// Events, comfort noise and what cannot be decoded only take up their sequence number.
bool ExactDecoder::is_sound_packet(Decoder& decoder, const Packet& packet) {
  const auto frames = decoder.codec ? decoder.codec->frames_in(packet.payload) : std::nullopt;
  if (frames && *frames > 0) return true;
  const Format* format = stream_.format_of(packet.header.payload_type);
  const bool other = format != nullptr && !is_sound(*format);
  if (!other && !packet.payload.empty()) ++left_out_;
  return false;
}

void ExactDecoder::take(const Packet& packet, std::int64_t lost, bool paused) {
  Decoder& decoder = decoder_of(packet.header.payload_type);
  if (!is_sound_packet(decoder, packet)) return;
  const std::int64_t gap = place(packet, decoder, paused);
  std::int64_t concealed = 0;
  if (gap > 0 && lost > 0 && last_ != nullptr) {
    concealed = std::min({gap, lost * last_frames_, std::int64_t{format_.rate} * kConcealMs / 1000});
    conceal(concealed, *last_, concealed == gap ? &packet : nullptr);
  }
  if (gap > concealed) {
    for (const auto& each : decoders_)
      each->after_silence = true;
  }
  next_position_ += gap;
  pcm_.clear();
  if (!decoder.codec->decode(packet.payload, pcm_)) {
    ++left_out_;
    return; // a gap for the next one
  }
  smooth(decoder, pcm_);
  give(decoder, next_position_, pcm_);
  last_ = &decoder;
  last_frames_ =
      at_rate(static_cast<std::int64_t>(pcm_.size()) / decoder.channels, decoder.rate, format_.rate);
  next_position_ += last_frames_;
}

// What lies between the end of the packet before and this one, in frames; below 0, it overlaps with what was
// heard already.
std::int64_t ExactDecoder::place(const Packet& packet, const Decoder& decoder, bool paused) {
  const auto place = clock_.place(packet.time_ns, packet.header, decoder.clock_rate, paused);
  if (place.anew) shift_ = 0;
  const std::int64_t gap = place.position + shift_ - next_position_;
  if (gap >= 0 || !place.anew) return gap;
  shift_ = -gap; // arrival is never that exact: it follows
  return 0;
}

void ExactDecoder::conceal(std::int64_t frames, Decoder& decoder, const Packet* next) {
  const auto wanted = static_cast<std::size_t>(at_rate(frames, format_.rate, decoder.rate));
  if (wanted == 0) return;
  codec::Codec& codec = *decoder.codec;
  pcm_.clear();
  const bool same = next != nullptr && next->header.payload_type == decoder.payload_type;
  if (!(same && codec.recover(next->payload, wanted, pcm_)) && !codec.conceal(wanted, pcm_)) {
    pcm_.resize(wanted * decoder.channels);
    for (std::uint16_t c = 0; c < decoder.channels; ++c) {
      plane_.clear();
      decoder.concealers[c].conceal(wanted, plane_);
      for (std::size_t i = 0; i < wanted; ++i)
        pcm_[i * decoder.channels + c] = plane_[i];
    }
    decoder.behind_gap = true;
  }
  give(decoder, next_position_, pcm_);
}

// Keeps the concealers' past, and joins what was made up to what came behind it.
void ExactDecoder::smooth(Decoder& decoder, std::span<std::int16_t> pcm) {
  if (std::exchange(decoder.after_silence, false)) {
    for (auto& concealer : decoder.concealers)
      concealer.reset();
  }
  const std::size_t channels = decoder.channels;
  if (channels == 1) {
    decoder.concealers[0].good(pcm);
  } else {
    for (std::size_t c = 0; c < channels; ++c) {
      plane_.resize(pcm.size() / channels);
      for (std::size_t i = 0; i < plane_.size(); ++i)
        plane_[i] = pcm[i * channels + c];
      decoder.concealers[c].good(plane_);
      for (std::size_t i = 0; i < plane_.size() && decoder.behind_gap; ++i)
        pcm[i * channels + c] = plane_[i];
    }
  }
  decoder.behind_gap = false;
}

// Brings a decoder's sound to the channels and the rate of all.
void ExactDecoder::give(Decoder& decoder, std::int64_t position, std::span<const std::int16_t> pcm) {
  if (decoder.channels == format_.channels && !decoder.converter) {
    emit(position, pcm);
    return;
  }
  plane_.assign(pcm.begin(), pcm.end());
  if (decoder.channels == 2 && format_.channels == 1) { // the mean
    for (std::size_t i = 0; i < pcm.size() / 2; ++i)
      plane_[i] = static_cast<std::int16_t>((pcm[2 * i] + pcm[2 * i + 1]) / 2);
    plane_.resize(pcm.size() / 2);
  } else if (decoder.channels == 1 && format_.channels == 2) { // both alike
    plane_.resize(pcm.size() * 2);
    for (std::size_t i = 0; i < pcm.size(); ++i)
      plane_[2 * i] = plane_[2 * i + 1] = pcm[i];
  }
  if (!decoder.converter) {
    emit(position, plane_);
    return;
  }
  std::int64_t at = at_rate(position, format_.rate, decoder.rate);
  const auto samples = decoder.converter->convert(at, plane_, converted_);
  emit(at, samples);
}

void ExactDecoder::emit(std::int64_t position, std::span<const std::int16_t> samples) {
  const auto frames = static_cast<std::int64_t>(samples.size() / format_.channels);
  const std::int64_t heard = std::clamp<std::int64_t>(emitted_ - position, 0, frames);
  if (heard == frames) return;
  emitted_ = position + frames;
  hear_(position + heard, samples.subspan(static_cast<std::size_t>(heard) * format_.channels));
}

namespace {

class ExactStream final : public StreamDecoder {
 public:
  ExactStream(const Stream& stream, const codec::Options& options)
      : decoder_(stream, {options, false},
                 [this](std::int64_t position, std::span<const std::int16_t> samples) {
                   hear(position, samples);
                 }) {}

  audio::Format format() const override { return decoder_.format(); }
  std::uint64_t left_out() const override { return decoder_.left_out(); }
  void advance(std::int64_t time_ns) override { decoder_.advance(time_ns); }
  void end() override { decoder_.end(); }
  void receive(const file::Segment& segment) override {
    const auto packet = rtp::PacketView::parse(segment.payload);
    if (packet) decoder_.receive(segment.time_ns, packet->header(), packet->payload());
  }
  bool produce(std::vector<std::int16_t>& out) override {
    if (pieces_.empty()) return false;
    Piece& next = pieces_.front();
    if (next.silence > 0) {
      const std::int64_t frames = std::min<std::int64_t>(next.silence, format().rate);
      out.resize(out.size() + static_cast<std::size_t>(frames) * format().channels);
      next.silence -= frames;
      return true;
    }
    if (out.empty()) {
      out.swap(next.samples);
    } else {
      out.insert(out.end(), next.samples.begin(), next.samples.end());
    }
    pieces_.pop_front();
    return true;
  }

 private:
  struct Piece {
    std::int64_t silence = 0; // frames before the samples
    std::vector<std::int16_t> samples;
  };

  void hear(std::int64_t position, std::span<const std::int16_t> samples) {
    const std::int64_t silence = position - end_;
    end_ = position + static_cast<std::int64_t>(samples.size() / format().channels);
    if (silence > 0 || pieces_.empty()) pieces_.push_back({silence, {}});
    auto& last = pieces_.back().samples;
    last.insert(last.end(), samples.begin(), samples.end());
  }

  ExactDecoder decoder_;
  std::deque<Piece> pieces_; // heard, and not yet given
  std::int64_t end_ = 0;     // of them, frames since the first packet
};

class PhoneDecoder final : public StreamDecoder {
 public:
  explicit PhoneDecoder(const Stream& stream) : stream_(stream) {}

  audio::Format format() const override { return {audio::kBridgeRate, 1}; }
  std::uint64_t left_out() const override { return left_out_; }

  void receive(const file::Segment& segment) override {
    if (!playout_) {
      const Stream* const one[] = {&stream_};
      auto made = Playout::create(
          one, segment.time_ns,
          [this](std::int64_t position, std::span<const std::int16_t> samples) { hear(position, samples); });
      if (!made) {
        ++left_out_;
        return;
      }
      playout_.emplace(std::move(*made));
    }
    const auto packet = rtp::PacketView::parse(segment.payload);
    const Format* format = packet ? stream_.format_of(packet->payload_type()) : nullptr;
    if (format == nullptr || (is_sound(*format) && codec_of(*format) == nullptr)) ++left_out_;
    waiting_.push_back({segment, {segment.payload.begin(), segment.payload.end()}});
    now_ns_ = std::max(now_ns_, segment.time_ns);
    if (waiting_.size() == 1 && played_ns_ == kNever) played_ns_ = segment.time_ns;
  }
  void advance(std::int64_t time_ns) override {
    if (playout_) now_ns_ = std::max(now_ns_, time_ns);
  }
  void end() override { ended_ = playout_.has_value(); }
  bool produce(std::vector<std::int16_t>& out) override {
    while (heard_.empty()) {
      if (!step()) return false;
    }
    out.insert(out.end(), heard_.begin(), heard_.end());
    heard_.clear();
    return true;
  }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kStretch = 500'000'000; // ns

  struct Waiting {
    file::Segment segment;
    std::vector<std::byte> payload;
  };

  // Plays on by half a second at most, or hears the next packet if its time has come. However long nothing
  // comes, no more than that of silence is kept. False: nothing is left to do.
  bool step() {
    if (!playout_) return false;
    const std::int64_t until = waiting_.empty() ? now_ns_ : waiting_.front().segment.time_ns;
    if (played_ns_ < until) {
      played_ns_ = until - played_ns_ > kStretch ? played_ns_ + kStretch : until;
      playout_->advance(played_ns_);
      return true;
    }
    if (!waiting_.empty()) {
      Waiting& next = waiting_.front();
      next.segment.payload = next.payload;
      playout_->receive(next.segment);
      waiting_.pop_front();
      return true;
    }
    if (!std::exchange(ended_, false)) return false;
    playout_->finish();
    return true;
  }

  void hear(std::int64_t position, std::span<const std::int16_t> samples) {
    const auto silence = static_cast<std::size_t>(std::max<std::int64_t>(0, position - end_));
    heard_.resize(heard_.size() + silence);
    heard_.insert(heard_.end(), samples.begin(), samples.end());
    end_ = position + static_cast<std::int64_t>(samples.size());
  }

  const Stream& stream_;
  std::optional<Playout> playout_;  // from the first packet on
  std::vector<std::int16_t> heard_; // and not yet given
  std::int64_t end_ = 0;            // of what was heard, in samples since the start
  std::deque<Waiting> waiting_;     // packets whose time has not come
  std::int64_t now_ns_ = kNever;    // up to which may be played
  std::int64_t played_ns_ = kNever; // up to which was played
  bool ended_ = false;              // but not finished
  std::uint64_t left_out_ = 0;
};

} // namespace

std::unique_ptr<StreamDecoder> make_exact_decoder(const Stream& stream, const codec::Options& options) {
  return std::make_unique<ExactStream>(stream, options);
}

std::unique_ptr<StreamDecoder> make_phone_decoder(const Stream& stream) {
  return std::make_unique<PhoneDecoder>(stream);
}

} // namespace talky::capture
