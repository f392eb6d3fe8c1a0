#include "rtp_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "capture/decoder.hpp"
#include "capture/packets.hpp"
#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "codec/opus.hpp"
#include "rtp_sink.hpp"
#include "rtp_streams.hpp"
#include "sdp/session.hpp"

namespace talky::transcode {

namespace {

// By which one leg may wait for the other: of a file, for whatever drift its clock may have; of a pipe, that
// is heard as it comes, no longer than a packet waits for another.
constexpr Duration kHorizon = std::chrono::milliseconds(capture::StreamClock::kMaxDriftMs + 1'500);
constexpr Duration kLiveHorizon = std::chrono::milliseconds(1'200);

using Owned = std::vector<std::byte>;

Time time_of(const file::Segment& packet) {
  return Time(Duration(packet.time_ns / 1000));
}

file::Segment with_payload(file::Segment segment, Bytes datagram) {
  segment.payload = datagram;
  segment.payload_length = static_cast<std::uint32_t>(datagram.size());
  return segment;
}

class RtpSource final : public Source, public PacketSource {
 public:
  RtpSource(const std::string& path, file::Input input, const RtpOptions& options)
      : path_(path), options_(options) {
    for (const auto& [payload_type, format] : options.types)
      input_.analysis.announcements.say(payload_type, format);
    std::vector<const capture::Stream*> chosen = scan_file(path, options, input_);
    packets_.emplace(cli::check_input(capture::Source::create(std::move(input)), path), input_.keys,
                     input_.analysis);
    rtpdump_ = packets_->source().kind() == capture::Source::Kind::rtpdump;
    live_ = chosen.empty();
    if (live_) chosen = listen_for_streams(path, *packets_, options, input_, held_);
    for (const capture::Stream* stream : chosen)
      add_leg(*stream, chosen.size());
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
    for (const Leg& leg : legs_)
      text += fmt::format(", {} of SSRC 0x{:08x}", format_text(*leg.stream), leg.stream->ssrc);
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
    for (const Leg& leg : legs_)
      all.push_back({endpoints_of(leg).second, announced_formats(*leg.stream)});
    return all;
  }

  std::vector<std::string> remarks() const override {
    const std::string name = cli::input_name(path_);
    std::vector<std::string> lines = capture::remarks(*packets_, input_.analysis, name);
    if (packets_->damage()) lines.push_back(cli::input_fault(path_, *packets_->damage()));
    std::uint64_t left_out = 0;
    for (const Leg& leg : legs_)
      left_out += leg.decoder->left_out();
    if (left_out > 0) {
      lines.push_back(fmt::format("{}: {} packets could not be decoded", name, left_out));
    } else if (others_ > 0) {
      lines.push_back(fmt::format("{}: {} packets of other streams left out; --ssrc chooses", name, others_));
    }
    return lines;
  }

  bool damaged() const override { return packets_->damage().has_value(); }

 private:
  struct Leg {
    const capture::Stream* stream = nullptr;
    std::unique_ptr<capture::StreamDecoder> decoder;
    std::optional<rtp::ImpairedQueue<Owned>> line;
    std::vector<std::int16_t> queue;
    std::size_t used = 0;      // samples of the queue
    std::int64_t given = 0;    // frames put into the queue since the start of the first leg
    std::int64_t position = 0; // frames, of what the decoder gives next
    bool begun = false, ended = false;
  };

  void add_leg(const capture::Stream& stream, std::size_t legs) {
    Leg leg;
    leg.stream = &stream;
    if (options_.jitter_buffer) {
      leg.decoder = capture::make_phone_decoder(stream);
    } else {
      codec::Options wanted;
      if (stream.codec()->info.name == "opus") {
        wanted.sample_rate = options_.rate && codec::opus::has_rate(*options_.rate) ? *options_.rate : 48000;
        wanted.channels = input_.stereo.contains(&stream) && legs == 1 ? 2 : 1;
      }
      leg.decoder = capture::make_exact_decoder(stream, wanted);
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
    if (!rtpdump_) return {leg.stream->from, leg.stream->to};
    const auto index = static_cast<std::size_t>(&leg - legs_.data());
    return {rtp_endpoint(index, true), rtp_endpoint(index, false)};
  }
  std::int64_t day_ns() const { return rtpdump_ ? kFirstTimeNs - packets_->source().start_ns() : 0; }

  // What the stream's payload types mean, without what RFC 3551 says of them all.
  std::vector<std::pair<std::uint8_t, capture::Format>> announced_formats(
      const capture::Stream& stream) const {
    std::vector<std::pair<std::uint8_t, capture::Format>> formats;
    const std::uint8_t main = payload_type_of(stream);
    for (std::uint8_t type = 0; type < 128; ++type) {
      const bool fixed = sdp::static_rtpmap(type).has_value();
      const auto format = input_.analysis.announcements.format(stream.from, stream.to, type);
      if (format.name.empty() || (fixed && type != main)) continue;
      formats.insert(fixed ? formats.begin() : formats.end(), {type, format});
    }
    return formats;
  }

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
    const bool got = with_next([this](const file::Segment& packet) {
      advance(time_of(packet));
      Leg* leg = leg_of(packet);
      if (leg == nullptr) {
        ++others_;
      } else if (leg->line) {
        leg->line->send({packet.payload.begin(), packet.payload.end()}, *last_time_);
      } else {
        keep(*leg, packet.time_ns + day_ns(), packet.payload);
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

  Leg* leg_of(const file::Segment& packet) {
    rtp::Header header;
    Bytes payload;
    const capture::Stream* stream = input_.analysis.streams.find(packet, header, payload);
    const auto found =
        std::find_if(legs_.begin(), legs_.end(), [&](const Leg& leg) { return leg.stream == stream; });
    return found == legs_.end() ? nullptr : &*found;
  }

  // The clock of the lines never goes back.
  void advance(Time now) {
    last_time_ = std::max(last_time_.value_or(now), now);
    for (Leg& leg : legs_) {
      if (leg.line) leg.line->wait(*last_time_);
    }
  }

  // Calls `use` with the next packet of a stream; false: there is none.
  template <class Use>
  bool with_next(Use use) {
    if (!held_.empty()) {
      const HeldPacket held = std::move(held_.front());
      held_.pop_front();
      use(held.segment());
      return true;
    }
    rtp::Header header;
    Bytes payload;
    for (file::Segment segment; cli::check_input(packets_->next(segment), path_);) {
      const bool whole = segment.payload_length <= segment.payload.size();
      // What a pipe brings is understood as it comes; of a file all is known.
      const bool of_a_stream =
          live_ ? input_.add(segment) != nullptr
                : whole && input_.analysis.streams.find(segment, header, payload) != nullptr;
      if (!of_a_stream) continue;
      use(segment);
      return true;
    }
    return false;
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
    if (with_next([this](const file::Segment& packet) { receive(packet); })) return true;
    input_ended_ = true;
    for (Leg& leg : legs_) {
      if (leg.line) leg.line->end();
      drain_line(leg);
      leg.decoder->end();
    }
    return true;
  }

  void receive(file::Segment packet) {
    packet.time_ns = input_.analysis.timeline.place(packet.time_ns);
    const Time arrival = time_of(packet);
    if (!start_ns_) start_ns_ = begin_of_all(packet.time_ns);
    advance(arrival);
    Leg* leg = leg_of(packet);
    if (leg == nullptr) {
      ++others_;
      return;
    }
    if (leg->line) {
      leg->line->send({packet.payload.begin(), packet.payload.end()}, *last_time_);
      for (Leg& each : legs_)
        drain_line(each);
    } else {
      hand_over(*leg, packet, begin_of(*leg, packet.time_ns));
    }
    if (legs_.size() > 1) keep_up(arrival);
  }

  void drain_line(Leg& leg) {
    while (leg.line) {
      const auto next = leg.line->poll();
      if (!next) return;
      file::Segment segment;
      segment.from = leg.stream->from;
      segment.to = leg.stream->to;
      segment.time_ns = to_us(next->first) * 1000;
      hand_over(leg, with_payload(segment, next->second), segment.time_ns);
    }
  }

  // `begin_ns`: of the leg, if this is its first packet.
  void hand_over(Leg& leg, const file::Segment& packet, std::int64_t begin_ns) {
    if (!leg.begun) {
      leg.begun = true;
      // The legs lie side by side as they came.
      if (legs_.size() > 1) {
        leg.position =
            std::max<std::int64_t>(0, capture::StreamClock(format_.rate).samples(begin_ns - *start_ns_));
      }
      pad(leg, leg.position);
    }
    leg.decoder->receive(packet);
  }

  // When the first sample of a leg was spoken: its first packet may have been late. Of a pipe that is not
  // known yet, a bad line makes its own times, and a telephone hears what comes when it comes.
  std::int64_t begin_of(const Leg& leg, std::int64_t arrival_ns) const {
    if (live_ || leg.line || options_.jitter_buffer) return arrival_ns;
    const auto late = static_cast<std::int64_t>(leg.stream->first_late_ms() * 1e6);
    return input_.analysis.timeline.place(leg.stream->first_ns()) - late;
  }
  std::int64_t begin_of_all(std::int64_t arrival_ns) const {
    std::int64_t begin = arrival_ns;
    for (const Leg& leg : legs_)
      begin = std::min(begin, begin_of(leg, arrival_ns));
    return begin;
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
      if (!leg.line) leg.decoder->advance(to_us(now) * 1000);
      while (produce(leg)) {
      }
      pad(leg, frames_in(now - Time(Duration(*start_ns_ / 1000)) - (live_ ? kLiveHorizon : kHorizon)));
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
  RtpOptions options_;
  RtpInput input_;
  std::optional<capture::Packets> packets_;
  bool rtpdump_ = false;
  bool live_ = false; // a pipe: what its streams are is found out as it comes
  std::deque<HeldPacket> held_;
  std::vector<Leg> legs_;
  std::multimap<std::int64_t, CopiedPacket> copied_; // by time
  audio::Format format_;
  std::optional<std::int64_t> start_ns_;
  std::optional<Time> last_time_;
  bool input_ended_ = false;
  std::uint64_t others_ = 0;
  std::vector<std::int16_t> produced_, block_;
};

} // namespace

std::unique_ptr<Source> open_rtp(const std::string& path, file::Input input, const RtpOptions& options) {
  return std::make_unique<RtpSource>(path, std::move(input), options);
}

} // namespace talky::transcode
