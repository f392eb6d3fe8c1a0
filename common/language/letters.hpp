// Names that are spelled: "S M I T H", "B as in Bravo", "double L", "Katherine with a C".
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace talky::language {

struct Spelled {
  std::size_t end = 0; // behind its last word
  std::string letters; // in lower case
};
// The letters that begin at `at`, three or more: "s m i t h", "d as in delta u n for november n", "double l",
// "bravo echo november". `words` are in lower case.
std::optional<Spelled> spelled_at(const std::vector<std::string>& words, std::size_t at);

// "with a C", "without an H", "with a K and two Ls": the name so written; nothing if no such remark is there,
// or if it changes nothing that can be told.
std::optional<std::string> rewritten(std::string_view name, const std::vector<std::string>& words);

} // namespace talky::language
