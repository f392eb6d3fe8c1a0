#include "sip/text.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"

namespace talky::sip {

namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 128; ++c)
    table[c] = ascii::is_alnum(static_cast<char>(c));
  for (const char c : std::string_view("-.!%*_+`'~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kTokenTable = make_token_table();

// The position behind the quoted string that starts at `at`, or npos if it does not end.
std::size_t skip_quoted(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// The position of the first `separator` outside quotes, or the end.
std::size_t find_separator(std::string_view text, char separator) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == separator) return i;
    if (text[i] == '"') {
      i = skip_quoted(text, i);
      if (i == std::string_view::npos) return text.size();
      --i;
    }
  }
  return text.size();
}

Param split_param(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {ascii::trim(text), {}, false};
  return {ascii::trim(text.substr(0, equals)), ascii::trim(text.substr(equals + 1)), true};
}

} // namespace

bool is_token_char(char c) {
  return kTokenTable[static_cast<unsigned char>(c)];
}

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return true;
}

std::string unfold(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size();) {
    if (!is_lws(value[i])) {
      out.push_back(value[i++]);
      continue;
    }
    const std::size_t start = i;
    bool folded = false;
    for (; i < value.size() && is_lws(value[i]); ++i)
      folded = folded || value[i] == '\r' || value[i] == '\n';
    if (folded) {
      out.push_back(' ');
    } else {
      out.append(value.substr(start, i - start));
    }
  }
  return out;
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\0') {
      out.push_back(' ');
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

Params::Iterator& Params::Iterator::operator++() {
  while (!rest_.empty()) {
    const std::size_t end = find_separator(rest_, separator_);
    const std::string_view part = ascii::trim(rest_.substr(0, end));
    rest_.remove_prefix(end < rest_.size() ? end + 1 : end);
    if (part.empty()) continue;
    param_ = split_param(part);
    return *this;
  }
  done_ = true;
  return *this;
}

std::optional<std::string_view> Params::get(std::string_view name) const {
  for (const Param& param : *this) {
    if (ascii::iequals(param.name, name)) return param.value;
  }
  return std::nullopt;
}

Result<> Params::check() const {
  std::string_view rest = text_;
  const auto offset = [&] { return text_.size() - rest.size(); };
  if (separator_ == ';') {
    rest = ascii::trim(rest);
    if (rest.empty()) return {};
    if (rest.front() != ';') return fail(Errc::malformed, 0, "a semicolon before parameters");
    rest.remove_prefix(1);
  }
  for (;;) {
    const std::size_t end = find_separator(rest, separator_);
    const Param param = split_param(rest.substr(0, end));
    if (!is_token(param.name)) return fail(Errc::malformed, offset(), "a parameter name");
    if (!param.value.empty() && param.value.front() == '"') {
      if (skip_quoted(param.value, 0) != param.value.size()) {
        return fail(Errc::malformed, offset(), "the end of a quoted string");
      }
    } else {
      for (const char c : param.value) {
        if (is_lws(c) || c == '"' || c == ',' || c == '<' || c == '>') {
          return fail(Errc::malformed, offset(), "a parameter value");
        }
      }
    }
    if (end == rest.size()) return {};
    rest.remove_prefix(end + 1);
  }
}

Values::Iterator& Values::Iterator::operator++() {
  while (!rest_.empty()) {
    std::size_t i = 0;
    int depth = 0; // of comments
    bool angle = false;
    for (; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == '"' && depth == 0) {
        i = skip_quoted(rest_, i);
        if (i == std::string_view::npos) i = rest_.size();
        --i;
      } else if (c == '\\' && depth > 0) {
        ++i;
      } else if (comments_ && c == '(') {
        ++depth;
      } else if (comments_ && c == ')' && depth > 0) {
        --depth;
      } else if (c == '<' && depth == 0) {
        angle = true;
      } else if (c == '>' && depth == 0) {
        angle = false;
      } else if (c == ',' && depth == 0 && !angle) {
        break;
      }
    }
    i = std::min(i, rest_.size());
    value_ = ascii::trim(rest_.substr(0, i));
    rest_.remove_prefix(i < rest_.size() ? i + 1 : i);
    if (!value_.empty()) return *this;
  }
  done_ = true;
  return *this;
}

} // namespace talky::sip
