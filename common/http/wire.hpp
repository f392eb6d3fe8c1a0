// A TCP connection, plain or under TLS, as one type: what Beast and Asio make of a stream is compiled once,
// in wire.cpp, and not for each kind of it. Used on its loop's thread. Only for the .cpp files of
// common/http.
//
// Whoever starts an operation keeps the wire alive until its callback has come; at most one read and one
// write are under way at a time. close() has what is under way end with an error.
#pragma once
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "net/fd.hpp"
#include "net/loop.hpp"

namespace talky::http {

// A handler of whatever type that is called once, at most; it runs on the loop. A std::function would copy
// it, which Beast's own cannot be.
template <class... Results>
class AnyHandler {
 public:
  template <class Handler>
  requires(!std::is_same_v<std::remove_cvref_t<Handler>, AnyHandler>) explicit AnyHandler(Handler&& handler)
      : held_(std::make_unique<Of<std::remove_cvref_t<Handler>>>(std::forward<Handler>(handler))) {}
  void operator()(Results... results) {
    const auto held = std::move(held_); // it may destroy us
    held->call(results...);
  }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual void call(Results... results) = 0;
  };
  template <class Handler>
  struct Of final : Held {
    explicit Of(Handler&& handler) : handler_(std::move(handler)) {}
    explicit Of(const Handler& handler) : handler_(handler) {}
    void call(Results... results) override { std::move(handler_)(results...); }
    Handler handler_;
  };
  std::unique_ptr<Held> held_;
};

class Wire {
 public:
  using Error = boost::system::error_code;
  using Moved = std::function<void(Error, std::size_t)>; // how many bytes
  using Done = std::function<void(Error)>;

  explicit Wire(net::Loop& loop); // open() is next
  Wire(Wire&&) noexcept;
  Wire& operator=(Wire&&) noexcept;
  ~Wire();
  // Takes over a connection that has been accepted. nullopt: the system refuses it.
  static std::optional<Wire> adopt(net::Loop& loop, net::Fd socket);

  // ---- To a server
  struct Server {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
    std::string ca_file; // PEM; "": the system's authorities
  };
  // Looks it up, connects and, with TLS, has it show a certificate that an authority signed whom we trust,
  // with the name or address that was dialled. `begins` comes at the beginning of each of these steps.
  void open(const Server& server, std::function<void()> begins, Done done);
  // What open() is at, for texts: "connect: ".
  std::string_view step() const;

  // ---- Bytes
  void read_some(boost::asio::mutable_buffer to, Moved done);
  void write(std::string_view bytes, Done done); // all of them; they stay with the caller
  void send_buffer(int bytes);                   // of the kernel
  void cancel();                                 // what is under way
  void end_writing();                            // the peer reads an end
  void close();
  net::Fd release(); // of a plain one; empty: the system refuses

  // ---- As Beast wants it: AsyncReadStream, AsyncWriteStream, and how a WebSocket ends it
  using executor_type = boost::asio::io_context::executor_type;
  executor_type get_executor() noexcept;

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    boost::asio::mutable_buffer first;
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers) && first.size() == 0; ++it)
      first = *it;
    read(first, AnyMoved(std::forward<Handler>(handler)));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    Pieces pieces;
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers) && pieces.count < kMaxPieces; ++it)
      pieces.all[pieces.count++] = *it;
    write(pieces, AnyMoved(std::forward<Handler>(handler)));
  }
  template <class Handler>
  friend void async_teardown(boost::beast::role_type role, Wire& wire, Handler&& handler) {
    wire.tear_down(role, AnyDone(std::forward<Handler>(handler)));
  }
  friend void beast_close_socket(Wire& wire) { wire.close(); }

 private:
  using AnyMoved = AnyHandler<Error, std::size_t>;
  using AnyDone = AnyHandler<Error>;
  static constexpr std::size_t kMaxPieces = 8; // of one write: a frame's header and its payload are two
  struct Pieces {
    std::array<boost::asio::const_buffer, kMaxPieces> all;
    std::size_t count = 0;
    const boost::asio::const_buffer* begin() const { return all.data(); }
    const boost::asio::const_buffer* end() const { return all.data() + count; }
  };
  struct Impl;

  void read(boost::asio::mutable_buffer to, AnyMoved done);
  void write(const Pieces& pieces, AnyMoved done);
  void tear_down(boost::beast::role_type role, AnyDone done);

  std::unique_ptr<Impl> impl_;
};

} // namespace talky::http
