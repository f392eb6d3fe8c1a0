#include "capture/decoder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "audio/concealer.hpp"
#include "capture/playout.hpp"
#include "capture/stream_clock.hpp"
#include "rtp/packet.hpp"

namespace talky::capture {

namespace {

constexpr std::int64_t kReorderNs = 1'000'000'000; // how late a packet may come and still find its place
constexpr std::size_t kMaxWaiting = 1024;
constexpr std::int64_t kMaxSequenceJump = 3000; // RFC 3550 A.1's MAX_DROPOUT: beyond, a new start
constexpr std::uint32_t kConcealMs = 120;       // after that much nobody can tell what was there

class ExactDecoder final : public StreamDecoder {
 public:
  ExactDecoder(const Stream& stream, const codec::Options& options) : stream_(stream), options_(options) {
    for (const PayloadUse& use : stream.payload_types()) {
      const Decoder& first = decoder_of(use.type);
      if (!first.codec) continue;
      format_ = {first.codec->info().sample_rate, first.codec->info().channels};
      clock_rate_ = first.codec->info().clock_rate;
      break;
    }
    clock_ = StreamClock(format_.rate);
    for (std::uint16_t c = 0; c < format_.channels; ++c)
      concealers_.emplace_back(format_.rate);
  }

  audio::Format format() const override { return format_; }
  std::uint64_t left_out() const override { return left_out_; }
  void end() override { ended_ = true; }

  void receive(const file::Segment& segment) override {
    const auto packet = rtp::PacketView::parse(segment.payload);
    if (!packet) return;
    if (!any_) {
      any_ = true;
      newest_ = packet->sequence();
    }
    const std::int64_t distance = rtp::sequence_distance(newest_, packet->sequence());
    // A number far away: the sender started afresh, and this follows what waits.
    const bool afresh = std::abs(distance) > kMaxSequenceJump;
    const std::int64_t sequence = highest_ + (afresh ? 1 : distance);
    if (sequence >= highest_) {
      highest_ = sequence;
      newest_ = packet->sequence();
    }
    advance(segment.time_ns);
    if (sequence < next_sequence_ || waiting_.size() >= kMaxWaiting) return; // a duplicate, or too late
    const Bytes payload = packet->payload();
    waiting_.emplace(sequence, Waiting{packet->header(), {payload.begin(), payload.end()}, segment.time_ns});
  }

  void advance(std::int64_t time_ns) override { now_ns_ = std::max(now_ns_, time_ns); }

  bool produce(std::vector<std::int16_t>& out) override {
    if (silence_ > 0) {
      const auto frames = static_cast<std::size_t>(std::min<std::int64_t>(silence_, format_.rate));
      out.resize(out.size() + frames * format_.channels);
      silence_ -= static_cast<std::int64_t>(frames);
      return true;
    }
    if (current_) {
      decode(*current_, out);
      current_.reset();
      return true;
    }
    while (!waiting_.empty()) {
      const auto first = waiting_.begin();
      const bool follows = first->first == next_sequence_;
      const bool may_wait = !ended_ && now_ns_ - first->second.time_ns < kReorderNs;
      if (!follows && may_wait) return false;
      const bool doubtful = clock_.doubtful(first->second.time_ns, first->second.header);
      if (doubtful && may_wait && waiting_.size() < StreamClock::kDoubt) return false;
      const bool paused = doubtful && has_paused();
      const std::int64_t lost = first->first - next_sequence_;
      next_sequence_ = first->first + 1;
      Waiting packet = std::move(first->second);
      waiting_.erase(first);
      if (!is_audio(packet)) continue;
      place(packet, lost, paused, out);
      current_ = std::move(packet);
      return true;
    }
    return false;
  }

 private:
  struct Waiting {
    rtp::Header header;
    std::vector<std::byte> payload;
    std::int64_t time_ns;
  };
  struct Decoder {
    std::unique_ptr<codec::Codec> codec; // nullptr: not to be decoded
  };

  Decoder& decoder_of(std::uint8_t payload_type) {
    const auto known = decoders_.find(payload_type);
    if (known != decoders_.end()) return known->second;
    Decoder& made = decoders_[payload_type];
    const Format* format = stream_.format_of(payload_type);
    const codec::Entry* entry = format != nullptr ? codec_of(*format) : nullptr;
    if (entry == nullptr) return made;
    made.codec = entry->make(options_);
    if (!made.codec) made.codec = entry->make();
    // Another codec in the same stream must have the same clock and the same sound.
    if (clock_rate_ != 0 &&
        (entry->info.clock_rate != clock_rate_ || made.codec->info().sample_rate != format_.rate ||
         made.codec->info().channels != format_.channels))
      made.codec.reset();
    return made;
  }

  // Events, comfort noise and what cannot be decoded only take up their sequence number.
  bool is_audio(const Waiting& packet) {
    Decoder& decoder = decoder_of(packet.header.payload_type);
    const auto frames = decoder.codec ? decoder.codec->frames_in(packet.payload) : std::nullopt;
    if (frames && *frames > 0) return true;
    const Format* format = stream_.format_of(packet.header.payload_type);
    const bool other = format != nullptr && !is_sound(*format);
    if (!other && !packet.payload.empty()) ++left_out_;
    return false;
  }

