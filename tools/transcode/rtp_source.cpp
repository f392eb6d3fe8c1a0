#include "rtp_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "codec/opus.hpp"
#include "rtp_decoder.hpp"
#include "rtp_sink.hpp"

namespace talky::transcode {

namespace {

constexpr Duration kHorizon = std::chrono::milliseconds(1200); // by which one leg may wait for the other

using Owned = std::vector<std::byte>;

Time time_of(const CapturedRtp& packet) {
  return Time(Duration(packet.time_ns / 1000));
}

class RtpSource final : public Source, public PacketSource {
 public:
  RtpSource(const std::string& path, file::Input input, bool rtpdump, const RtpOptions& options)
      : path_(path), rtpdump_(rtpdump), options_(options) {
    for (const auto& [payload_type, format] : options.types)
      types_.say(payload_type, format);
    std::vector<FoundStream> chosen = scan_file(path, rtpdump, options, types_);
    reader_ = std::make_unique<PacketReader>(path, std::move(input), rtpdump, types_);
    if (chosen.empty()) chosen = listen_for_streams(path, *reader_, rtpdump, options, types_, held_);
    for (const FoundStream& stream : chosen)
      add_leg(stream, chosen.size());
    const audio::Format first = legs_.front().decoder->format();
    for (const Leg& leg : legs_) {
      if (leg.decoder->format().rate != first.rate) {
        throw cli::Failure(cli::ExitCode::data,
                           fmt::format("{}: the legs have {} and {} Hz: choose one with --ssrc, or say "
                                       "--jitter-buffer, which gives both at 16000",
                                       cli::input_name(path_), first.rate, leg.decoder->format().rate));
      }
    }
    format_ = {first.rate, legs_.size() > 1 ? std::uint16_t{2} : first.channels};
  }

  audio::Format format() const override { return format_; }
  bool wide() const override { return false; }
  std::string describe() const override {
    std::string text = rtpdump_ ? "rtpdump" : "pcap";
    for (const Leg& leg : legs_) {
      const auto format = types_.find(leg.stream.payload_type, leg.stream.to);
      text += fmt::format(", {} of SSRC 0x{:08x}", format ? format->text() : "RTP", leg.stream.ssrc);
    }
    return text;
  }

  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    out.clear();
    while (out.empty()) {
      const std::size_t frames = std::min(available(), max_frames);
      if (frames > 0) {
        take(frames, out);
      } else if (!fill()) {
        return;
      }
    }
  }
  void read(std::size_t max_frames, std::vector<float>& out) override {
    read(max_frames, block_);
    out.resize(block_.size());
    std::transform(block_.begin(), block_.end(), out.begin(),
                   [](std::int16_t x) { return static_cast<float>(x) / 32768.0F; });
  }

  PacketSource* packets() override { return this; }

  std::optional<CopiedPacket> next_packet() override {
    for (;;) {
      // What no packet that is still to come can precede.
      if (!copied_.empty() && (input_ended_ || copied_.begin()->first <= copied_until())) {
        CopiedPacket packet = std::move(copied_.begin()->second);
        copied_.erase(copied_.begin());
        return packet;
      }
      if (input_ended_) return std::nullopt;
      copy_next();
    }
  }

  std::vector<AnnouncedStream> announcement() const override {
    std::vector<AnnouncedStream> all;
    for (const Leg& leg : legs_) {
      AnnouncedStream stream = types_.known(leg.stream.to);
      stream.to = endpoints_of(leg).second;
      const std::uint8_t main = leg.stream.payload_type;
      const auto format = types_.find(main, leg.stream.to);
      const bool there = std::any_of(stream.formats.begin(), stream.formats.end(),
                                     [main](const auto& known) { return known.first == main; });
      if (format && !there) stream.formats.emplace(stream.formats.begin(), main, *format);
      all.push_back(std::move(stream));
    }
    return all;
  }

  std::string remark() const override {
    if (reader_->truncated()) return fmt::format("{}: cut off within a packet", cli::input_name(path_));
    std::uint64_t left_out = 0;
    for (const Leg& leg : legs_)
      left_out += leg.decoder->left_out();
    if (left_out > 0)
      return fmt::format("{}: {} packets could not be decoded", cli::input_name(path_), left_out);
    if (others_ > 0)
      return fmt::format("{}: {} packets of other streams left out; --ssrc chooses", cli::input_name(path_),
                         others_);
    return {};
  }

 private:
  struct Leg {
    FoundStream stream;
    std::unique_ptr<StreamDecoder> decoder;
    std::optional<rtp::ImpairedQueue<Owned>> line;
    std::vector<std::int16_t> queue;
    std::size_t used = 0;      // samples of the queue
    std::int64_t given = 0;    // frames put into the queue since the start of the first leg
    std::int64_t position = 0; // frames, of what the decoder gives next
    bool begun = false, ended = false;
  };

