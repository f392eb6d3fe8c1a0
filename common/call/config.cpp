#include "call/config.hpp"

#include <algorithm>
#include <array>

#include "codec/codec.hpp"
#include "core/ascii.hpp"

namespace talky::call {
namespace {

constexpr std::uint8_t kFirstDynamic = 96;
constexpr std::uint8_t kLastDynamic = 127;

// "opus" is any of that name, "L16/16000" the one of that rate.
bool matches(const codec::Info& info, std::string_view name) {
  const std::size_t slash = name.find('/');
  if (!ascii::iequals(info.name, name.substr(0, slash))) return false;
  return slash == std::string_view::npos ||
         ascii::to_number<std::uint32_t>(name.substr(slash + 1)) == info.clock_rate;
}

} // namespace

bool is_for_calls(const codec::Info& info) {
  return info.channels == 1;
}

Result<sdp::Capabilities> make_capabilities(std::span<const std::string> codecs) {
  sdp::Capabilities capabilities;
  std::uint8_t dynamic = kFirstDynamic;
  for (const std::string& name : codecs) {
    const auto all = codec::all();
    const auto entry = std::find_if(all.begin(), all.end(), [&](const codec::Entry& one) {
      return is_for_calls(one.info) && matches(one.info, name);
    });
    if (entry == all.end()) return fail(Errc::unsupported, 0, "a codec for calls");
    const codec::Info& info = entry->info;
    const bool twice = std::any_of(
        capabilities.codecs.begin(), capabilities.codecs.end(),
        [&](const sdp::Codec& one) { return one.name == info.name && one.clock_rate == info.clock_rate; });
    if (twice) continue;
    if (dynamic == capabilities.telephone_event) ++dynamic;
    if (!info.static_pt && dynamic > kLastDynamic) return fail(Errc::too_large, 0, "fewer codecs");
    capabilities.codecs.push_back({std::string(info.name), info.clock_rate,
                                   info.static_pt ? *info.static_pt : dynamic++, "", info.rtpmap_channels});
  }
  if (capabilities.codecs.empty() || capabilities.codecs.size() > kMaxCodecs)
    return fail(Errc::too_large, 0, "one to eight codecs");
  return capabilities;
}

sdp::Capabilities standard_capabilities() {
  return *make_capabilities(std::array<std::string, 2>{"PCMU", "PCMA"});
}

} // namespace talky::call
