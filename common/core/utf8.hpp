// UTF-8 (RFC 3629) for what came from the network and goes into JSON.
#pragma once
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace talky::utf8 {

// Bytes of the sequence that begins the text; 0 where none does (overlong forms, surrogates and points above
// U+10FFFF are none) and for an empty text.
std::size_t sequence(std::string_view text);

// Does the text begin with a control character, U+0000 to U+001F or U+007F to U+009F? None of them is for a
// terminal.
bool begins_with_control(std::string_view text);

// The text with U+FFFD for each byte that begins no valid sequence. At most `limit` bytes come out, and no
// character is cut in two.
std::string repaired(std::string_view text, std::size_t limit = std::numeric_limits<std::size_t>::max());

} // namespace talky::utf8