  void add_leg(const FoundStream& stream, std::size_t legs) {
    Leg leg;
    leg.stream = stream;
    if (options_.jitter_buffer) {
      leg.decoder = make_phone_decoder(types_, stream.to, stream.payload_type);
    } else {
      codec::Options wanted;
      const auto format = types_.find(stream.payload_type, stream.to);
      if (format && format->codec() != nullptr && format->codec()->info.name == "opus") {
        wanted.sample_rate = options_.rate && codec::opus::has_rate(*options_.rate) ? *options_.rate : 48000;
        wanted.channels = stream.stereo && legs == 1 ? 2 : 1;
      }
      leg.decoder = make_exact_decoder(types_, stream.to, stream.payload_type, wanted);
    }
    if (legs > 1 && leg.decoder->format().channels != 1)
      cli::fail_usage(
          "two streams of several channels each cannot be put side by side: choose one with --ssrc");
    if (options_.impairment) {
      rtp::Impairment line = *options_.impairment;
      line.seed += legs_.size(); // each direction has losses of its own
      leg.line.emplace(line);
    }
    legs_.push_back(std::move(leg));
  }

  std::size_t width() const { return legs_.size() > 1 ? 1 : format_.channels; }

  std::size_t available() const {
    std::size_t frames = ~std::size_t{0};
    bool any = false;
    for (const Leg& leg : legs_) {
      const std::size_t queued = (leg.queue.size() - leg.used) / width();
      if (queued == 0 && leg.ended) continue; // silent from here on
      any = true;
      frames = std::min(frames, queued);
    }
    return any ? frames : 0;
  }

  void take(std::size_t frames, std::vector<std::int16_t>& out) {
    out.assign(frames * format_.channels, 0);
    std::size_t channel = 0;
    for (Leg& leg : legs_) {
      const std::size_t samples = std::min(frames * width(), leg.queue.size() - leg.used);
      for (std::size_t i = 0; i < samples; ++i)
        out[legs_.size() > 1 ? i * 2 + channel : i] = leg.queue[leg.used + i];
      leg.used += samples;
      if (leg.used == leg.queue.size()) {
        leg.queue.clear();
        leg.used = 0;
      }
      ++channel;
    }
  }

  // An rtpdump tells neither the time of day nor who is spoken to: then as we write RTP ourselves.
  std::pair<Endpoint, Endpoint> endpoints_of(const Leg& leg) const {
    if (!rtpdump_) return {leg.stream.from, leg.stream.to};
    const auto index = static_cast<std::size_t>(&leg - legs_.data());
    return {rtp_endpoint(index, true), rtp_endpoint(index, false)};
  }
  std::int64_t day_ns() const { return rtpdump_ ? first_time_ns : 0; }

  void keep(const Leg& leg, std::int64_t time_ns, Bytes datagram) {
    const auto [from, to] = endpoints_of(leg);
    copied_.emplace(time_ns, CopiedPacket{time_ns, from, to, {datagram.begin(), datagram.end()}});
  }

  // Packets that are still to come arrive no earlier.
  std::int64_t copied_until() const {
    std::int64_t until = last_time_ ? to_us(*last_time_) * 1000 + day_ns() : 0;
    for (const Leg& leg : legs_) {
      if (leg.line) until = std::min(until, to_us(leg.line->horizon()) * 1000 + day_ns());
    }
    return until;
  }

  void copy_next() {
    const bool got = with_next([this](const CapturedRtp& packet) {
      advance(time_of(packet));
      Leg* leg = leg_of(packet);
      if (leg == nullptr) {
        ++others_;
      } else if (leg->line) {
        leg->line->send({packet.datagram.begin(), packet.datagram.end()}, *last_time_);
      } else {
        keep(*leg, packet.time_ns + day_ns(), packet.datagram);
      }
    });
    if (!got) input_ended_ = true;
    for (Leg& leg : legs_) {
      if (!leg.line) continue;
      if (input_ended_) leg.line->end();
      while (const auto next = leg.line->poll())
        keep(leg, to_us(next->first) * 1000 + day_ns(), next->second);
    }
  }

  Leg* leg_of(const CapturedRtp& packet) {
    const auto found =
        std::find_if(legs_.begin(), legs_.end(), [&](const Leg& leg) { return leg.stream.is(packet); });
    return found == legs_.end() ? nullptr : &*found;
  }

  // The clock of the lines never goes back.
  void advance(Time now) {
    last_time_ = std::max(last_time_.value_or(now), now);
    for (Leg& leg : legs_) {
      if (leg.line) leg.line->wait(*last_time_);
    }
  }

