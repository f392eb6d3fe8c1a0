// Short answers: yes and no as callers say them.
#pragma once
#include <optional>
#include <string_view>

namespace talky::language {

// "yes", "that's right", "sounds good" / "no", "not really", "that's wrong". Nothing if it is neither.
std::optional<bool> yes_or_no(std::string_view text);

} // namespace talky::language
