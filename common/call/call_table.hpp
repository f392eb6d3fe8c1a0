// The calls of one UserAgent: found by key and by tag, woken at their deadlines, and drained in turn.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "call/call.hpp"

namespace talky::call {

class CallTable {
 public:
  Call& add(std::unique_ptr<Call> call);
  Call* find(CallKey key) const;      // nullptr: gone
  Call* find_live(CallKey key) const; // nullptr: gone, or it has ended
  Call* find_tag(std::string_view local_tag) const;
  std::vector<CallKey> keys() const; // in the order of their beginning
  std::size_t size() const { return calls_.size(); }
  std::size_t live() const { return live_; } // whose CallEnded has not been polled

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [key, call] : calls_)
      visit(*call);
  }

  void touch(Call& call); // something has happened in it: it is to be drained
  Call* first_touched() const { return ready_.empty() ? nullptr : ready_.front(); }
  // That one has been drained. It is scheduled, or destroyed if it is gone.
  void drained(Time now);
  void ended() { --live_; } // CallEnded has been polled

  std::optional<Time> deadline() const;
  Call* take_due(Time now); // nullptr: none; otherwise expire() is due

 private:
  std::unordered_map<CallKey, std::unique_ptr<Call>> calls_;
  std::unordered_map<std::string, CallKey> by_tag_;
  std::size_t live_ = 0;
  // Deadlines of calls, earliest first. An entry counts only if its call still names this time.
  using Due = std::pair<Time, CallKey>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::deque<Call*> ready_; // to be drained, each once; only drained() destroys one
};

} // namespace talky::call
