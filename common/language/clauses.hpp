// An utterance in clauses: "Tuesday. Are you open until six?" answers one question and asks another.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace talky::language {

// Is that all the caller wants to say? For the length of the pause that ends a turn.
// `partial`: a part of an answer that is said in groups, such as a telephone number, is still to come.
enum class Completeness : std::uint8_t { complete, open, unfinished, partial };

struct Clause {
  std::string text;
  bool question = false; // by its mark, or by how it begins: "are you ...", "how much ...", "tell me ..."
};

// Cut at the ends of sentences, and before a question that follows a statement: "a haircut, and how much is
// it". Together the clauses hold every word that was said, in order.
std::vector<Clause> clauses(std::string_view text);

// What is to be said of a sentence of which `share` (0 to 1) was heard before it was stopped: from the
// beginning of the clause or phrase in which that was. The whole sentence if it has no joint before.
std::string rest_from_clause(std::string_view text, double share);

// "What?", "Sorry?", "Pardon me?": the caller has not heard us, and nothing else is in it.
bool asks_to_repeat(std::string_view text);

} // namespace talky::language
