// What changes a session that stands: re-INVITE and UPDATE both ways, hold (RFC 3261 14, RFC 3311), and the
// refreshes of the session timer (RFC 4028). One at a time; what is due meanwhile waits.
#pragma once
#include <optional>

#include "call/call_media.hpp"
#include "call/call_signalling.hpp"
#include "call/timer_table.hpp"
#include "sip/session_timer.hpp"

namespace talky::call {

class Renegotiation {
 public:
  // `made_call_id`: we have placed the call, and so wait longer after a collision (RFC 3261 14.1).
  Renegotiation(CallSignalling& signalling, TimerTable& timers, CallMedia& media, sip::SessionTimer& timer,
                bool made_call_id)
      : signalling_(signalling),
        timers_(timers),
        media_(media),
        session_timer_(timer),
        made_call_id_(made_call_id) {}

  void allow_update(bool peer_allows) { peer_allows_update_ = peer_allows; }
  void begin() { running_ = true; } // the call is confirmed: from here on we may renegotiate
  void stop() { running_ = false; } // and from here on no more

  // ---- From the peer ----
  // A re-INVITE that can be taken, now; otherwise it has been answered. Then accept_invite() answers it.
  bool check_invite(sip::TransactionId id, const sip::Incoming& request, Time now);
  void accept_invite(sip::TransactionId id, const sip::Incoming& request, Time now);
  void receive_update(sip::TransactionId id, const sip::Incoming& request, CallMedia::Phase phase, Time now);

  // ---- From us ----
  void set_hold(bool hold, Time now);
  // Sends what is due, if nothing stands in the way. Called whenever something may have got out of it.
  void negotiate(Time now);
  void refresh(Time now); // the session timer asks for it

  bool owns(sip::TransactionId id) const { return id != 0 && (id == invite_ || id == update_); }
  // The answer to one of these. A Bye: the call has come to its end by it.
  std::optional<Bye> receive(sip::TransactionId id, const sip::Incoming& response, Time now);
  void forget_requests() { invite_ = update_ = 0; } // no answer will come

 private:
  bool check_offer(sip::TransactionId id, const sip::Incoming& request, Time now);
  sip::Builder accept(const sip::Incoming& request);
  void send_invite(Time now);
  void send_update(Time now);
  std::optional<Bye> invite_answered(const sip::Incoming& response, Time now);
  std::optional<Bye> update_answered(const sip::Incoming& response, Time now);
  bool send_again(const sip::MessageView& response, Time now);
  bool retry_later(const sip::MessageView& response, Time now);

  CallSignalling& signalling_;
  TimerTable& timers_;
  CallMedia& media_;
  sip::SessionTimer& session_timer_;
  bool made_call_id_;
  bool running_ = false;
  bool peer_allows_update_ = false;
  sip::TransactionId invite_ = 0, update_ = 0;                     // of ours, under way
  sip::TransactionId acknowledged_ = 0;                            // our last re-INVITE with a 2xx
  media::Direction agreed_direction_ = media::Direction::sendrecv; // what our last successful one asked for
  bool direction_due_ = false, refresh_due_ = false;
};

} // namespace talky::call
