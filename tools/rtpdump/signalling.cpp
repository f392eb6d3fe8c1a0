#include "signalling.hpp"

#include <algorithm>

#include "core/bytes.hpp"
#include "rtp/rtcp.hpp"

namespace talky::rtpdump {

namespace {

// The SSRCs that speak or are spoken of in the first report of a compound packet.
std::unordered_set<std::uint32_t> ssrcs_in(Bytes packet) {
  constexpr std::size_t kSender = 4, kFirstBlock = 8, kFirstBlockOfSr = 28, kBlock = 24;
  constexpr unsigned kSr = 200, kRr = 201;
  std::unordered_set<std::uint32_t> found;
  const auto take = [&](std::size_t at) {
    if (packet.size() < at + 4) return;
    Reader reader(packet.subspan(at));
    found.insert(reader.u32().value_or(0));
  };
  take(kSender);
  const auto kind = std::to_integer<unsigned>(packet[1]);
  if (kind != kSr && kind != kRr) return found;
  const std::size_t blocks = std::to_integer<std::size_t>(packet[0]) & 0x1f;
  for (std::size_t i = 0; i < blocks; ++i)
    take((kind == kSr ? kFirstBlockOfSr : kFirstBlock) + i * kBlock);
  return found;
}

} // namespace

Signalling::Signalling(const capture::Analysis& analysis, const Filter& filter)
    : analysis_(analysis), filter_(filter), all_(filter.empty()), some_(filter.chooses_calls()) {
  if (all_ || !some_) return;
  file::Segment any;
  for (const capture::Stream* stream : analysis.streams.streams()) {
    const capture::Call* call = analysis.calls.call_of(*stream);
    any.time_ns = stream->first_ns();
    if (call != nullptr && filter_(any, *call, analysis_)) ssrcs_.insert(stream->ssrc);
  }
}

Signalling::Kind Signalling::kind_of(const file::Segment& segment) {
  if (!all_ && !some_) return Kind::none;
  if (segment.transport == file::Transport::udp && capture::is_rtcp(segment.payload)) {
    if (all_) return Kind::rtcp;
    const auto named = ssrcs_in(segment.payload);
    const bool ours =
        std::any_of(named.begin(), named.end(), [&](std::uint32_t ssrc) { return ssrcs_.contains(ssrc); });
    return ours ? Kind::rtcp : Kind::none;
  }
  if (!calls_.add(segment)) return Kind::none;
  return all_ || is_meant(segment) ? Kind::sip : Kind::none;
}

bool Signalling::is_meant(const file::Segment& segment) {
  const auto& calls = analysis_.calls.calls();
  if (segment.transport == file::Transport::udp) {
    const capture::Call* call = calls_.current();
    return call != nullptr && call->number <= calls.size() &&
           filter_(segment, calls[call->number - 1], analysis_);
  }
  return std::any_of(calls.begin(), calls.end(), [&](const capture::Call& call) {
    if (!call.over_tcp || !filter_(segment, call, analysis_)) return false;
    return std::any_of(call.ladder.begin(), call.ladder.end(), [&](const capture::LadderLine& line) {
      return (line.from == segment.from && line.to == segment.to) ||
             (line.from == segment.to && line.to == segment.from);
    });
  });
}

} // namespace talky::rtpdump
