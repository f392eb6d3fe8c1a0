#include "http/session.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <utility>

#include "core/ascii.hpp"
#include "http/body.hpp"
#include "http/message_reader.hpp"
#include "http/request_line.hpp"
#include "http/wire.hpp"

namespace talky::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

constexpr std::size_t kPieceSize = 64 << 10;   // of a body, each with a time limit of its own
constexpr std::size_t kMaxUnasked = 64 << 10;  // what a client may send while it only listens
constexpr std::size_t kMaxDiscarded = 4 << 20; // of a request that has been refused
constexpr auto kLingerLimit = std::chrono::seconds(1);

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

std::pair<int, const char*> refusal(error_code error) {
  if (error == beast::http::error::header_limit) return {431, "the header is too large"};
  if (error == beast::http::error::body_limit) return {413, "the body is too large"};
  if (error == beast::http::error::bad_version) return {505, "HTTP/1.1 is spoken here"};
  return {400, "this is not an HTTP request"};
}

class BeastSession : public Session, public BodyStream, public std::enable_shared_from_this<BeastSession> {
 public:
  BeastSession(std::shared_ptr<Sessions> server, Wire wire, const Endpoint& peer)
      : server_(std::move(server)),
        wire_(std::move(wire)),
        peer_(peer),
        timer_(server_->loop(), [this] { too_slow(); }) {}

  const Endpoint& peer() const override { return peer_; }

  void run() override { read(); }

  void refuse(int status, std::string_view why) override {
    keep_ = false;
    respond(problem(status, why));
  }

  void stop() override {
    keep_ = false;
    if (state_ == State::idle) return close();
    if (state_ == State::streaming) finish();
  }

  void close() override {
    if (state_ == State::closed) return;
    const auto keep = shared_from_this();
    state_ = State::closed;
    timer_.cancel();
    wire_.close();
    if (const auto callback = std::exchange(stream_closed_, nullptr)) callback();
    server_->remove(*this);
  }

  // BodyStream
  bool write(std::string_view bytes) override {
    if (state_ != State::streaming || ended_) return false;
    if (queue_.size() + bytes.size() > server_->options().max_stream_queue) return false;
    if (!bytes.empty()) enqueue(bytes);
    return true;
  }
  void finish() override {
    if (state_ != State::streaming || ended_) return;
    ended_ = true;
    if (chunked_) queue_ += "0\r\n\r\n";
    pump();
  }
  void abort() override { close(); }
  void on_closed(std::function<void()> callback) override {
    if (state_ == State::closed) return callback();
    stream_closed_ = std::move(callback);
  }

 private:
  enum class State : std::uint8_t { idle, header, body, handling, writing, streaming, lingering, closed };

  void arm(Duration limit) { timer_.at(net::now() + limit); }

  void too_slow() {
    if (state_ == State::header || state_ == State::body) return fail(408, "the request came too slowly");
    close();
  }

  // The client hears why, unless it is writing a request itself and will not listen: then it is cut off
  // later.
  void fail(int status, std::string_view why) {
    wire_.cancel();
    refuse(status, why);
  }

  // ---- Reading

  void read() {
    if (server_->stopping()) return close();
    parser_.emplace();
    parser_->header_limit(server_->options().max_header);
    parser_->body_limit(server_->options().max_body);
    if (buffer_.size() > 0) return read_header(); // the client has sent the next one already
    state_ = State::idle;
    arm(server_->options().idle);
    wire_.read_some(buffer_.prepare(4096), [self = shared_from_this()](error_code error, std::size_t count) {
      if (self->state_ != State::idle) return;
      if (error) return self->close();
      self->buffer_.commit(count);
      self->read_header();
    });
  }

  void read_header() {
    state_ = State::header;
    arm(server_->options().header);
    MessageReader<true>::read(wire_, buffer_, *parser_, false, [self = shared_from_this()](error_code error) {
      if (self->state_ != State::header) return;
      if (error) return self->read_failed(error);
      self->got_header();
    });
  }

