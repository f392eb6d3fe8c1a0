// What the dialogue expects the caller to say next: what it asked for. It biases a recogniser towards the
// words that can be meant, and says how long a pause may be before an answer is whole. A hint, never a
// grammar: callers may say anything at any time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace talky::voice {

struct Expectation {
  enum class Kind : std::uint8_t { open, yes_no, choice, date, time, number, digits, name };

  Kind kind = Kind::open;
  std::vector<std::string> phrases = {}; // choice: how callers may say each of the choices
  std::size_t digits = 0;                // digits: how many make the answer whole; 0: not known

  bool operator==(const Expectation&) const = default;
};

// As the journal writes it; "" for open.
constexpr std::string_view name_of(Expectation::Kind kind) {
  switch (kind) {
    case Expectation::Kind::open: break;
    case Expectation::Kind::yes_no: return "yes-no";
    case Expectation::Kind::choice: return "choice";
    case Expectation::Kind::date: return "date";
    case Expectation::Kind::time: return "time";
    case Expectation::Kind::number: return "number";
    case Expectation::Kind::digits: return "digits";
    case Expectation::Kind::name: return "name";
  }
  return "";
}

} // namespace talky::voice
