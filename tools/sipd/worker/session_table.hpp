// The calls of a worker: each session under the keys of its legs and the Call-IDs of its dialogs. SIP that
// comes before there is a session waits here for its pcap; sessions that have ended wait until nobody is in
// the midst of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "call/events.hpp"
#include "net/loop.hpp"
#include "sip/flow.hpp"
#include "sip/message.hpp"
#include "sipd/messages/call_command.hpp"

namespace talky::sipd {

class Session;

class SessionTable {
 public:
  // `destroyed` comes from the loop when the last session that had ended is gone.
  SessionTable(net::Loop& loop, std::function<void()> destroyed);
  ~SessionTable();

  Session* find(call::CallKey key) const;                          // null: there is none
  std::shared_ptr<Session> hold(call::CallKey key) const;          // likewise
  std::shared_ptr<Session> hold_uuid(std::string_view uuid) const; // likewise
  bool empty() const { return by_key_.empty() && ended_.empty(); } // those that have ended count
  std::vector<CallSnapshot> snapshots() const;
  void shut_down(Time now); // each session is told that the daemon ends

  void add(call::CallKey key, std::shared_ptr<Session> session);
  void adopt(call::CallKey call, call::CallKey of); // `call` is one more leg of the session of `of`
  void rename(call::CallKey from, call::CallKey to);
  void expect_sip(const std::string& call_id, Session& session);
  void forget_sip(const std::string& call_id) { by_call_id_.erase(call_id); }

  // A leg has ended: its session, which need not be over, is told nothing yet. Null: there is none.
  std::shared_ptr<Session> take(call::CallKey key);
  // Afterwards: gives the Call-IDs of the session that name no dialog any more. It is let go of later, from
  // the loop.
  std::vector<std::string> retire(std::shared_ptr<Session> session);
  // The kernel takes its time to close a call's sockets. When hundreds end at once, those that go on must not
  // wait for all of them: a few calls in a turn of the loop.
  void destroy_ended();

  // A message goes into the pcap of its call; that of an INVITE whose call has no session yet waits for it.
  void keep_sip(const sip::Flow& flow, std::string_view bytes, bool incoming, std::int64_t time_us);

 private:
  struct Kept {
    std::string call_id;
    sip::Flow flow;
    std::string bytes;
    bool incoming;
    std::int64_t time_us;
  };
  void destroy_some();

  net::Loop& loop_;
  std::function<void()> destroyed_;
  std::unordered_map<call::CallKey, std::shared_ptr<Session>> by_key_;
  std::unordered_map<std::string, Session*> by_call_id_;
  std::deque<Kept> recent_; // SIP of calls that have no session yet
  std::vector<std::shared_ptr<Session>> ended_;
  bool destroying_ = false;
  sip::MessageView scratch_;
};

} // namespace talky::sipd
