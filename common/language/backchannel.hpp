// Back-channels: what listeners say to show that they listen, without taking the turn: "mm-hm", "I see",
// "okay", "right". Whether such a word answers a question is for the dialogue to say, not for this list.
#pragma once
#include <string_view>

namespace talky::language {

// Nothing but back-channels and fillers ("um"), or nothing at all? By whole phrases, the longest first, as
// recognisers write them: "Oh, I see. Okay." is one, "I see a problem" is not.
bool only_backchannel(std::string_view text);

} // namespace talky::language
