// What kind of wish an utterance is: a question for a service or for information, for one or for several.
#pragma once
#include <string_view>

#include "language/numbers.hpp"

namespace talky::language {

// "Can I have ...", "do you have anything free", "how about Friday": a question in form, a wish in meaning.
bool is_wish(const Words& words);
// "How long does it take?", "is Monica in on Friday?": it wants to know something; what is named in it is not
// asked for.
bool asks_for_information(std::string_view clause);
// "Two haircuts", "for me and my son", "both of us": more than one at a time.
bool asks_for_several(const Words& words);
// "Also", "as well", "another": beside what is there already, not instead of it.
bool is_addition(const Words& words);

} // namespace talky::language
