// Cuts a byte stream (TCP) into messages (RFC 3261 18.3) and keep-alives (RFC 5626 4.4.1). What comes out
// does not depend on how the stream was cut into reads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace talky::sip {

class Framer {
 public:
  struct Limits {
    std::size_t head = 65'535;  // bytes of start line and header block
    std::size_t body = 262'144; // bytes
  };
  enum class Kind : std::uint8_t {
    message,
    pong, // a CRLF between messages: the answer to our ping
    ping  // a second CRLF right behind it: answer with one CRLF
  };
  struct Item {
    Kind kind;
    std::string_view bytes; // the whole message; valid until the next feed()
  };

  Framer() = default;
  explicit Framer(const Limits& limits) : limits_(limits) {}

  // Copies. Nothing is taken in after an error.
  void feed(std::string_view bytes);
  // The next item, nullopt if more bytes are needed. An error is final, since where the next message starts
  // cannot be known: close the connection. `too_large` names a limit; `malformed` a Content-Length that is
  // missing (with a Content-Type), given twice or no number.
  Result<std::optional<Item>> next();
  // After an error: the header block that caused it, to be answered (400) before closing; "" if there is
  // none.
  std::string_view broken() const { return broken_; }
  // Bytes taken in and not yet given out, e.g. to find connections that stall inside a message.
  std::size_t buffered() const { return buffer_.size() - start_; }

 private:
  Result<std::optional<std::size_t>> head_length(); // with the empty line
  Result<std::optional<Item>> give_up(Errc code, const char* what, std::size_t head);

  Limits limits_;
  std::string buffer_;
  std::string_view broken_;
  std::size_t start_ = 0;        // of the first byte not given out
  std::size_t scanned_ = 0;      // from start_: the end of the header block is not before this
  std::size_t message_size_ = 0; // known once the header block is complete; else 0
  bool after_crlf_ = false;
  std::optional<Error> error_;
};

} // namespace talky::sip
