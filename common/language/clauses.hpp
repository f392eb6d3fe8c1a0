// An utterance in clauses: "Tuesday. Are you open until six?" answers one question and asks another.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace talky::language {

// Is that all the caller wants to say? For the length of the pause that ends a turn.
enum class Completeness : std::uint8_t { complete, open, unfinished };

struct Clause {
  std::string text;
  bool question = false; // by its mark, or by how it begins: "are you ...", "how much ...", "tell me ..."
};

// Cut at the ends of sentences, and before a question that follows a statement: "a haircut, and how much is
// it". Together the clauses hold every word that was said, in order.
std::vector<Clause> clauses(std::string_view text);

// "What?", "Sorry?", "Pardon me?": the caller has not heard us, and nothing else is in it.
bool asks_to_repeat(std::string_view text);

} // namespace talky::language
