#include "http/websocket.hpp"

#include <sys/socket.h>

#include <utility>

#include "http/websocket_beast.hpp"
#include "net/loop_asio.hpp"

namespace talky::http {
namespace {

using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

} // namespace

void WebSocket::accept(net::Loop& loop, net::Fd socket, std::string_view key, const WebSocketOptions& options,
                       std::function<void(std::shared_ptr<WebSocket>)> done) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  (void)::getsockname(socket.get(), static_cast<sockaddr*>(static_cast<void*>(&storage)), &size);
  // What waits in the kernel cannot be dropped any more: little of it.
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &options.send_buffer, sizeof options.send_buffer);
  tcp::socket adopted(net::context_of(loop));
  error_code error;
  adopted.assign(storage.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), socket.get(), error);
  if (error) return loop.post([done = std::move(done)] { done(nullptr); });
  (void)socket.release();
  std::make_shared<BeastWebSocket<tcp::socket>>(options, std::move(adopted))->handshake(key, std::move(done));
}

} // namespace talky::http
