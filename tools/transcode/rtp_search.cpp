// Which streams of an RTP input are meant, before a sample of them is read.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "codec/opus.hpp"
#include "file/compressed.hpp"
#include "rtp_source.hpp"

namespace talky::transcode {

std::vector<FoundStream> scan_file(const std::string& name, bool rtpdump, const RtpOptions& options,
                                   PayloadTypes& types) {
  struct stat status {};
  const std::string path = name == "-" ? "/proc/self/fd/0" : name;
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  auto input = file::Input::open(path);
  if (!input) cli::fail_input(name, input.error());
  auto inside = file::decompress(std::move(*input));
  if (!inside) cli::fail_input(name, inside.error());
  PacketReader reader(name, std::move(inside->input), rtpdump, types);
  const auto found = find_streams(reader, types);
  return choose_streams(name, found, options, types, rtpdump);
}

std::vector<FoundStream> listen_for_streams(const std::string& path, PacketReader& reader, bool rtpdump,
                                            const RtpOptions& options, const PayloadTypes& types,
                                            std::deque<HeldPacket>& held) {
  constexpr std::size_t most_held = 20'000;
  struct Candidate {
    FoundStream stream;
    std::uint16_t sequence;
  };
  std::vector<Candidate> candidates;
  std::vector<FoundStream> chosen(options.ssrcs.size());
  std::size_t missing = chosen.size();
  while (auto packet = reader.next()) {
    held.push_back(
        {packet->time_ns, packet->from, packet->to, {packet->datagram.begin(), packet->datagram.end()}});
    const auto format = types.find(packet->packet.payload_type(), packet->to);
    if (!format || format->codec() == nullptr) continue;
    FoundStream stream;
    stream.ssrc = packet->packet.ssrc();
    stream.from = packet->from;
    stream.to = packet->to;
    stream.payload_type = packet->packet.payload_type();
    if (format->name == "opus") {
      const auto inside = codec::opus::inspect(packet->packet.payload());
      stream.stereo = inside && inside->stereo;
    }
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (options.ssrcs[i] != stream.ssrc || chosen[i].packets > 0) continue;
      chosen[i] = stream;
      chosen[i].packets = 1;
      --missing;
    }
    if (!chosen.empty()) {
      if (missing == 0) return chosen;
    } else {
      const auto known = std::find_if(candidates.begin(), candidates.end(),
                                      [&](const Candidate& c) { return c.stream.is(*packet); });
      if (rtpdump) return {stream};
      if (known != candidates.end()) {
        const auto step = rtp::sequence_distance(known->sequence, packet->packet.sequence());
        if (step > 0 && step < 10) return {known->stream};
        known->sequence = packet->packet.sequence();
      } else if (candidates.size() < 64) {
        candidates.push_back({stream, packet->packet.sequence()});
      }
    }
    if (held.size() > most_held) break;
  }
  throw cli::Failure(
      cli::ExitCode::data,
      chosen.empty()
          ? fmt::format("{}: no RTP stream that can be decoded", cli::input_name(path))
          : fmt::format("{}: not every --ssrc has come in {} packets", cli::input_name(path), held.size()));
}

} // namespace talky::transcode
