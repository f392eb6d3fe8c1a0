// The small grammar that all SIP header fields share (RFC 3261 25.1): white space that may be folded, tokens,
// quoted strings, parameters, comma-separated values. Everything borrows the text it is given.
#pragma once
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace talky::sip {

// White space inside a field: a folded line's CRLF is white space too.
constexpr bool is_lws(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_token_char(char c);
bool is_token(std::string_view text); // one or more token characters

// A value as one line: each run of white space with a line end in it becomes one space.
std::string unfold(std::string_view value);
// "a \"b\"" with its quotes -> a "b". Text that is not quoted is returned as it is.
std::string unquote(std::string_view text);
// a "b" -> "a \"b\"" with quotes around it. CR, LF and NUL become spaces.
std::string quote(std::string_view text);

// One parameter. A quoted value keeps its quotes; see unquote().
struct Param {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
};

// Parameters as they stand behind a value: ";lr;tag=a;q=0.5". Iterable; names compare without case.
class Params {
 public:
  Params() = default;
  explicit Params(std::string_view text, char separator = ';') : text_(text), separator_(separator) {}

  class Iterator {
   public:
    using value_type = Param;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const Param*;
    using reference = const Param&;

    Iterator() = default;
    Iterator(std::string_view rest, char separator) : rest_(rest), separator_(separator) { ++*this; }
    reference operator*() const { return param_; }
    pointer operator->() const { return &param_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    std::string_view rest_;
    Param param_;
    char separator_ = ';';
    bool done_ = false;
  };
  Iterator begin() const { return {text_, separator_}; }
  static std::default_sentinel_t end() { return {}; }

  // nullopt if absent; "" if present without a value.
  std::optional<std::string_view> get(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  std::string_view text() const { return text_; }
  bool empty() const { return text_.empty(); }
  // Each is `name` or `name=value`, names are tokens, quotes are closed, and none is empty.
  Result<> check() const;

 private:
  std::string_view text_;
  char separator_ = ';';
};

// The comma-separated values of one field, trimmed. Commas inside "..." and <...>, and inside (...) if
// `comments`, do not separate. Empty elements are skipped.
class Values {
 public:
  explicit Values(std::string_view text, bool comments = false) : text_(text), comments_(comments) {}

  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const std::string_view*;
    using reference = const std::string_view&;

    Iterator() = default;
    Iterator(std::string_view rest, bool comments) : rest_(rest), comments_(comments) { ++*this; }
    reference operator*() const { return value_; }
    pointer operator->() const { return &value_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    std::string_view rest_;
    std::string_view value_;
    bool comments_ = false;
    bool done_ = false;
  };
  Iterator begin() const { return {text_, comments_}; }
  static std::default_sentinel_t end() { return {}; }

 private:
  std::string_view text_;
  bool comments_;
};

} // namespace talky::sip