  void read_failed(error_code error) {
    if (error == beast::http::error::end_of_stream || error == asio::error::eof ||
        error == asio::error::connection_reset)
      return close();
    const bool of_http = error.category() == make_error_code(beast::http::error::bad_version).category();
    if (!of_http || error == beast::http::error::partial_message) return close();
    const auto [status, why] = refusal(error);
    refuse(status, why);
  }

  void got_header() {
    const auto& message = parser_->get();
    minor_ = message.version() == 10 ? 0 : 1;
    const auto hosts = message.equal_range(beast::http::field::host);
    const auto count = std::distance(hosts.first, hosts.second);
    if (count > 1 || (count == 0 && minor_ == 1)) return refuse(400, "exactly one Host is needed");
    const auto expect = message.find(beast::http::field::expect);
    if (expect == message.end() || parser_->is_done()) return read_body();
    if (!ascii::iequals(view(expect->value()), "100-continue"))
      return refuse(417, "only 100-continue can be expected");
    state_ = State::body;
    arm(server_->options().body);
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    wire_.write(out_, [self = shared_from_this()](error_code error) {
      if (self->state_ != State::body) return;
      if (error) return self->close();
      self->read_body();
    });
  }

  void read_body() {
    if (parser_->is_done()) return dispatch();
    state_ = State::body;
    arm(server_->options().body);
    MessageReader<true>::read(wire_, buffer_, *parser_, true, [self = shared_from_this()](error_code error) {
      if (self->state_ != State::body) return;
      if (error) return self->read_failed(error);
      self->dispatch();
    });
  }

  void dispatch() {
    state_ = State::handling;
    timer_.cancel();
    keep_ = parser_->keep_alive() && !server_->stopping();
    auto& message = parser_->get();
    Request request;
    request.peer = peer_;
    if (!take_request_line(request, view(message.method_string()), view(message.target())))
      return refuse(400, "the request target is not a path");
    for (const auto& field : message)
      request.headers.add(std::string(view(field.name_string())), std::string(view(field.value())));
    request.body = std::move(message.body());
    conditions_ = Conditions::of(request);
    asked_for_socket_ = request.wants_websocket();
    key_ = std::string(request.headers.get("Sec-WebSocket-Key"));
    server_->handle(std::move(request), Reply([weak = weak_from_this()](Response response) {
                      const auto self = weak.lock();
                      if (self && self->state_ == State::handling) self->respond(std::move(response));
                    }));
  }

  // ---- Writing

  void respond(Response response) {
    if (state_ == State::closed) return;
    if (response.websocket) {
      if (asked_for_socket_) return upgrade(std::move(response.websocket));
      response = problem(426, "this is a WebSocket");
      response.headers.add("Upgrade", "websocket");
      response.headers.add("Connection", "upgrade");
    }
    state_ = State::writing;
    keep_ = keep_ && !server_->stopping();
    body_.take(response, conditions_);
    start_stream_ = conditions_.is_head ? nullptr : std::move(response.stream);
    const bool streams = start_stream_ != nullptr;
    if (streams) keep_ = false;
    chunked_ = streams && minor_ == 1;
    out_ = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
    for (const auto& [name, value] : response.headers.fields()) {
      if (is_clean(name) && is_clean(value)) out_.append(name).append(": ").append(value).append("\r\n");
    }
    out_ += fmt::format("Date: {}\r\n", http_date(net::wall_clock_us() / 1'000'000));
    const bool bodiless = response.status == 204 || response.status == 304;
    if (chunked_) out_ += "Transfer-Encoding: chunked\r\n";
    if (!streams && !bodiless) out_ += fmt::format("Content-Length: {}\r\n", body_.left());
    if (!keep_) {
      out_ += "Connection: close\r\n";
    } else if (minor_ == 0) {
      out_ += "Connection: keep-alive\r\n";
    }
    out_ += "\r\n";
    if (conditions_.is_head || bodiless) body_.clear();
    write_piece();
  }

