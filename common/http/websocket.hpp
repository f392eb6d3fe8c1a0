// One WebSocket (RFC 6455) of the server's side. Messages, not frames; no extensions. Used on its loop's
// thread.
//
// What the peer has not taken waits in a bounded queue, and the kernel's share of it is kept small: whoever
// sends sound looks at queued() and drops the oldest rather than let it grow stale.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"

namespace talky::http {

struct WebSocketOptions {
  std::size_t max_message = 64 << 10;       // bytes; a longer one ends the connection with 1009
  std::size_t max_queue = 1 << 20;          // bytes to the peer
  int send_buffer = 64 << 10;               // bytes in the kernel
  Duration idle = std::chrono::seconds(60); // half of it without a word: a ping; all of it: closed
};

class WebSocket {
 public:
  struct Handlers {
    std::function<void(std::string_view)> text;
    std::function<void(Bytes)> binary;
    std::function<void()> drained; // the queue has become empty
    // Once, and the last: the peer's close code, or 1006 if it went without a word.
    std::function<void(std::uint16_t code)> closed;
  };
  virtual ~WebSocket() = default;

  virtual void start(Handlers handlers) = 0; // begins to read; once
  // All of it or nothing: false if the queue is full or the connection is closing.
  virtual bool send_text(std::string_view text) = 0; // must be UTF-8
  virtual bool send_binary(Bytes bytes) = 0;
  virtual std::size_t queued() const = 0;     // bytes given and not yet taken by the kernel
  virtual void pause_reading(bool pause) = 0; // not for long: answers to pings are not seen meanwhile
  // A close frame after what is queued, and the peer's answer is waited for, but not long. No callback comes
  // after it.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;

  // The rest of the handshake on a connection whose request has been read (Request::wants_websocket);
  // `key` is its Sec-WebSocket-Key. `done` gets null if it fails; it is called once, later.
  static void accept(net::Loop& loop, net::Fd socket, std::string_view key, const WebSocketOptions& options,
                     std::function<void(std::shared_ptr<WebSocket>)> done);
};

} // namespace talky::http
