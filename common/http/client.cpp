#include "http/client.hpp"

#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <utility>

#include "core/ascii.hpp"
#include "http/message_reader.hpp"
#include "http/wire.hpp"

namespace talky::http {
namespace {

namespace beast = boost::beast;
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
      : wire(loop),
        timer(loop, [this] { finish(step(), boost::asio::error::timed_out); }),
        server{url.host, url.port, url.tls, std::move(how.ca_file)},
        limit(how.limit),
        done(std::move(on_done)) {
    request = fmt::format("POST {} HTTP/1.1\r\n", url.target);
    for (const auto& [name, value] : headers.fields()) {
      if (is_clean(name) && is_clean(value)) request += fmt::format("{}: {}\r\n", name, value);
    }
    request += fmt::format("Host: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", url.authority(),
                           body.size());
    request += body;
    parser.body_limit(kMaxAnswer);
  }

  void start() {
    wire.open(
        server, [this] { arm(); },
        [self = shared_from_this()](error_code error) {
          if (!self->done) return;
          if (error) return self->finish(self->step(), error);
          self->send();
        });
  }

  void send() {
    at = "send: ";
    arm();
    wire.write(request, [self = shared_from_this()](error_code error) {
      if (!self->done) return;
      if (error) return self->finish(self->step(), error);
      self->receive();
    });
  }

  void receive() {
    at = "answer: ";
    arm();
    MessageReader<false>::read(wire, buffer, parser, true, [self = shared_from_this()](error_code error) {
      if (!self->done) return;
      if (error) return self->finish(self->step(), error);
      Answer answer;
      answer.status = static_cast<int>(self->parser.get().result_int());
      for (const auto& field : self->parser.get())
        answer.headers.add({field.name_string().data(), field.name_string().size()},
                           {field.value().data(), field.value().size()});
      answer.body = std::move(self->parser.get().body());
      self->close();
      std::exchange(self->done, nullptr)(std::move(answer));
    });
  }

  void arm() { timer.at(net::now() + limit); }
  std::string step() const { return at.empty() ? std::string(wire.step()) : at; }

  void finish(const std::string& what, error_code error) {
    const auto keep = shared_from_this();
    close();
    if (done) std::exchange(done, nullptr)(tl::unexpected(fmt::format("{}{}", what, error.message())));
  }

  void close() {
    timer.cancel();
    wire.close();
  }

  Wire wire;
  net::Timer timer; // of each step
  Wire::Server server;
  Duration limit;
  std::string at; // the step, once the wire is open
  std::string request;
  beast::http::response_parser<beast::http::string_body> parser;
  beast::flat_buffer buffer;
  Done done; // null: over
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
