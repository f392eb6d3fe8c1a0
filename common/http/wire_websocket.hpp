// A WebSocket of either side on a Wire, before its handshake. Only for the .cpp files of common/http.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/websocket.hpp"
#include "http/wire.hpp"

namespace talky::http {

class WireWebSocket : public WebSocket {
 public:
  // The wire is open.
  static std::shared_ptr<WireWebSocket> make(Wire wire, const WebSocketOptions& options);

  // Of the server's side, whose request has been read; false: it fails.
  virtual void accept(std::string_view key, std::function<void(bool)> done) = 0;
  // Of the client's side. `done` gets the error, or none.
  virtual void call(const std::string& authority, const std::string& target, Wire::Done done) = 0;
  virtual void cut() = 0; // the connection, without a word
};

} // namespace talky::http
