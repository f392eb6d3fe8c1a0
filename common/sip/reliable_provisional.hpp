// Reliable provisional responses (RFC 3262): the server's side retransmits until PRACK, the client's side
// orders them.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "sip/builder.hpp"
#include "sip/message.hpp"
#include "sip/timers.hpp"

namespace talky::sip {

// The server's side, one object an INVITE. One response is outstanding at a time; others wait (RFC 3262 3).
class ReliableProvisional {
 public:
  // `first_rseq` by chance, 1 to 2^31-1; `invite_cseq` is the INVITE's CSeq number.
  ReliableProvisional(const Timers& timers, std::uint32_t first_rseq, std::uint32_t invite_cseq);

  // Ends a 101-199 with "Require: 100rel" and its RSeq and sends it, now or when the one before it is
  // acknowledged. What poll() gives out is to be sent: the first copy with TransactionLayer::respond(),
  // copies with the same.
  void respond(Builder response, std::string_view content_type, std::string_view body, Time now);

  // The status for a PRACK: 200 if its RAck names the outstanding response, 481 if it does not, 400 if it is
  // broken.
  int receive(const MessageView& prack, Time now);
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<Message> poll();

  bool outstanding() const {
    return !queue_.empty();
  }                                       // a final 2xx waits for this to become false if SDP was sent
  bool failed() const { return failed_; } // 64 T1 without PRACK: answer the INVITE with 5xx
  void stop();                            // a final response has been sent

 private:
  struct Waiting {
    Message response;
    std::uint32_t rseq;
  };
  void start(Time now);
  void stop_timer();

  Timers timers_;
  std::deque<Waiting> queue_; // the front is outstanding
  std::uint32_t next_rseq_, invite_cseq_;
  Duration interval_{};
  std::optional<Time> resend_, giving_up_;
  bool due_ = false, failed_ = false;
};

// The client's side, one object an early dialog.
class ReliableProvisionalReceiver {
 public:
  enum class Action : std::uint8_t {
    unreliable,  // no RSeq or no Require: 100rel: no PRACK
    acknowledge, // new and in order: send PRACK with rack()
    again,       // seen before: the PRACK may be sent again by its transaction; do nothing
    ignore       // out of order: wait for the missing one
  };
  Action receive(const MessageView& response);
  // The RAck value of the last response acknowledged: "776656 1 INVITE".
  std::string rack() const;

 private:
  std::optional<std::uint32_t> last_;
  std::uint32_t cseq_ = 0;
};

} // namespace talky::sip
