// Names of people in what a caller says.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace talky::language {

enum class NameMode : std::uint8_t {
  anywhere,  // only what is introduced: "my name is Anna Smith", "this is Anna", "Anna Smith speaking"
  corrected, // one was just read back to the caller: "no, it's Marie" as well
  asked,     // the caller was asked for it: "Anna Smith", "it's Anna" as well
};

// The name in `text`, as one writes it ("O'Brien"; "S M I T H" is "Smith"), or "". `taken` are words, as
// words() gives them, that mean something else already.
std::string find_name(std::string_view text, NameMode mode, const std::vector<std::string>& taken);

} // namespace talky::language
