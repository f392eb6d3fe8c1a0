// Base64 (RFC 4648 4), with padding.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"

namespace talky::base64 {

void encode(Bytes bytes, std::string& out); // appends
// Strict: whole groups of four, padded, with no other characters and no bits beyond the last byte. False:
// anything else, and `out` is as it was. Appends.
bool decode(std::string_view text, std::vector<std::byte>& out);
// As people and other programs write it: with or without padding, also in the alphabet of base64url (RFC 4648
// 5), and bits beyond the last byte are passed over. False: any other character, and `out` is as it was.
// Appends.
bool decode_loosely(std::string_view text, std::vector<std::byte>& out);

} // namespace talky::base64
