#include "http/client.hpp"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <utility>

#include "core/ascii.hpp"
#include "http/tls.hpp"
#include "net/loop_asio.hpp"

namespace talky::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

beast::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

} // namespace

std::optional<Url> Url::parse(std::string_view text) {
  const auto url = boost::urls::parse_uri(view(text));
  if (!url || !url->has_authority() || url->has_userinfo() || url->has_fragment() || url->host().empty())
    return std::nullopt;
  Url out;
  const auto scheme = url->scheme_id();
  if (scheme != boost::urls::scheme::http && scheme != boost::urls::scheme::https) return std::nullopt;
  out.tls = scheme == boost::urls::scheme::https;
  out.host = url->host_address();
  out.port = out.tls ? kHttpsPort : kHttpPort;
  if (url->has_port()) {
    const auto port = ascii::to_number<std::uint16_t>({url->port().data(), url->port().size()});
    if (!port || *port == 0) return std::nullopt;
    out.port = *port;
  }
  const auto target = url->encoded_target();
  out.target = target.empty() ? std::string("/") : std::string(target.data(), target.size());
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  return port == (tls ? kHttpsPort : kHttpPort) ? name : fmt::format("{}:{}", name, port);
}

struct Requesting::Exchange : std::enable_shared_from_this<Requesting::Exchange> {
  Exchange(net::Loop& loop, const Url& url, const Headers& headers, std::string body, Options how,
           Done on_done)
      : context(net::context_of(loop)),
        resolver(context),
        plain(context),
        host(url.host),
        service(std::to_string(url.port)),
        tls(url.tls),
        limit(std::chrono::duration_cast<std::chrono::steady_clock::duration>(how.limit)),
        ca_file(std::move(how.ca_file)),
        done(std::move(on_done)) {
    request.method(beast::http::verb::post);
    request.target(view(url.target));
    request.version(11);
    for (const auto& [name, value] : headers.fields())
      request.set(view(name), view(value));
    request.set(beast::http::field::host, url.authority());
    request.set(beast::http::field::connection, "close");
    request.body() = std::move(body);
    request.prepare_payload();
    parser.body_limit(kMaxAnswer);
  }

  void start() {
    // The system's resolver has no limit of its own that one could rely on: the timer of the stream does not
    // cover it.
    deadline.emplace(context);
    deadline->expires_after(limit);
    deadline->async_wait([self = shared_from_this()](error_code error) {
      if (error || self->resolved) return;
      self->resolver.cancel();
      self->finish("look-up: ", asio::error::timed_out);
    });
    resolver.async_resolve(host, service, [self = shared_from_this()](error_code error, const auto& found) {
      self->resolved = true;
      self->deadline->cancel();
      if (error) return self->finish("look-up: ", error);
      self->connect(found);
    });
  }

  void connect(const tcp::resolver::results_type& addresses) {
    plain.expires_after(limit);
    plain.async_connect(addresses, [self = shared_from_this()](error_code error, const tcp::endpoint&) {
      if (error) return self->finish("connect: ", error);
      if (self->tls) return self->encrypt();
      self->write(self->plain);
    });
  }

  void encrypt() {
    error_code error;
    ssl.emplace(client_trust(ca_file, error));
    if (error) return finish(fmt::format("TLS: {}{}", ca_file, ca_file.empty() ? "" : ": "), error);
    secure.emplace(std::move(plain), *ssl);
    if (!expect_host(*secure, host)) return finish("TLS: ", asio::error::invalid_argument);
    beast::get_lowest_layer(*secure).expires_after(limit);
    secure->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](error_code failed) {
      if (failed) return self->finish("TLS: ", failed);
      self->write(*self->secure);
    });
  }

  template <class Stream>
  void write(Stream& stream) {
    beast::get_lowest_layer(stream).expires_after(limit);
    beast::http::async_write(stream, request,
                             [self = shared_from_this(), &stream](error_code error, std::size_t) {
                               if (error) return self->finish("send: ", error);
                               self->read(stream);
                             });
  }

  template <class Stream>
  void read(Stream& stream) {
    beast::get_lowest_layer(stream).expires_after(limit);
    beast::http::async_read(stream, buffer, parser,
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (error) return self->finish("answer: ", error);
                              Answer answer;
                              answer.status = static_cast<int>(self->parser.get().result_int());
                              for (const auto& field : self->parser.get())
                                answer.headers.add({field.name_string().data(), field.name_string().size()},
                                                   {field.value().data(), field.value().size()});
                              answer.body = std::move(self->parser.get().body());
                              self->close();
                              if (self->done) std::exchange(self->done, nullptr)(std::move(answer));
                            });
  }

  void finish(std::string_view what, error_code error) {
    close();
    if (done) std::exchange(done, nullptr)(tl::unexpected(fmt::format("{}{}", what, error.message())));
  }

  void close() {
    if (deadline) deadline->cancel();
    resolver.cancel();
    if (secure) {
      beast::get_lowest_layer(*secure).close();
    } else {
      plain.close();
    }
  }

  asio::io_context& context;
  tcp::resolver resolver;
  beast::tcp_stream plain;
  std::optional<asio::ssl::context> ssl;
  std::optional<beast::ssl_stream<beast::tcp_stream>> secure;
  std::optional<asio::steady_timer> deadline;
  std::string host, service;
  bool tls;
  bool resolved = false;
  std::chrono::steady_clock::duration limit;
  std::string ca_file;
  beast::http::request<beast::http::string_body> request;
  beast::http::response_parser<beast::http::string_body> parser;
  beast::flat_buffer buffer;
  Done done;
};

Requesting::Requesting(net::Loop& loop, const Url& url, const Headers& headers, std::string body,
                       Options options, Done done)
    : exchange_(std::make_shared<Exchange>(loop, url, headers, std::move(body), std::move(options),
                                           std::move(done))) {
  exchange_->start();
}

Requesting::Requesting(Requesting&&) noexcept = default;

Requesting& Requesting::operator=(Requesting&& other) noexcept {
  std::swap(exchange_, other.exchange_);
  return *this;
}

// NOLINTNEXTLINE(bugprone-exception-escape): only for want of memory, and then there is no going on
Requesting::~Requesting() {
  if (!exchange_) return;
  exchange_->done = nullptr;
  exchange_->close();
}

} // namespace talky::http
