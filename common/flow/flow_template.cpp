// Texts with variables in them: "Good morning, {name}."
#include <algorithm>
#include <utility>

#include "core/ascii.hpp"
#include "flow/flow_model.hpp"

namespace talky::flow {

bool is_name(std::string_view text) {
  return !text.empty() && !ascii::is_digit(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

Result<Template> parse_template(std::string_view text) {
  Template out;
  std::string plain;
  const auto flush = [&] {
    if (!plain.empty()) out.parts.push_back({std::exchange(plain, {}), false, {}});
    plain.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '}') return fail(Errc::malformed, i, "a '{' before '}'");
    if (text[i] != '{') {
      plain += text[i] == '\n' ? ' ' : text[i];
      continue;
    }
    const std::size_t end = text.find('}', i);
    if (end == std::string_view::npos) return fail(Errc::malformed, i, "a '}' that closes '{'");
    std::string_view name = ascii::trim(text.substr(i + 1, end - i - 1));
    std::string_view form;
    if (const std::size_t bar = name.find('|'); bar != std::string_view::npos) {
      form = ascii::trim(name.substr(bar + 1));
      name = ascii::trim(name.substr(0, bar));
    }
    if (!is_name(name)) return fail(Errc::malformed, i + 1, "the name of a variable");
    if (!form.empty() && form != "raw" && form != "weekday" && form != "digits")
      return fail(Errc::malformed, i + 1, "one of the forms raw, weekday and digits behind '|'");
    flush();
    out.parts.push_back({std::string(name), true, std::string(form)});
    i = end;
  }
  flush();
  return out;
}

} // namespace talky::flow