  // Calls `use` with the next packet; false: there is none.
  template <class Use>
  bool with_next(Use use) {
    if (!held_.empty()) {
      const HeldPacket held = std::move(held_.front());
      held_.pop_front();
      const auto view = rtp::PacketView::parse(held.datagram);
      if (view) use(CapturedRtp{held.time_ns, held.from, held.to, held.datagram, *view});
      return true;
    }
    const auto packet = reader_->next();
    if (packet) use(*packet);
    return packet.has_value();
  }

  // Gets on by a stretch of sound or a packet; false at the end of everything.
  bool fill() {
    bool all_ended = true;
    for (Leg& leg : legs_) {
      if (leg.queue.size() > leg.used || leg.ended) {
        all_ended = all_ended && leg.ended;
        continue;
      }
      if (produce(leg)) return true;
      if (input_ended_) leg.ended = true;
      all_ended = all_ended && leg.ended;
    }
    if (input_ended_) return !all_ended || available() > 0;
    if (with_next([this](const CapturedRtp& packet) { receive(packet); })) return true;
    input_ended_ = true;
    for (Leg& leg : legs_) {
      if (leg.line) leg.line->end();
      drain_line(leg);
      leg.decoder->end();
    }
    return true;
  }

  void receive(const CapturedRtp& packet) {
    const Time arrival = time_of(packet);
    if (!start_) start_ = arrival;
    advance(arrival);
    Leg* leg = leg_of(packet);
    if (leg == nullptr) {
      ++others_;
      return;
    }
    if (leg->line) {
      leg->line->send({packet.datagram.begin(), packet.datagram.end()}, *last_time_);
      for (Leg& each : legs_)
        drain_line(each);
    } else {
      hand_over(*leg, packet.packet, arrival);
    }
    if (legs_.size() > 1) keep_up(arrival);
  }

  void drain_line(Leg& leg) {
    while (leg.line) {
      const auto next = leg.line->poll();
      if (!next) return;
      const auto view = rtp::PacketView::parse(next->second);
      if (view) hand_over(leg, *view, next->first);
    }
  }

  void hand_over(Leg& leg, const rtp::PacketView& packet, Time arrival) {
    if (!leg.begun) {
      leg.begun = true;
      // The legs lie side by side as they came.
      if (legs_.size() > 1) leg.position = std::max<std::int64_t>(0, frames_in(arrival - *start_));
      pad(leg, leg.position);
    }
    leg.decoder->receive(packet, arrival);
  }

  std::int64_t frames_in(Duration duration) const { return duration.count() * format_.rate / 1'000'000; }

  void pad(Leg& leg, std::int64_t to) {
    if (to <= leg.given) return;
    leg.queue.resize(leg.queue.size() + static_cast<std::size_t>(to - leg.given) * width());
    leg.given = to;
  }

  // A leg that sends nothing does not hold the other one up.
  void keep_up(Time now) {
    for (Leg& leg : legs_) {
      while (produce(leg)) {
      }
      pad(leg, frames_in(now - *start_ - kHorizon));
    }
  }

  bool produce(Leg& leg) {
    produced_.clear();
    if (!leg.decoder->produce(produced_)) return false;
    const auto frames = static_cast<std::int64_t>(produced_.size() / width());
    if (legs_.size() == 1 && leg.queue.empty()) {
      leg.queue.swap(produced_);
      return true;
    }
    // What was padded over is too late.
    const std::int64_t late =
        legs_.size() > 1 ? std::clamp<std::int64_t>(leg.given - leg.position, 0, frames) : 0;
    leg.queue.insert(
        leg.queue.end(),
        produced_.begin() + static_cast<std::ptrdiff_t>(late) * static_cast<std::ptrdiff_t>(width()),
        produced_.end());
    leg.position += frames;
    leg.given += frames - late;
    return true;
  }

  std::string path_;
  bool rtpdump_;
  RtpOptions options_;
  PayloadTypes types_;
  std::unique_ptr<PacketReader> reader_;
  std::deque<HeldPacket> held_;
  std::vector<Leg> legs_;
  std::multimap<std::int64_t, CopiedPacket> copied_; // by time
  audio::Format format_;
  std::optional<Time> start_, last_time_;
  bool input_ended_ = false;
  std::uint64_t others_ = 0;
  std::vector<std::int16_t> produced_, block_;
};

} // namespace

std::unique_ptr<Source> open_rtp(const std::string& path, file::Input input, bool rtpdump,
                                 const RtpOptions& options) {
  return std::make_unique<RtpSource>(path, std::move(input), rtpdump, options);
}

} // namespace talky::transcode
