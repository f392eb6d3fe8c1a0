// Messages from one loop to another, in their order. The sender never waits: where the receiver's loop stands
// still, full() tells it to leave out what may be left out.
#pragma once
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "net/loop.hpp"

namespace talky::sipd {

// What runs on a loop is given the time at which it does.
using Task = std::function<void(Time now)>;
// Has a task run later on some loop. Any thread.
using Post = std::function<void(Task)>;

inline Post post_to(net::Loop& loop) {
  return [&loop](Task task) { loop.post([task = std::move(task)] { task(net::now()); }); };
}

template <class Message>
class Mailbox : public std::enable_shared_from_this<Mailbox<Message>> {
 public:
  using Receive = std::function<void(Message&, Time now)>;
  static constexpr std::size_t kMost = 50; // under way: of audio of 20 ms a second

  explicit Mailbox(Post post) : post_(std::move(post)) {} // to the receiver's loop
  explicit Mailbox(net::Loop& loop) : Mailbox(post_to(loop)) {}

  // Any thread.
  void send(Message message) {
    ++under_way_;
    // A std::function must be copyable, which a message that owns a socket is not.
    post_([self = this->shared_from_this(), held = std::make_shared<Message>(std::move(message))](Time now) {
      --self->under_way_;
      const auto receive = self->receive_; // it may close the box
      if (receive && *receive) (*receive)(*held, now);
    });
  }
  bool full() const { return under_way_ >= kMost; }

  // On the receiver's loop. What comes before open() or after close() is thrown away.
  void open(Receive receive) { receive_ = std::make_shared<Receive>(std::move(receive)); }
  void close() { receive_ = nullptr; }

 private:
  Post post_;
  std::shared_ptr<Receive> receive_;
  std::atomic<std::size_t> under_way_{0};
};

} // namespace talky::sipd
