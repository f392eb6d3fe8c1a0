// find_streams and choose_streams of rtp_source.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "codec/opus.hpp"
#include "rtp_source.hpp"

namespace talky::transcode {

namespace {

constexpr std::size_t kMaxStreams = 10'000;
constexpr std::size_t kMaxNamed = 6; // in a message

struct Seen {
  FoundStream stream;
  std::uint16_t sequence = 0;
  std::uint64_t followed = 0; // packets that came right behind the one before
  bool decodable = false;
};

std::string list(const std::vector<const FoundStream*>& streams, const PayloadTypes& types) {
  std::string text;
  for (std::size_t i = 0; i < streams.size() && i < kMaxNamed; ++i) {
    const FoundStream& s = *streams[i];
    const auto format = types.find(s.payload_type, s.to);
    text += fmt::format("{}0x{:08x} ({}, {} packets)", i == 0 ? "" : ", ", s.ssrc,
                        format ? format->text() : fmt::format("payload type {}", s.payload_type), s.packets);
  }
  if (streams.size() > kMaxNamed) text += fmt::format(" and {} more", streams.size() - kMaxNamed);
  return text;
}

bool opposite(const FoundStream& a, const FoundStream& b) {
  return a.from == b.to && a.to == b.from;
}

bool same_hosts(const FoundStream& a, const FoundStream& b) {
  return a.from.ip == b.to.ip && a.to.ip == b.from.ip;
}

bool overlap(const FoundStream& a, const FoundStream& b) {
  return a.first_ns <= b.last_ns && b.first_ns <= a.last_ns;
}

[[noreturn]] void refuse(const std::string& path, const std::string& text) {
  throw cli::Failure(cli::ExitCode::data, fmt::format("{}: {}", cli::input_name(path), text));
}

} // namespace

std::vector<FoundStream> find_streams(PacketReader& reader, const PayloadTypes& types) {
  std::vector<Seen> all;
  std::unordered_map<std::uint32_t, std::vector<std::size_t>> by_ssrc;
  std::size_t last = 0;
  while (const auto packet = reader.next()) {
    const rtp::PacketView& view = packet->packet;
    if (all.empty() || !all[last].stream.is(*packet)) {
      auto& indices = by_ssrc[view.ssrc()];
      const auto known = std::find_if(indices.begin(), indices.end(),
                                      [&](std::size_t i) { return all[i].stream.is(*packet); });
      if (known != indices.end()) {
        last = *known;
      } else if (all.size() < kMaxStreams) {
        last = all.size();
        indices.push_back(last);
        Seen fresh;
        fresh.stream.ssrc = view.ssrc();
        fresh.stream.from = packet->from;
        fresh.stream.to = packet->to;
        fresh.stream.first_ns = packet->time_ns;
        fresh.stream.payload_type = view.payload_type();
        fresh.sequence = static_cast<std::uint16_t>(view.sequence() - 2);
        all.push_back(fresh);
      } else {
        continue;
      }
    }
    Seen& seen = all[last];
    FoundStream& stream = seen.stream;
    ++stream.packets;
    stream.last_ns = std::max(stream.last_ns, packet->time_ns);
    seen.followed += rtp::sequence_distance(seen.sequence, view.sequence()) == 1 ? 1U : 0U;
    seen.sequence = view.sequence();
    const auto format = types.find(view.payload_type(), packet->to);
    const codec::Entry* entry = format ? format->codec() : nullptr;
    if (entry == nullptr) continue;
    if (!seen.decodable) {
      seen.decodable = true;
      stream.payload_type = view.payload_type();
    }
    if (entry->info.name == "opus" && !stream.stereo) {
      const auto inside = codec::opus::inspect(view.payload());
      stream.stereo = inside && inside->stereo;
    }
  }
  std::vector<FoundStream> found;
  for (const Seen& seen : all) {
    if (reader.only_rtp() || seen.followed >= 2) found.push_back(seen.stream);
  }
  return found;
}

std::vector<FoundStream> choose_streams(const std::string& path, const std::vector<FoundStream>& found,
                                        const RtpOptions& options, const PayloadTypes& types, bool rtpdump) {
  std::vector<const FoundStream*> usable, all;
  for (const FoundStream& stream : found) {
    all.push_back(&stream);
    const auto format = types.find(stream.payload_type, stream.to);
    if (format && format->codec() != nullptr) usable.push_back(&stream);
  }
  if (all.empty()) refuse(path, "no RTP stream in it");
  std::vector<FoundStream> chosen;
  for (const std::uint32_t ssrc : options.ssrcs) {
    const FoundStream* best = nullptr; // the same SSRC at two places of the network: the longer
    for (const FoundStream* stream : all) {
      if (stream->ssrc == ssrc && (best == nullptr || stream->packets > best->packets)) best = stream;
    }
    if (best == nullptr)
      refuse(path, fmt::format("no stream of SSRC 0x{:08x}; there is {}", ssrc, list(all, types)));
    if (std::find(usable.begin(), usable.end(), best) == usable.end()) usable.clear();
    chosen.push_back(*best);
  }
  if (usable.empty()) {
    const FoundStream& first = chosen.empty() ? *all.front() : chosen.front();
    const auto format = types.find(first.payload_type, first.to);
    refuse(path, format ? fmt::format("{} cannot be decoded", format->text())
                        : fmt::format("what payload type {} means is not known: say it with --payload-type "
                                      "{}=NAME/RATE, as {}=opus/48000/2",
                                      first.payload_type, first.payload_type, first.payload_type));
  }
  if (!chosen.empty()) return chosen;
  if (usable.size() == 1) return {*usable.front()};
  if (usable.size() == 2 && overlap(*usable[0], *usable[1]) &&
      (rtpdump || opposite(*usable[0], *usable[1]) || same_hosts(*usable[0], *usable[1])))
    return {*usable[0], *usable[1]};
  refuse(path, fmt::format("{} streams; choose one, or two side by side, with --ssrc: {}", usable.size(),
                           list(usable, types)));
}

} // namespace talky::transcode
