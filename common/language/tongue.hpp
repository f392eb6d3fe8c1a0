// Which language an utterance is in, by its function words: enough to say in English that only English is
// understood.
#pragma once
#include <string_view>

namespace talky::language {

// "Spanish", "French", "German", "Italian", "Portuguese", "Dutch", "Turkish", "Polish"; "" for English and
// for what cannot be told.
std::string_view foreign_language(std::string_view text);

} // namespace talky::language