  // Of the doubtful packet that is next and those behind it.
  bool has_paused() const {
    const Waiting& first = waiting_.begin()->second;
    auto last = waiting_.begin();
    std::advance(last, std::min(waiting_.size(), StreamClock::kDoubt) - 1);
    return StreamClock::paused(last->second.time_ns - first.time_ns, first.header, last->second.header,
                               clock_rate_);
  }

  // Fills what lies between the end of the packet before and this one.
  void place(const Waiting& packet, std::int64_t lost, bool paused, std::vector<std::int16_t>& out) {
    drop_ = 0;
    const auto place = clock_.place(packet.time_ns, packet.header, clock_rate_, paused);
    if (place.anew) shift_ = 0;
    const std::int64_t gap = place.position + shift_ - next_position_;
    next_position_ += gap;
    if (gap < 0 && place.anew) { // arrival is never that exact: it follows
      shift_ = -gap;
      next_position_ -= gap;
      return;
    }
    if (gap < 0) {
      drop_ = static_cast<std::size_t>(-gap); // it overlaps with what was heard already
      return;
    }
    if (gap == 0) return;
    std::int64_t concealed = 0;
    if (lost > 0) {
      const std::int64_t most = std::min<std::int64_t>(lost * static_cast<std::int64_t>(last_frames_),
                                                       std::int64_t{format_.rate} * kConcealMs / 1000);
      concealed = std::min(gap, most);
      conceal(static_cast<std::size_t>(concealed), concealed == gap ? &packet : nullptr, out);
    }
    silence_ = gap - concealed;
    after_silence_ = silence_ > 0;
  }

  void conceal(std::size_t frames, const Waiting* next, std::vector<std::int16_t>& out) {
    if (frames == 0) return;
    const std::size_t start = out.size();
    codec::Codec& codec = *decoder_of(last_payload_type_).codec;
    const bool same = next != nullptr && next->header.payload_type == last_payload_type_;
    if (same && codec.recover(next->payload, frames, out)) return;
    if (codec.conceal(frames, out)) return;
    out.resize(start + frames * format_.channels);
    for (std::uint16_t c = 0; c < format_.channels; ++c) {
      plane_.clear();
      concealers_[c].conceal(frames, plane_);
      for (std::size_t i = 0; i < frames; ++i)
        out[start + i * format_.channels + c] = plane_[i];
    }
    behind_gap_ = true;
  }

  void decode(const Waiting& packet, std::vector<std::int16_t>& out) {
    codec::Codec& codec = *decoder_of(packet.header.payload_type).codec;
    const std::size_t start = out.size();
    if (!codec.decode(packet.payload, out)) {
      ++left_out_;
      return; // a gap for the next one
    }
    const std::size_t frames = (out.size() - start) / format_.channels;
    last_payload_type_ = packet.header.payload_type;
    last_frames_ = frames;
    next_position_ += static_cast<std::int64_t>(frames);
    smooth(std::span(out).subspan(start));
    const std::size_t dropped = std::min(drop_, frames) * format_.channels;
    const auto from = out.begin() + static_cast<std::ptrdiff_t>(start);
    out.erase(from, from + static_cast<std::ptrdiff_t>(dropped));
  }

  // Keeps the concealers' past, and joins what was made up to what came behind it.
  void smooth(std::span<std::int16_t> pcm) {
    if (after_silence_) {
      for (auto& concealer : concealers_)
        concealer.reset();
      after_silence_ = false;
    }
    if (format_.channels == 1) {
      concealers_[0].good(pcm);
    } else {
      for (std::uint16_t c = 0; c < format_.channels; ++c) {
        plane_.resize(pcm.size() / format_.channels);
        for (std::size_t i = 0; i < plane_.size(); ++i)
          plane_[i] = pcm[i * format_.channels + c];
        concealers_[c].good(plane_);
        for (std::size_t i = 0; i < plane_.size() && behind_gap_; ++i)
          pcm[i * format_.channels + c] = plane_[i];
      }
    }
    behind_gap_ = false;
  }

  const Stream& stream_;
  codec::Options options_;
  audio::Format format_;
  std::uint32_t clock_rate_ = 0;
  std::map<std::uint8_t, Decoder> decoders_;
  std::vector<audio::Concealer> concealers_;

  StreamClock clock_{8000};
  std::int64_t next_position_ = 0; // of the clock: where the packet before ends
  std::int64_t shift_ = 0;         // by which positions are later than the clock's

  std::map<std::int64_t, Waiting> waiting_; // by extended sequence number
  bool any_ = false, ended_ = false;
  std::int64_t highest_ = 0, next_sequence_ = 0; // counted from the first packet
  std::uint16_t newest_ = 0;                     // highest_ as the sender numbers it
  std::int64_t now_ns_ = std::numeric_limits<std::int64_t>::min();

  std::optional<Waiting> current_; // to be decoded next, behind the silence
  std::int64_t silence_ = 0;       // frames still to come before it
  std::size_t drop_ = 0;           // frames of it that are not wanted
  bool behind_gap_ = false, after_silence_ = false;
  std::size_t last_frames_ = 0;
  std::uint8_t last_payload_type_ = 0;
  std::uint64_t left_out_ = 0;
  std::vector<std::int16_t> plane_;
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
  return std::make_unique<ExactDecoder>(stream, options);
}

std::unique_ptr<StreamDecoder> make_phone_decoder(const Stream& stream) {
  return std::make_unique<PhoneDecoder>(stream);
}

} // namespace talky::capture
