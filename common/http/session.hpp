// One connection of a Server: reads requests, has them answered, writes the answers. A part of
// http/server.hpp, and not public.
#pragma once
#include <memory>
#include <string_view>

#include "http/message.hpp"
#include "http/server.hpp"
#include "net/fd.hpp"

namespace talky::http {

class Session;

// What a session needs of its server.
class Sessions {
 public:
  virtual ~Sessions() = default;
  virtual net::Loop& loop() = 0;
  virtual const ServerOptions& options() const = 0;
  virtual bool stopping() const = 0;
  virtual void handle(Request request, Reply reply) = 0;
  virtual void remove(const Session& session) = 0; // it has ended, or become a WebSocket
  virtual void add(const std::shared_ptr<WebSocket>& socket) = 0;
};

class Session {
 public:
  // The socket is non-blocking and belongs to the session. Null if the system refuses it.
  static std::shared_ptr<Session> make(std::shared_ptr<Sessions> server, net::Fd socket,
                                       const Endpoint& peer);
  virtual ~Session() = default;

  virtual const Endpoint& peer() const = 0;
  virtual void run() = 0;                                    // reads requests; or
  virtual void refuse(int status, std::string_view why) = 0; // answers before there is one
  virtual void stop() = 0;                                   // after the answer that is under way
  virtual void close() = 0;                                  // at once
};

} // namespace talky::http
