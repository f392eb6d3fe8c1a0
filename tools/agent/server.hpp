// Many calls at once over AudioSocket: one connection a call, from talky-sipd, Asterisk, or anyone who speaks
// it.
//
// A connection begins with the call's UUID; then comes a `start` in a control frame (a talky peer, which gets
// control frames too and is believed to report what it played), or at once audio (any other peer, which gets
// audio and hangups only). Audio is answered in the kind in which it came: 8 or 16 kHz.
#pragma once
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "call.hpp"
#include "net/lifetime.hpp"
#include "net/stream.hpp"

namespace talky::agent {

class SocketCall;

class Server {
 public:
  Server(Context& context, std::size_t max_calls);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Throws cli::Failure if the address cannot be listened on.
  void listen(const std::string& text); // "unix:PATH" or "tcp:HOST:PORT"
  // Takes no more calls; `done` is called when the last has ended, which all are made to do after `grace`.
  void drain(Duration grace, std::function<void()> done);

 private:
  friend class SocketCall;
  void accept(std::shared_ptr<net::Connection> connection);
  void remove(SocketCall* call); // from the loop, later

  Context& context_;
  const std::size_t max_calls_;
  std::optional<net::Listener> listener_;
  std::list<std::unique_ptr<SocketCall>> calls_;
  std::uint64_t accepted_ = 0;
  bool full_ = false; // refusals are logged once, until there is room again
  std::function<void()> drained_;
  net::Timer drain_timer_;
  net::Lifetime lifetime_;
};

} // namespace talky::agent