  void write_piece() {
    if (!body_.fill(out_, kPieceSize)) return close();
    arm(server_->options().write);
    wire_.write(out_, [self = shared_from_this()](error_code error) {
      if (self->state_ != State::writing) return;
      if (error) return self->close();
      self->out_.clear();
      if (self->body_.left() > 0) return self->write_piece();
      self->written();
    });
  }

  void written() {
    if (start_stream_) return begin_stream();
    if (keep_) return read();
    linger();
  }

  // Until the client has heard the answer: a reset, because it still sends, would take it away again.
  void linger() {
    state_ = State::lingering;
    discarded_ = 0;
    wire_.end_writing();
    arm(kLingerLimit);
    discard();
  }

  void discard() {
    wire_.read_some(asio::buffer(waste_), [self = shared_from_this()](error_code error, std::size_t count) {
      if (self->state_ != State::lingering && self->state_ != State::streaming) return;
      self->discarded_ += count;
      const std::size_t limit = self->state_ == State::streaming ? kMaxUnasked : kMaxDiscarded;
      if (error || self->discarded_ > limit) return self->close();
      self->discard();
    });
  }

  // ---- Streams

  void begin_stream() {
    state_ = State::streaming;
    timer_.cancel();
    discarded_ = 0;
    discard(); // notices when the client goes
    std::exchange(start_stream_, nullptr)(shared_from_this());
  }

  void enqueue(std::string_view bytes) {
    if (chunked_) queue_ += fmt::format("{:x}\r\n", bytes.size());
    queue_ += bytes;
    if (chunked_) queue_ += "\r\n";
    pump();
  }

  void pump() {
    if (writing_ || state_ != State::streaming) return;
    if (queue_.empty()) {
      if (ended_) linger_after_stream();
      return;
    }
    writing_ = true;
    out_.assign(queue_, 0, kPieceSize);
    queue_.erase(0, out_.size());
    arm(server_->options().write);
    wire_.write(out_, [self = shared_from_this()](error_code error) {
      self->writing_ = false;
      if (self->state_ != State::streaming) return;
      if (error) return self->close();
      self->timer_.cancel();
      self->pump();
    });
  }

  void linger_after_stream() {
    state_ = State::lingering; // the read that waits for the client's end goes on
    wire_.end_writing();
    arm(kLingerLimit);
  }

  // ---- WebSockets

  void upgrade(std::function<void(std::shared_ptr<WebSocket>)> take) {
    // RFC 6455 4.1: nothing is sent before the 101 has been received.
    if (buffer_.size() > 0) return refuse(400, "data before the end of the handshake");
    net::Fd socket = wire_.release();
    if (!socket) return close();
    WebSocket::accept(server_->loop(), std::move(socket), key_, server_->options().websocket,
                      [server = server_, take = std::move(take)](std::shared_ptr<WebSocket> done) {
                        if (!done) return;
                        server->add(done);
                        take(std::move(done));
                      });
    close();
  }

  std::shared_ptr<Sessions> server_;
  Wire wire_;
  Endpoint peer_;
  net::Timer timer_;
  State state_ = State::idle;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  bool keep_ = false;
  unsigned minor_ = 1; // of HTTP/1.x

  // Of the request that is being answered.
  Conditions conditions_;
  bool asked_for_socket_ = false;
  std::string key_;

  std::string out_; // being written
  Body body_;

  std::function<void(std::shared_ptr<BodyStream>)> start_stream_;
  std::function<void()> stream_closed_;
  std::string queue_; // of a stream, already in chunks
  bool chunked_ = false;
  bool writing_ = false;
  bool ended_ = false;

  std::array<char, 4096> waste_{};
  std::size_t discarded_ = 0;
};

} // namespace

std::shared_ptr<Session> Session::make(std::shared_ptr<Sessions> server, net::Fd socket,
                                       const Endpoint& peer) {
  auto wire = Wire::adopt(server->loop(), std::move(socket));
  if (!wire) return nullptr;
  return std::make_shared<BeastSession>(std::move(server), std::move(*wire), peer);
}

} // namespace talky::http
