#include "rtp_sink.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/failure.hpp"
#include "rtp/sender.hpp"

namespace talky::transcode {

namespace {

constexpr std::uint16_t kPort = 5004, kSapPort = 9875;
constexpr std::uint8_t kOpusType = 111, kDynamicType = 96;

file::Output::Mode mode_of(bool force) {
  return force ? file::Output::Mode::replace : file::Output::Mode::fresh;
}

std::uint8_t payload_type_of(const RtpOutput& output) {
  const codec::Info& info = output.entry().info;
  if (output.payload_type) return *output.payload_type;
  return info.static_pt.value_or(info.name == "opus" ? kOpusType : kDynamicType);
}

class RtpSink final : public Sink {
 public:
  RtpSink(const std::string& path, Kind::Container container, const RtpOutput& output, audio::Format format,
          bool force)
      : output_(path, container, force, rtp_endpoint(0, true), kFirstTimeNs),
        format_(format),
        payload_type_(payload_type_of(output)) {
    const auto first = make_codec(output);
    width_ = first->info().channels;
    const std::uint64_t thousandths = std::uint64_t{format.rate} * output.ptime_ms;
    packet_ = static_cast<std::size_t>(thousandths / 1000);
    if (thousandths % 1000 != 0 || !first->packs(packet_))
      cli::fail_usage(fmt::format("--ptime {}: {} has no packets of so many milliseconds at {} Hz",
                                  output.ptime_ms, first->info().name, format.rate));
    clock_rate_ = first->info().clock_rate;
    const codec::Info& info = output.entry().info;
    const auto meaning = capture::make_format(info.name, info.clock_rate, info.rtpmap_channels);
    std::vector<AnnouncedStream> announced;
    for (std::size_t i = 0; i < format.channels / width_; ++i)
      announced.push_back({rtp_endpoint(i, false), {{payload_type_, meaning}}});
    output_.announce(kFirstTimeNs, rtp_endpoint(0, true).ip, announced);
    for (std::size_t i = 0; i < format.channels / width_; ++i)
      streams_.push_back(
          {make_codec(output), rtp::Sender(output.ssrc + static_cast<std::uint32_t>(i), 1, 0), {}});
  }

  void write(std::span<const std::int16_t> interleaved) override {
    if (streams_.size() == 1) {
      streams_[0].pcm.insert(streams_[0].pcm.end(), interleaved.begin(), interleaved.end());
    } else {
      for (std::size_t i = 0; i < interleaved.size(); ++i)
        streams_[i % streams_.size()].pcm.push_back(interleaved[i]);
    }
    send(packet_);
  }
  void write(std::span<const float> interleaved) override {
    narrow_.resize(interleaved.size());
    file::from_float(file::SampleFormat::s16le, interleaved, std::as_writable_bytes(std::span(narrow_)));
    write(std::span<const std::int16_t>(narrow_));
  }
  void write_raw(Bytes) override {}
  void flush() override { output_.flush(); }

  void close() override {
    // What is left is a packet of its own, filled up with silence as far as the codec needs it.
    std::size_t rest = streams_[0].pcm.size() / width_;
    if (rest > 0) {
      while (rest < packet_ && !streams_[0].codec->packs(rest))
        ++rest;
      if (!streams_[0].codec->sliceable()) rest = packet_;
      for (Stream& stream : streams_)
        stream.pcm.resize(rest * width_);
      send(rest);
    }
    output_.close();
  }

 private:
  struct Stream {
    std::unique_ptr<codec::Codec> codec;
    rtp::Sender sender;
    std::vector<std::int16_t> pcm; // not sent yet
  };

  std::unique_ptr<codec::Codec> make_codec(const RtpOutput& output) const {
    codec::Options options = output.options;
    const codec::Info& info = output.entry().info;
    if (info.name == "opus") {
      options.sample_rate = format_.rate;
      options.channels = static_cast<std::uint8_t>(std::min<std::uint16_t>(format_.channels, 2));
    }
    auto codec = output.entry().make(options);
    if (!codec || codec->info().sample_rate != format_.rate || format_.channels % codec->info().channels != 0)
      cli::fail_usage(fmt::format("{} cannot hold {} channels at {} Hz; choose with -r and -c", info.name,
                                  format_.channels, format_.rate));
    return codec;
  }

