#include "http/websocket.hpp"

#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <utility>

#include "http/wire_websocket.hpp"

namespace talky::http {
namespace {

class BeastWebSocket final : public WireWebSocket, public std::enable_shared_from_this<BeastWebSocket> {
  using Error = boost::system::error_code;

 public:
  static constexpr auto kHandshakeLimit = std::chrono::seconds(10); // and of the closing one

  BeastWebSocket(Wire wire, const WebSocketOptions& options)
      : stream_(std::move(wire)), max_queue_(options.max_queue) {
    boost::beast::websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = kHandshakeLimit;
    timeout.idle_timeout = std::chrono::duration_cast<std::chrono::steady_clock::duration>(options.idle);
    timeout.keep_alive_pings = true;
    stream_.set_option(timeout);
    stream_.read_message_max(options.max_message);
    stream_.auto_fragment(false);
  }

  void accept(std::string_view key, std::function<void(bool)> done) override {
    // All that Beast asks of a request; the rest of the real one has been looked at by now.
    request_.method(boost::beast::http::verb::get);
    request_.target("/");
    request_.set(boost::beast::http::field::host, "localhost");
    request_.set(boost::beast::http::field::upgrade, "websocket");
    request_.set(boost::beast::http::field::connection, "upgrade");
    request_.set(boost::beast::http::field::sec_websocket_version, "13");
    request_.set(boost::beast::http::field::sec_websocket_key,
                 boost::beast::string_view(key.data(), key.size()));
    stream_.async_accept(request_,
                         [self = shared_from_this(), done = std::move(done)](Error error) { done(!error); });
  }

  void call(const std::string& authority, const std::string& target, Wire::Done done) override {
    stream_.async_handshake(
        authority, target, [self = shared_from_this(), done = std::move(done)](Error error) { done(error); });
  }
  void cut() override { stream_.next_layer().close(); }

  void start(Handlers handlers) override {
    handlers_ = std::make_shared<Handlers>(std::move(handlers));
    read();
  }

  bool send_text(std::string_view text) override { return send({true, std::string(text)}); }
  bool send_binary(Bytes bytes) override { return send({false, std::string(as_text(bytes))}); }
  std::size_t queued() const override { return queued_; }
  void pause_reading(bool pause) override {
    paused_ = pause;
    if (!paused_ && !reading_ && handlers_) read();
  }

  void close(std::uint16_t code, std::string_view reason) override {
    if (closing_ || gone_) return;
    closing_ = true;
    handlers_.reset();
    reason_.code = code;
    reason_.reason.assign(reason.data(), std::min(reason.size(), kMaxReason));
    if (!writing_) say_goodbye();
  }

 private:
  static constexpr bool kCompresses = false;     // RFC 7692
  static constexpr std::size_t kMaxReason = 123; // bytes, RFC 6455 5.5.1

  struct Message {
    bool is_text;
    std::string bytes;
  };

  bool send(Message message) {
    if (closing_ || gone_ || queued_ + message.bytes.size() > max_queue_) return false;
    queued_ += message.bytes.size();
    queue_.push_back(std::move(message));
    if (!writing_) write();
    return true;
  }

  void write() {
    writing_ = true;
    stream_.text(queue_.front().is_text);
    stream_.async_write(boost::asio::buffer(queue_.front().bytes),
                        [self = shared_from_this()](Error error, std::size_t) { self->written(error); });
  }

  void written(Error error) {
    writing_ = false;
    queued_ -= queue_.front().bytes.size();
    queue_.pop_front();
    if (error || gone_) { // the read says what became of the connection
      queue_.clear();
      queued_ = 0;
      return;
    }
    if (!queue_.empty()) return write();
    if (closing_) return say_goodbye();
    const auto handlers = handlers_;
    if (handlers && handlers->drained) handlers->drained();
  }

  void say_goodbye() {
    if (gone_) return;
    stream_.async_close(reason_, [self = shared_from_this()](Error) { self->gone_ = true; });
  }

  void read() {
    reading_ = !paused_;
    if (paused_) return;
    stream_.async_read(buffer_, [self = shared_from_this()](Error error, std::size_t) { self->read(error); });
  }

  void read(Error error) {
    if (error) return ended(error);
    const auto handlers = handlers_; // a callback may close
    const auto data = buffer_.cdata();
    const Bytes bytes(static_cast<const std::byte*>(data.data()), data.size());
    if (handlers && stream_.got_text()) {
      if (handlers->text) handlers->text(as_text(bytes));
    } else if (handlers && handlers->binary) {
      handlers->binary(bytes);
    }
    buffer_.consume(buffer_.size());
    read();
  }

  void ended(Error error) {
    if (gone_) return;
    gone_ = true;
    const std::uint16_t code =
        error == boost::beast::websocket::error::closed ? stream_.reason().code : std::uint16_t{1006};
    if (error != boost::beast::websocket::error::closed) cut();
    const auto handlers = std::exchange(handlers_, nullptr);
    if (handlers && handlers->closed) handlers->closed(code);
  }

  boost::beast::websocket::stream<Wire, kCompresses> stream_;
  boost::beast::http::request<boost::beast::http::empty_body> request_;
  boost::beast::flat_buffer buffer_;
  std::shared_ptr<Handlers> handlers_;
  std::deque<Message> queue_; // the first is being written if writing_
  std::size_t queued_ = 0;
  std::size_t max_queue_;
  boost::beast::websocket::close_reason reason_;
  bool reading_ = false;
  bool paused_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool gone_ = false;
};

} // namespace

std::shared_ptr<WireWebSocket> WireWebSocket::make(Wire wire, const WebSocketOptions& options) {
  // What waits in the kernel cannot be dropped any more: little of it.
  wire.send_buffer(options.send_buffer);
  return std::make_shared<BeastWebSocket>(std::move(wire), options);
}

void WebSocket::accept(net::Loop& loop, net::Fd socket, std::string_view key, const WebSocketOptions& options,
                       std::function<void(std::shared_ptr<WebSocket>)> done) {
  auto wire = Wire::adopt(loop, std::move(socket));
  if (!wire) return loop.post([done = std::move(done)] { done(nullptr); });
  const auto made = WireWebSocket::make(std::move(*wire), options);
  made->accept(key, [made, done = std::move(done)](bool well) { done(well ? made : nullptr); });
}

} // namespace talky::http
