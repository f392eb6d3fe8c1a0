// Short answers: yes and no as callers say them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace talky::language {

// What was asked. "No, that's perfect" agrees with what was read back, and wants nothing more.
enum class Question : std::uint8_t { confirm, more };

// "yes", "that's right", "sounds good", "no no, that's perfect" / "no", "not really", "that's wrong". Nothing
// if it is neither, or a yes with a reserve: "yes, but ...". To "anything else?" praise and "that's all" are
// a no.
std::optional<bool> yes_or_no(std::string_view text, Question question = Question::confirm);

// Where a reserve ends, in words: "yes, but" is 2, "correct, except" 2; 0 if there is none, or nothing behind
// it.
std::size_t reserve_in(std::string_view text);

} // namespace talky::language
