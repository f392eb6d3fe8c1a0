// Another party takes the place of the one that called: it asked for that (REFER), or the other one says so
// (Replaces). The bridge, the recording and the journal go on with the new party.
//
//   next      a telephone that is being called, or calls, to take the place
//   leaving   was left for it and says goodbye
#pragma once
#include <memory>
#include <optional>
#include <string_view>

#include "call/events.hpp"
#include "sipd/call/next_hop.hpp"
#include "sipd/call/redirects.hpp"
#include "sipd/call/sip_leg.hpp"

namespace talky::sipd {

class Session;

class Transfer {
 public:
  explicit Transfer(Session& session) : session_(session) {}

  // ---- What the UserAgent reports
  void requested(const call::TransferRequested& event, Time now);
  void replaced_by(const call::IncomingCall& call, Time now);
  void redirected(const call::CallRedirected& event, Time now);
  // What an end means for the transfer.
  enum class End : std::uint8_t {
    none,   // it is not of these calls
    left,   // the party that has been left is gone
    failed, // the next party did not come
  };
  End ended(const call::CallEnded& event, Time now);

  // ---- For the session
  bool is_next(call::CallKey call) const { return next_ && next_->key == call; }
  Leg* next() const { return next_.get(); }
  Leg* leaving() const { return leaving_.get(); }
  bool is_under_way() const { return next_ || referrer_ != 0; }
  // The next party has answered: it is the session's from here on. `left` may be null.
  std::unique_ptr<Leg> take_next(std::unique_ptr<Leg> left);
  void wait_for_next(const Leg& left); // the party has left before the next one answers
  void give_up(Time now);              // the call has ended

 private:
  void place(const call::TransferRequested& event, const tl::expected<NextHop, int>& hop, Time now);
  void fail(int status, std::string_view why, Time now);
  CallHost& host();

  Session& session_;
  std::unique_ptr<SipLeg> next_;
  std::unique_ptr<Leg> leaving_;
  std::optional<FindNextHop> next_hop_;
  std::shared_ptr<Redirects> redirects_; // that are being looked at
  call::CallKey referrer_ = 0;           // whose REFER is being followed; 0: none
  unsigned count_ = 0;                   // of transfers so far
};

} // namespace talky::sipd
