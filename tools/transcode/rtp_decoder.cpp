#include "rtp_decoder.hpp"

#include <algorithm>
#include <cstdlib>

#include "cli/exit_code.hpp"

namespace talky::transcode {

namespace {

constexpr Duration kReorder = std::chrono::seconds(1); // how late a packet may come and still find its place
constexpr std::size_t kMaxWaiting = 1024;
constexpr std::int64_t kMaxSequenceJump = 3000; // RFC 3550 A.1's MAX_DROPOUT: beyond, a new start
constexpr double kMaxDrift = 5;                 // seconds between timestamp and arrival
constexpr std::uint32_t kConcealMs = 120;       // after that much nobody can tell what was there

class ExactDecoder final : public StreamDecoder {
 public:
  ExactDecoder(const PayloadTypes& types, const Endpoint& to, std::uint8_t payload_type,
               const codec::Options& options)
      : types_(types), to_(to), options_(options) {
    Decoder& main = decoder_of(payload_type);
    format_ = {main.codec->info().sample_rate, main.codec->info().channels};
    clock_rate_ = main.codec->info().clock_rate;
    for (std::uint16_t c = 0; c < format_.channels; ++c)
      concealers_.emplace_back(format_.rate);
  }

  audio::Format format() const override { return format_; }
  std::uint64_t left_out() const override { return left_out_; }
  void end() override { ended_ = true; }

  void receive(const rtp::PacketView& packet, Time arrival) override {
    if (!any_) {
      any_ = true;
      newest_ = packet.sequence();
    }
    const std::int64_t distance = rtp::sequence_distance(newest_, packet.sequence());
    // A number far away: the sender started afresh, and this follows what waits.
    const bool afresh = std::abs(distance) > kMaxSequenceJump;
    const std::int64_t sequence = highest_ + (afresh ? 1 : distance);
    if (sequence >= highest_) {
      highest_ = sequence;
      newest_ = packet.sequence();
    }
    newest_arrival_ = std::max(newest_arrival_, arrival);
    if (sequence < next_sequence_ || waiting_.size() >= kMaxWaiting) return; // a duplicate, or too late
    waiting_.emplace(sequence,
                     Waiting{packet.header(), {packet.payload().begin(), packet.payload().end()}, arrival});
  }

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
      if (!follows && !ended_ && newest_arrival_ - first->second.arrival < kReorder) return false;
      const std::int64_t lost = first->first - next_sequence_;
      next_sequence_ = first->first + 1;
      Waiting packet = std::move(first->second);
      waiting_.erase(first);
      if (!is_audio(packet)) continue;
      place(packet, lost, out);
      current_ = std::move(packet);
      return true;
    }
    return false;
  }

 private:
  struct Waiting {
    rtp::Header header;
    std::vector<std::byte> payload;
    Time arrival;
  };
  struct Decoder {
    std::unique_ptr<codec::Codec> codec; // nullptr: not to be decoded
  };

  Decoder& decoder_of(std::uint8_t payload_type) {
    const auto known = decoders_.find(payload_type);
    if (known != decoders_.end()) return known->second;
    Decoder& made = decoders_[payload_type];
    const auto format = types_.find(payload_type, to_);
    const codec::Entry* entry = format ? format->codec() : nullptr;
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
    const auto format = types_.find(packet.header.payload_type, to_);
    const bool other = format && (format->name == "telephone-event" || format->name == "CN");
    if (!other && !packet.payload.empty()) ++left_out_;
    return false;
  }

  // Fills what lies between the end of the packet before and this one.
  void place(const Waiting& packet, std::int64_t lost, std::vector<std::int16_t>& out) {
    drop_ = 0;
    if (!started_) {
      started_ = true;
      last_arrival_ = packet.arrival;
      return;
    }
    const std::int64_t units = rtp::timestamp_distance(next_timestamp_, packet.header.timestamp);
    std::int64_t gap = units * format_.rate / clock_rate_;
    const double by_arrival =
        static_cast<double>((packet.arrival - last_arrival_).count()) * 1e-6 * format_.rate -
        static_cast<double>(last_frames_);
    if (std::abs(by_arrival - static_cast<double>(gap)) > kMaxDrift * format_.rate)
      gap = std::max<std::int64_t>(0, static_cast<std::int64_t>(by_arrival));
    last_arrival_ = packet.arrival;
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
    next_timestamp_ = packet.header.timestamp +
                      static_cast<std::uint32_t>(std::uint64_t{frames} * clock_rate_ / format_.rate);
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

  const PayloadTypes& types_;
  Endpoint to_;
  codec::Options options_;
  audio::Format format_;
  std::uint32_t clock_rate_ = 0;
  std::map<std::uint8_t, Decoder> decoders_;
  std::vector<audio::Concealer> concealers_;

  std::map<std::int64_t, Waiting> waiting_; // by extended sequence number
  bool any_ = false, started_ = false, ended_ = false;
  std::int64_t highest_ = 0, next_sequence_ = 0; // counted from the first packet
  std::uint16_t newest_ = 0;                     // highest_ as the sender numbers it
  Time newest_arrival_{};

  std::optional<Waiting> current_; // to be decoded next, behind the silence
  std::int64_t silence_ = 0;       // frames still to come before it
  std::size_t drop_ = 0;           // frames of it that are not wanted
  bool behind_gap_ = false, after_silence_ = false;
  std::uint32_t next_timestamp_ = 0;
  std::size_t last_frames_ = 0;
  std::uint8_t last_payload_type_ = 0;
  Time last_arrival_{};
  std::uint64_t left_out_ = 0;
  std::vector<std::int16_t> plane_;
};

} // namespace

std::unique_ptr<StreamDecoder> make_exact_decoder(const PayloadTypes& types, const Endpoint& to,
                                                  std::uint8_t payload_type, const codec::Options& options) {
  return std::make_unique<ExactDecoder>(types, to, payload_type, options);
}

} // namespace talky::transcode
