#include "http/wire.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <string>

#include "core/endpoint.hpp"
#include "net/loop_asio.hpp"

namespace talky::http {

namespace asio = boost::asio;
using asio::ip::tcp;

struct Wire::Impl {
  // What open() was given. Its callbacks hold it, and by `done` whoever owns the wire.
  struct Opening {
    Server server;
    std::function<void()> begins;
    Done done;
  };
  using Shared = std::shared_ptr<Opening>;

  explicit Impl(net::Loop& loop) : context(net::context_of(loop)), resolver(context), socket(context) {}

  void look_up(const Shared& to) {
    begin(to, "look-up: ");
    resolver.async_resolve(to->server.host, std::to_string(to->server.port),
                           [this, to](Error error, const tcp::resolver::results_type& found) {
                             if (error) return to->done(error);
                             connect(to, found);
                           });
  }

  void connect(const Shared& to, const tcp::resolver::results_type& addresses) {
    begin(to, "connect: ");
    asio::async_connect(socket, addresses, [this, to](Error error, const tcp::endpoint&) {
      if (error) return to->done(error);
      no_delay();
      if (to->server.tls) return encrypt(to);
      to->done({});
    });
  }

  void encrypt(const Shared& to) {
    begin(to, "TLS: ");
    const Server& server = to->server;
    trust.emplace(asio::ssl::context::tls_client);
    Error error;
    if (server.ca_file.empty()) {
      trust->set_default_verify_paths(error);
    } else {
      trust->load_verify_file(server.ca_file, error);
      if (error) step += server.ca_file + ": ";
    }
    if (error) return to->done(error);
    tls.emplace(socket, *trust);
    tls->set_verify_mode(asio::ssl::verify_peer);
    tls->set_verify_callback(asio::ssl::host_name_verification(server.host));
    // The server learns which name is meant (RFC 6066 3): names only, no addresses.
    std::string name = server.host;
    if (!IpAddress::parse(name) && SSL_ctrl(tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                            TLSEXT_NAMETYPE_host_name, name.data()) != 1)
      return to->done(asio::error::invalid_argument);
    tls->async_handshake(asio::ssl::stream_base::client, [to](Error failed) { to->done(failed); });
  }

  void begin(const Shared& to, const char* what) {
    step = what;
    to->begins();
  }

  void no_delay() {
    Error ignored;
    socket.set_option(tcp::no_delay(true), ignored);
  }

  asio::io_context& context;
  tcp::resolver resolver;
  tcp::socket socket;
  std::optional<asio::ssl::context> trust;
  std::optional<asio::ssl::stream<tcp::socket&>> tls;
  std::string gathered; // several pieces as one, for a record of TLS
  std::string step;
};

Wire::Wire(net::Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}
Wire::Wire(Wire&&) noexcept = default;
Wire& Wire::operator=(Wire&&) noexcept = default;
Wire::~Wire() = default;

std::optional<Wire> Wire::adopt(net::Loop& loop, net::Fd socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  (void)::getsockname(socket.get(), static_cast<sockaddr*>(static_cast<void*>(&storage)), &size);
  Wire wire(loop);
  Error error;
  wire.impl_->socket.assign(storage.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), socket.get(), error);
  if (error) return std::nullopt;
  (void)socket.release();
  wire.impl_->no_delay();
  return wire;
}

void Wire::open(const Server& server, std::function<void()> begins, Done done) {
  impl_->look_up(std::make_shared<Impl::Opening>(Impl::Opening{server, std::move(begins), std::move(done)}));
}

std::string_view Wire::step() const {
  return impl_->step;
}

void Wire::read_some(asio::mutable_buffer to, Moved done) {
  read(to, AnyMoved(std::move(done)));
}

void Wire::read(asio::mutable_buffer to, AnyMoved done) {
  if (impl_->tls) return impl_->tls->async_read_some(to, std::move(done));
  impl_->socket.async_read_some(to, std::move(done));
}

void Wire::write(const Pieces& pieces, AnyMoved done) {
  if (!impl_->tls) return impl_->socket.async_write_some(pieces, std::move(done));
  if (pieces.count == 1) return impl_->tls->async_write_some(pieces.all[0], std::move(done));
  constexpr std::size_t kRecord = 16 << 10; // RFC 8446 5.1
  impl_->gathered.clear();
  for (const asio::const_buffer& piece : pieces) {
    const std::size_t room = kRecord - impl_->gathered.size();
    impl_->gathered.append(static_cast<const char*>(piece.data()), std::min(piece.size(), room));
  }
  impl_->tls->async_write_some(asio::buffer(impl_->gathered), std::move(done));
}

void Wire::write(std::string_view bytes, Done done) {
  Pieces pieces;
  pieces.all[pieces.count++] = asio::buffer(bytes);
  write(pieces, AnyMoved([this, bytes, done = std::move(done)](Error error, std::size_t count) mutable {
          if (error || count == bytes.size()) return done(error);
          write(bytes.substr(count), std::move(done));
        }));
}

void Wire::send_buffer(int bytes) {
  Error ignored;
  impl_->socket.set_option(asio::socket_base::send_buffer_size(bytes), ignored);
}

void Wire::cancel() {
  Error ignored;
  impl_->resolver.cancel();
  impl_->socket.cancel(ignored);
}

void Wire::end_writing() {
  Error ignored;
  impl_->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void Wire::close() {
  if (!impl_) return; // moved from
  Error ignored;
  impl_->resolver.cancel();
  impl_->socket.close(ignored);
}

net::Fd Wire::release() {
  Error error;
  net::Fd socket(impl_->socket.release(error));
  return error ? net::Fd() : std::move(socket);
}

Wire::executor_type Wire::get_executor() noexcept {
  return impl_->context.get_executor();
}

void Wire::tear_down(boost::beast::role_type role, AnyDone done) {
  using boost::beast::websocket::async_teardown;
  if (!impl_->tls) return async_teardown(role, impl_->socket, std::move(done));
  impl_->tls->async_shutdown([impl = impl_.get(), role, done = std::move(done)](Error) mutable {
    async_teardown(role, impl->socket, std::move(done));
  });
}

} // namespace talky::http
