#include "rtp_streams.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "capture/unread.hpp"
#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "codec/opus.hpp"
#include "core/ascii.hpp"

namespace talky::transcode {

namespace {

using capture::Stream;

constexpr std::size_t kMaxNamed = 6; // in a message
constexpr std::size_t kMaxHeld = 20'000;

std::string list(const std::vector<const Stream*>& streams) {
  std::string text;
  for (std::size_t i = 0; i < streams.size() && i < kMaxNamed; ++i) {
    text += fmt::format("{}0x{:08x} ({}, {} packets)", i == 0 ? "" : ", ", streams[i]->ssrc,
                        format_text(*streams[i]), streams[i]->packets());
  }
  if (streams.size() > kMaxNamed) text += fmt::format(" and {} more", streams.size() - kMaxNamed);
  return text;
}

// Two directions of one conversation, in the same time. An rtpdump does not say who is spoken to.
bool legs_of_a_call(const Stream& a, const Stream& b) {
  const bool overlap = a.first_ns() <= b.last_ns() && b.first_ns() <= a.last_ns();
  const bool opposite = a.from.ip == b.to.ip && a.to.ip == b.from.ip;
  return overlap && (opposite || a.to == Endpoint{});
}

[[noreturn]] void refuse(const std::string& name, const std::string& text) {
  throw cli::Failure(cli::ExitCode::data, fmt::format("{}: {}", cli::input_name(name), text));
}

// Where nothing of the capture could be read: that is why there is no stream.
void refuse_unread(const std::string& name, const capture::Packets& packets) {
  const auto* counts = packets.source().counts();
  if (counts == nullptr || capture::any_read(*counts)) return;
  const auto lines =
      capture::unread_lines(*counts, packets.source().incomplete_fragments(), cli::input_name(name));
  throw cli::Failure(cli::ExitCode::data, lines.front());
}

[[noreturn]] void refuse_codec(const std::string& name, const Stream& stream) {
  if (!stream.format().name.empty()) refuse(name, fmt::format("{} cannot be decoded", format_text(stream)));
  const unsigned type = stream.payload_type();
  refuse(name,
         fmt::format("what payload type {} means is not known: say it with --payload-type {}=NAME/RATE, as "
                     "{}=opus/48000/2",
                     type, type, type));
}

// By --ssrc. The same SSRC at two places of the network: the longer.
std::vector<const Stream*> named_streams(const std::string& name, const std::vector<const Stream*>& all,
                                         const std::vector<std::uint32_t>& ssrcs) {
  std::vector<const Stream*> chosen;
  for (const std::uint32_t ssrc : ssrcs) {
    const Stream* best = nullptr;
    for (const Stream* stream : all) {
      if (stream->ssrc == ssrc && (best == nullptr || stream->packets() > best->packets())) best = stream;
    }
    if (best == nullptr)
      refuse(name, fmt::format("no stream of SSRC 0x{:08x}; there is {}", ssrc, list(all)));
    if (best->codec() == nullptr) refuse_codec(name, *best);
    chosen.push_back(best);
  }
  return chosen;
}

std::vector<const Stream*> choose_streams(const std::string& name, const std::vector<const Stream*>& all,
                                          const RtpOptions& options) {
  if (all.empty()) refuse(name, "no RTP stream in it");
  if (!options.ssrcs.empty()) return named_streams(name, all, options.ssrcs);
  std::vector<const Stream*> usable;
  std::copy_if(all.begin(), all.end(), std::back_inserter(usable),
               [](const Stream* stream) { return stream->codec() != nullptr; });
  if (usable.empty()) refuse_codec(name, *all.front());
  if (usable.size() == 1 || (usable.size() == 2 && legs_of_a_call(*usable[0], *usable[1]))) return usable;
  refuse(name, fmt::format("{} streams; choose one, or two side by side, with --ssrc: {}", usable.size(),
                           list(usable)));
}

} // namespace

std::string format_text(const Stream& stream) {
  const capture::Format* format = stream.format_of(payload_type_of(stream));
  return format != nullptr && !format->name.empty() ? format->text()
                                                    : fmt::format("payload type {}", stream.payload_type());
}

std::uint8_t payload_type_of(const Stream& stream) {
  for (const capture::PayloadUse& use : stream.payload_types()) {
    if (capture::codec_of(use.format) != nullptr) return use.type;
  }
  return stream.payload_type();
}

const Stream* RtpInput::add(const file::Segment& segment) {
  const auto seen = analysis.add(segment);
  if (seen.stream == nullptr || segment.payload_length > segment.payload.size()) return nullptr;
  const capture::Format* format = seen.stream->format_of(seen.header.payload_type);
  if (format != nullptr && ascii::iequals(format->name, "opus") && !stereo.contains(seen.stream)) {
    const auto inside = codec::opus::inspect(seen.payload);
    if (inside && inside->stereo) stereo.insert(seen.stream);
  }
  return seen.stream;
}

file::Segment HeldPacket::segment() const {
  file::Segment segment;
  segment.time_ns = time_ns;
  segment.from = from;
  segment.to = to;
  segment.payload = datagram;
  segment.payload_length = static_cast<std::uint32_t>(datagram.size());
  return segment;
}

std::vector<const Stream*> scan_file(const std::string& name, const RtpOptions& options, RtpInput& input) {
  struct stat status {};
  const std::string path = name == "-" ? "/proc/self/fd/0" : name;
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  capture::Packets packets(cli::check_input(capture::Source::open(path), name), {}, input.analysis);
  for (file::Segment segment; cli::check_input(packets.next(segment), name);)
    input.add(segment);
  input.keys = packets.srtp().keys();
  refuse_unread(name, packets);
  return choose_streams(name, input.analysis.streams.streams(), options);
}

std::vector<const Stream*> listen_for_streams(const std::string& name, capture::Packets& packets,
                                              const RtpOptions& options, RtpInput& input,
                                              std::deque<HeldPacket>& held) {
  std::vector<const Stream*> chosen(options.ssrcs.size());
  std::size_t missing = chosen.size();
  for (file::Segment segment; held.size() < kMaxHeld && cli::check_input(packets.next(segment), name);) {
    const Stream* stream = input.add(segment);
    if (stream == nullptr) continue;
    held.push_back(
        {segment.time_ns, segment.from, segment.to, {segment.payload.begin(), segment.payload.end()}});
    if (!stream->confirmed() || stream->codec() == nullptr) continue;
    if (chosen.empty()) return {stream};
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (options.ssrcs[i] != stream->ssrc || chosen[i] != nullptr) continue;
      chosen[i] = stream;
      if (--missing == 0) return chosen;
    }
  }
  refuse_unread(name, packets);
  refuse(name, chosen.empty() ? std::string("no RTP stream that can be decoded")
                              : fmt::format("not every --ssrc has come in {} packets", held.size()));
}

} // namespace talky::transcode
