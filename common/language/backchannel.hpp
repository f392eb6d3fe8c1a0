// Back-channels: what listeners say to show that they listen, without taking the turn: "mm-hm", "I see",
// "okay", "right". Whether such a word answers a question is for the dialogue to say, not for this list.
#pragma once
#include <string_view>

namespace talky::language {

// Nothing but back-channels and fillers ("um"), or nothing at all? By whole phrases, the longest first, as
// recognisers write and misspell them: "Oh, I see. Okay." is one, "I see a problem" is not. `language` is the
// one that is spoken ("en", "de", "fr", "es", "it"); any other is taken for English.
bool only_backchannel(std::string_view text, std::string_view language = "en");
// May become one when more of it is heard: "all", "oh, I", "okay, go"?
bool begins_backchannel(std::string_view text, std::string_view language = "en");
// "Yes", "oh yes": a back-channel only where nothing is asked.
bool says_yes(std::string_view text);
// Nothing but leave-taking and thanks: "bye", "thank you, you too"?
bool takes_leave(std::string_view text);

} // namespace talky::language
