// A 2xx to INVITE is sent again until its ACK comes, over any transport (RFC 3261 13.3.1.4): after T1,
// doubling up to T2, and given up after 64 T1. It belongs to the call, not to a transaction: one object an
// answered INVITE.
#pragma once
#include <optional>
#include <string>

#include "core/time.hpp"
#include "sip/builder.hpp"
#include "sip/timers.hpp"

namespace talky::sip {

class Reliable2xx {
 public:
  // The first copy has been sent by TransactionLayer::respond() at `now`. `cseq` is that of the INVITE.
  Reliable2xx(const Timers& timers, Message response, std::uint32_t cseq, Time now);

  // True if this ACK is the one waited for (its CSeq number is the INVITE's).
  bool receive(const MessageView& ack);
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<Message> poll(); // a copy to send with TransactionLayer::send()

  bool acknowledged() const { return acknowledged_; }
  bool failed() const { return failed_; } // 64 T1 without an ACK: send BYE (RFC 3261 13.3.1.4)

 private:
  Timers timers_;
  Message response_;
  std::uint32_t cseq_;
  Duration interval_;
  Time resend_, giving_up_;
  bool due_ = false, acknowledged_ = false, failed_ = false;
};

} // namespace talky::sip
