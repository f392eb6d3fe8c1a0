// Points in time as people ask for them.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace talky::store {

// "2026-11-22", "2026-11-22T17:05+01:00", "17:05" (today, UTC), "90m", "12h", "7d" (ago): milliseconds since
// 1970. nullopt: none of these.
std::optional<std::int64_t> parse_when(std::string_view text, std::int64_t now_ms);

} // namespace talky::store