  // Packets of so many frames for as long as there are samples.
  void send(std::size_t frames) {
    const std::size_t samples = frames * width_;
    const std::size_t count = streams_[0].pcm.size() / samples;
    const auto units = static_cast<std::uint32_t>(std::uint64_t{frames} * clock_rate_ / format_.rate);
    for (std::size_t n = 0; n < count; ++n) {
      const auto time = kFirstTimeNs + static_cast<std::int64_t>(sent_ * 1'000'000'000 / format_.rate);
      for (std::size_t i = 0; i < streams_.size(); ++i) {
        Stream& stream = streams_[i];
        payload_.clear();
        const auto pcm = std::span(stream.pcm).subspan(n * samples, samples);
        if (const auto done = stream.codec->encode(pcm, payload_); !done)
          throw cli::Failure(cli::ExitCode::software, done.error().what);
        if (!payload_.empty()) { // with DTX there is nothing to send in silence
          stream.sender.audio(payload_type_, stream.sender.timestamp(), units, payload_, datagram_);
          output_.write(time, rtp_endpoint(i, true), rtp_endpoint(i, false), datagram_);
        }
        stream.sender.advance(units);
      }
      sent_ += frames;
    }
    for (Stream& stream : streams_)
      stream.pcm.erase(stream.pcm.begin(), stream.pcm.begin() + static_cast<std::ptrdiff_t>(count * samples));
  }

  PacketOutput output_;
  audio::Format format_;
  std::uint8_t payload_type_;
  std::size_t width_ = 1;
  std::size_t packet_ = 0; // frames
  std::uint32_t clock_rate_ = 8000;
  std::uint64_t sent_ = 0; // frames
  std::vector<Stream> streams_;
  std::vector<std::int16_t> narrow_;
  std::vector<std::byte> payload_, datagram_;
};

} // namespace

Endpoint rtp_endpoint(std::size_t index, bool sender) {
  const bool first = (index % 2 == 0) == sender;
  return {IpAddress::v4(192, 0, 2, first ? 1 : 2), static_cast<std::uint16_t>(kPort + index / 2 * 2)};
}

PacketOutput::PacketOutput(std::string path, Kind::Container container, bool force, const Endpoint& source,
                           std::int64_t start_ns)
    : path_(std::move(path)) {
  if (container == Kind::Container::rtpdump) {
    auto writer = file::RtpdumpWriter::create(path_, mode_of(force), source, start_ns);
    if (!writer) cli::fail_create(path_, writer.error());
    writer_.emplace<file::RtpdumpWriter>(std::move(*writer));
    return;
  }
  file::PcapWriter::Options options;
  options.mode = mode_of(force);
  if (container == Kind::Container::pcapng) options.format = file::PcapWriter::Format::pcapng;
  auto writer = file::PcapWriter::create(path_, options);
  if (!writer) cli::fail_create(path_, writer.error());
  writer_.emplace<file::PcapWriter>(std::move(*writer));
}

void PacketOutput::announce(std::int64_t time_ns, const IpAddress& from,
                            const std::vector<AnnouncedStream>& streams) {
  auto* writer = std::get_if<file::PcapWriter>(&writer_);
  if (writer == nullptr) return;
  std::string sdp =
      fmt::format("v=0\r\no=- 1 1 IN IP4 {}\r\ns=talky-transcode\r\nt=0 0\r\n", from.to_string());
  for (const AnnouncedStream& stream : streams) {
    if (stream.formats.empty()) continue;
    sdp += fmt::format("m=audio {} RTP/AVP", stream.to.port);
    for (const auto& [payload_type, format] : stream.formats)
      sdp += fmt::format(" {}", payload_type);
    sdp += fmt::format("\r\nc=IN {} {}\r\n", stream.to.ip.is_v4() ? "IP4" : "IP6", stream.to.ip.to_string());
    for (const auto& [payload_type, format] : stream.formats)
      sdp += fmt::format("a=rtpmap:{} {}\r\n", payload_type, format.text());
  }
  // Version 1, IPv4, the message's hash, the source, the type and the body.
  std::vector<std::byte> message;
  Writer out(message);
  out.u32(0x20000001);
  for (std::size_t i = 12; i < 16; ++i)
    out.u8(from.octets.at(i));
  out.text("application/sdp");
  out.u8(0);
  out.text(sdp);
  check(writer->udp(time_ns, {from, kSapPort}, {IpAddress::v4(224, 2, 127, 254), kSapPort}, message));
}

void PacketOutput::check(const Result<>& done) const {
  if (!done) cli::fail_write(path_, done.error());
}

void PacketOutput::write(std::int64_t time_ns, const Endpoint& from, const Endpoint& to, Bytes datagram) {
  if (auto* writer = std::get_if<file::RtpdumpWriter>(&writer_)) {
    check(writer->packet(time_ns, false, datagram));
  } else {
    check(std::get<file::PcapWriter>(writer_).udp(time_ns, from, to, datagram));
  }
}

void PacketOutput::flush() {
  if (auto* writer = std::get_if<file::RtpdumpWriter>(&writer_)) return check(writer->flush());
  check(std::get<file::PcapWriter>(writer_).flush());
}

void PacketOutput::close() {
  if (auto* writer = std::get_if<file::RtpdumpWriter>(&writer_)) return check(writer->close());
  check(std::get<file::PcapWriter>(writer_).close());
}

std::uint64_t copy_packets(PacketSource& source, const std::string& path, Kind::Container container,
                           bool force, bool live) {
  auto packet = source.next_packet();
  const std::int64_t start_ns = packet ? packet->time_ns : 0;
  const Endpoint from = packet ? packet->from : Endpoint{};
  PacketOutput output(path, container, force, from, start_ns);
  const auto announced = source.announcement();
  const bool news = std::any_of(announced.begin(), announced.end(),
                                [](const AnnouncedStream& s) { return !s.formats.empty(); });
  if (news && from.ip.is_v4()) output.announce(start_ns, from.ip, announced);
  std::uint64_t count = 0;
  for (; packet; packet = source.next_packet()) {
    if (interrupted()) throw cli::Failure(cli::ExitCode::temporary, "interrupted: nothing was written");
    output.write(packet->time_ns, packet->from, packet->to, packet->datagram);
    ++count;
    if (live) output.flush();
  }
  output.close();
  return count;
}

std::unique_ptr<Sink> open_rtp_sink(const std::string& path, Kind::Container container,
                                    const RtpOutput& output, audio::Format format, bool force) {
  return std::make_unique<RtpSink>(path, container, output, format, force);
}

} // namespace talky::transcode
