// HTTP/1.1 server (RFC 9112) on one loop, on Boost.Beast. It reads whole requests within its caps, gives them
// to the handler, and writes whatever the handler answers, at the client's pace. Keep-alive and pipelining
// (answers in order), HEAD, Expect: 100-continue, range and conditional requests, streams, WebSockets. No
// TLS.
//
// What is refused here, as a problem document and a closed connection: 400 nonsense, 408 too slow, 413 and
// 431 too large, 417, 503 too many connections, 505.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "core/endpoint.hpp"
#include "core/log.hpp"
#include "core/time.hpp"
#include "http/message.hpp"
#include "http/websocket.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"

namespace talky::http {

struct ServerOptions {
  std::size_t max_connections = 512;
  std::size_t max_per_source = 512;           // from one address
  std::uint32_t max_header = 16 << 10;        // bytes of request line and fields
  std::uint64_t max_body = 1 << 20;           // bytes
  std::size_t max_stream_queue = 256 << 10;   // bytes that a stream's client may lag behind
  Duration idle = std::chrono::seconds(60);   // between requests
  Duration header = std::chrono::seconds(10); // from the first byte of a request to the end of its header
  Duration body = std::chrono::seconds(30);   // to the end of its body
  Duration write = std::chrono::seconds(20);  // for the client to take the next 64 KiB
  WebSocketOptions websocket = {};
};

class Server {
 public:
  // The handler is called on the loop's thread.
  Server(net::Loop& loop, const ServerOptions& options, Handler handler, log::Sink log);
  ~Server(); // all connections are cut
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Port 0 takes a free one; gives what it became.
  net::SysResult<Endpoint> listen(const Endpoint& endpoint);

  // No new connections; idle ones are closed; requests that are being answered get their answer, streams and
  // WebSockets an orderly end. `done` comes when all are gone, or at the deadline, when the rest is cut.
  void stop(Time deadline, std::function<void()> done);

  std::size_t connections() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace talky::http
