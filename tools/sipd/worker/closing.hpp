// How a worker ends. It drains when the SIP side is stopped: no new calls, and when the last one has ended
// all is closed. It shuts down when the daemon ends, or when nobody wants to wait: BYE to every call, until
// each has been answered or five seconds are over.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "net/loop.hpp"
#include "sip/message.hpp"

namespace talky::sipd {

class Closing {
 public:
  explicit Closing(net::Loop& loop) : loop_(loop) {}

  bool refuses() const { return refuses_; }                     // no calls are taken
  bool takes_calls() const { return !refuses_ && !shut_down_; } // nor placed

  // `done` null: who is told before stays.
  void drain(std::function<void()> done);
  void reopen() { refuses_ = false; }
  bool draining() const { return drained_ != nullptr; }
  void drained() { std::exchange(drained_, nullptr)(); } // all is closed

  void shut_down(std::function<void()> done);
  bool shutting_down() const { return shut_down_ != nullptr; }
  // Of a shutdown: a message that goes out, or has come.
  void sent(std::string_view message);
  void received(std::string_view message);
  // After all that happens: ends a shutdown if nothing is left of the calls but BYEs that have been answered.
  void look(bool no_calls);

 private:
  net::Loop& loop_;
  bool refuses_ = false;
  std::function<void()> drained_, shut_down_;
  std::set<std::string> goodbyes_; // Call-IDs of our BYEs that have had no answer yet
  std::optional<net::Timer> limit_;
  sip::MessageView scratch_;
};

} // namespace talky::sipd
