// The body of one answer, piece by piece: from memory or from a file, after what the request asked of it: a
// range (RFC 9110 14), or nothing if the client has it already (RFC 9110 13).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "net/fd.hpp"

namespace talky::http {

// Of the request: what decides how much of a body is sent.
struct Conditions {
  bool is_get = false;
  bool is_head = false;
  std::string if_none_match, if_modified_since, range, if_range;

  static Conditions of(const Request& request);
};

class Body {
 public:
  // Takes body and file out of `response`, and turns it into a 206, 304, 404 or 416 where that is due.
  void take(Response& response, const Conditions& conditions);
  void clear(); // of a HEAD: nothing will be sent

  std::uint64_t left() const { return text_.size() - sent_ + file_left_; }
  // Appends the next piece until `out` has `limit` bytes. False: the file has become shorter than was said.
  bool fill(std::string& out, std::size_t limit);

 private:
  static std::optional<ByteRange> take_range(Response& response, const Conditions& conditions,
                                             std::uint64_t size, std::string_view etag,
                                             std::string_view changed);
  void take_file(Response& response, const Conditions& conditions);

  std::string text_;
  std::size_t sent_ = 0; // of text_
  net::Fd file_;
  std::uint64_t file_offset_ = 0;
  std::uint64_t file_left_ = 0;
};

} // namespace talky::http
