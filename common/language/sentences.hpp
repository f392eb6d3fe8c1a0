// Where one sentence ends and the next begins.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace talky::language {

// Cuts text into sentences for synthesis: at . ! ? and line ends, not inside numbers ("3.5"), abbreviations
// ("Dr.", "a.m.") or initials. Never gives an empty sentence.
std::vector<std::string> sentences(std::string_view text);

} // namespace talky::language
