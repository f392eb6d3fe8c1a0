// One connection of an HttpServer: reads requests, has them answered, writes the answers. Part of
// http_server.
#pragma once
#include <memory>
#include <string_view>

#include "net/fd.hpp"
#include "net/http.hpp"
#include "net/http_server.hpp"

namespace talky::net {

class HttpSession;

// What a session needs of its server.
class HttpSessions {
 public:
  virtual ~HttpSessions() = default;
  virtual Loop& loop() = 0;
  virtual const HttpServerOptions& options() const = 0;
  virtual bool stopping() const = 0;
  virtual void handle(HttpRequest request, HttpReply reply) = 0;
  virtual void remove(const HttpSession& session) = 0; // it has ended, or become a WebSocket
  virtual void add(const std::shared_ptr<WebSocket>& socket) = 0;
};

class HttpSession {
 public:
  // The socket is non-blocking and belongs to the session. Null if the system refuses it.
  static std::shared_ptr<HttpSession> make(std::shared_ptr<HttpSessions> server, Fd socket,
                                           const Endpoint& peer);
  virtual ~HttpSession() = default;

  virtual const Endpoint& peer() const = 0;
  virtual void run() = 0;                                    // reads requests; or
  virtual void refuse(int status, std::string_view why) = 0; // answers before there is one
  virtual void stop() = 0;                                   // after the answer that is under way
  virtual void close() = 0;                                  // at once
};

} // namespace talky::net
