// TCP and UNIX streams (and pipes): listeners and connections with bounded write queues. A program that uses
// them ignores SIGPIPE (cli::ignore_sigpipe).
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "core/log.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"

namespace talky::net {

struct UnixPath {
  std::string path; // at most 107 bytes; "@name" is Linux's abstract name space
  bool operator==(const UnixPath&) const = default;
};
using StreamAddress = std::variant<Endpoint, UnixPath>;

// "tcp:127.0.0.1:9092", "tcp:[::1]:9092", "tcp:localhost:9092" (a name is looked up, which may block: at
// start-up only) or "unix:/run/talky/agent.sock". nullopt: neither, or the name is unknown.
std::optional<StreamAddress> parse_stream_address(std::string_view text);
std::string to_string(const StreamAddress& address);

// "127.0.0.1:5060", "[::1]:5060", "localhost:5060", and with a default port also "::1" or "localhost". Looks
// names up, which may block: at start-up only.
std::optional<Endpoint> resolve(std::string_view host_and_port, std::optional<std::uint16_t> default_port);

// One byte stream. Made by connect(), a Listener or from a descriptor; kept alive by whoever holds the
// pointer.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Handlers {
    std::function<void(Bytes)> data;       // borrowed for the time of the callback
    std::function<void(int error)> closed; // once: 0 for an end of stream, else errno. Not after close().
    std::function<void()> drained;         // the write queue has become empty
  };
  // From a descriptor, which is set non-blocking and owned from now on.
  static std::shared_ptr<Connection> adopt(Loop& loop, Fd fd, std::size_t max_queue = kDefaultQueue);

  static constexpr std::size_t kDefaultQueue = 1 << 20;

  void start(Handlers handlers); // begins to read; once
  void pause_reading(bool pause);

  // Sends or queues all of it, or nothing: false if the queue is full or the stream closed.
  bool write(Bytes bytes);
  std::size_t queued() const { return queue_.size() - queue_head_; }
  bool is_open() const { return static_cast<bool>(fd_); }
  bool is_closing() const { return closing_; } // close_when_drained() has been called

  void close(); // at once; what is queued is lost. No callback comes after it.
  // When the queue is empty, or at the deadline. A socket then says that nothing more comes, and waits for
  // the peer to end as well, passing over what it still sends: to close before would cut it off, perhaps
  // before it has read our last words.
  void close_when_drained(Time deadline);
  Endpoint peer() const { return peer_; } // of a TCP stream
  Endpoint local() const { return local_; }

  Connection(Loop& loop, Fd fd, std::size_t max_queue); // use adopt()
  ~Connection();

 private:
  void ready(Watch::Ready ready);
  void flush();
  void give_up_writing();
  void end_writing();
  void pass_over();
  void fail(int error);
  void update_watch();

  Loop& loop_;
  Fd fd_;
  Watch watch_;
  std::shared_ptr<Handlers> handlers_; // null before start() and after close()
  std::vector<std::byte> queue_;       // bytes from queue_head_ on are still to be written
  std::size_t queue_head_ = 0;
  std::size_t max_queue_;
  Endpoint peer_, local_;
  std::optional<Timer> linger_;
  bool paused_ = false;
  bool closing_ = false;
  bool write_failed_ = false; // the peer takes nothing more
  bool half_closed_ = false;  // shutdown(SHUT_WR) is done: the peer knows that nothing more comes
};

// Takes connections in. When the process is out of descriptors it logs one line, pauses for 100 ms and goes
// on: it neither spins nor dies.
class Listener {
 public:
  using Accept = std::function<void(std::shared_ptr<Connection>)>;
  struct Options {
    bool reuse_port = false;
    std::size_t max_queue = Connection::kDefaultQueue;
    int backlog = 512;
  };
  // A UNIX path that a dead process left behind is replaced; one that is alive gives EADDRINUSE. The path is
  // removed when the listener goes. Its mode is 0600.
  static SysResult<Listener> open(Loop& loop, const StreamAddress& address, const Options& options,
                                  Accept accept, log::Sink log);
  StreamAddress local() const;

  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  void close();
  std::shared_ptr<Impl> impl_;
};

// Calls `done` once, later, with a connection that has not been started, or with the error (ETIMEDOUT at the
// deadline). Destroying the handle gives the attempt up without a call.
class Connecting {
 public:
  using Done = std::function<void(SysResult<std::shared_ptr<Connection>>)>;
  Connecting(Loop& loop, const StreamAddress& address, Time deadline, Done done,
             std::size_t max_queue = Connection::kDefaultQueue);
  Connecting(Connecting&&) noexcept;
  Connecting& operator=(Connecting&&) noexcept;
  ~Connecting();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace talky::net
