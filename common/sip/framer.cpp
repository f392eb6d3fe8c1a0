#include "sip/framer.hpp"

#include <algorithm>

#include "core/ascii.hpp"
#include "sip/header_id.hpp"

namespace talky::sip {

namespace {

// What the header block of a stream's message says about its body.
struct Lengths {
  std::optional<std::size_t> length;
  bool twice = false, bad = false, typed = false;
};

Lengths scan(std::string_view head) {
  Lengths out;
  std::size_t at = std::min(head.find('\n'), head.size() - 1) + 1; // behind the start line
  while (at < head.size()) {
    std::size_t end = std::min(head.find('\n', at), head.size());
    while (end + 1 < head.size() && ascii::is_space(head[end + 1]))
      end = std::min(head.find('\n', end + 1), head.size());
    const std::string_view field = head.substr(at, end - at);
    at = end + 1;
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    const HeaderId id = to_header_id(ascii::trim(field.substr(0, colon)));
    out.typed = out.typed || id == HeaderId::content_type;
    if (id != HeaderId::content_length) continue;
    out.twice = out.twice || out.length || out.bad;
    out.length = ascii::to_number<std::size_t>(ascii::trim(field.substr(colon + 1)));
    out.bad = out.bad || !out.length;
  }
  return out;
}

} // namespace

void Framer::feed(std::string_view bytes) {
  if (error_) return;
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  } else if (start_ > 4096 && start_ > buffer_.size() / 2) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_.append(bytes);
}

// The length of the header block with its empty line. CRLF or LF alone ends a line.
Result<std::optional<std::size_t>> Framer::head_length() {
  const std::string_view rest = std::string_view(buffer_).substr(start_);
  while (scanned_ < rest.size()) {
    const std::size_t line_end = rest.find('\n', scanned_);
    if (line_end == std::string_view::npos) {
      scanned_ = rest.size();
      break;
    }
    scanned_ = line_end;
    std::size_t next = line_end + 1;
    if (next < rest.size() && rest[next] == '\r') ++next;
    if (next >= rest.size()) break; // what decides is not here yet
    if (rest[next] == '\n') {
      if (next + 1 > limits_.head) break;
      return next + 1;
    }
    scanned_ = line_end + 1;
  }
  if (rest.size() > limits_.head)
    return fail(Errc::too_large, limits_.head, "a header block within the limit");
  return std::nullopt;
}

Result<std::optional<Framer::Item>> Framer::give_up(Errc code, const char* what, std::size_t head) {
  error_ = Error{code, 0, what};
  broken_ = std::string_view(buffer_).substr(start_, head);
  return Unexpected(*error_);
}

Result<std::optional<Framer::Item>> Framer::next() {
  if (error_) return Unexpected(*error_);
  if (message_size_ == 0) {
    while (start_ < buffer_.size() && (buffer_[start_] == '\r' || buffer_[start_] == '\n')) {
      if (buffer_[start_] == '\r' && start_ + 1 == buffer_.size()) return std::nullopt;
      const bool crlf = buffer_[start_] == '\r' && buffer_[start_ + 1] == '\n';
      start_ += crlf ? 2 : 1;
      if (!crlf) continue; // a stray CR or LF between messages
      const Kind kind = after_crlf_ ? Kind::ping : Kind::pong;
      after_crlf_ = !after_crlf_;
      return Item{kind, std::string_view(buffer_).substr(start_ - 2, 2)};
    }
    const auto head = head_length();
    if (!head) return give_up(head.error().code, head.error().what, 0);
    if (!*head) return std::nullopt;

    const std::size_t size = **head;
    const Lengths lengths = scan(std::string_view(buffer_).substr(start_, size));
    if (lengths.twice) return give_up(Errc::malformed, "one Content-Length", size);
    if (lengths.bad) return give_up(Errc::malformed, "a number in Content-Length", size);
    if (!lengths.length && lengths.typed)
      return give_up(Errc::malformed, "a Content-Length in a stream", size);
    if (lengths.length.value_or(0) > limits_.body)
      return give_up(Errc::too_large, "a body within the limit", size);
    message_size_ = size + lengths.length.value_or(0);
  }
  if (buffer_.size() - start_ < message_size_) return std::nullopt;
  const Item item{Kind::message, std::string_view(buffer_).substr(start_, message_size_)};
  start_ += message_size_;
  message_size_ = 0;
  scanned_ = 0;
  after_crlf_ = false;
  return item;
}

} // namespace talky::sip
