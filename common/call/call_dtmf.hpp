// The keys of a call: what the peer presses, whichever way it comes, and what we send as SIP INFO where
// telephone-event was not agreed on.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "call/call_signalling.hpp"

namespace talky::call {

class CallDtmf {
 public:
  explicit CallDtmf(CallSignalling& signalling) : signalling_(signalling) {}

  // DtmfPressed, unless it is the second of a pair: some phones send a key both as telephone-event and as
  // INFO.
  void pressed(const DtmfPressed& key, Time now);
  // `at_sample` of the media clock.
  void receive_info(sip::TransactionId id, const sip::Incoming& request, std::uint64_t at_sample, Time now);

  // Queues digits; DtmfFinished follows. Errors: malformed, too_large (more than 256 waiting).
  Result<> send(std::string_view digits, Duration length, Time now);
  bool idle() const { return digits_.empty(); }
  bool owns(sip::TransactionId id) const { return id != 0 && id == info_; }
  std::optional<Bye> receive(const sip::MessageView& response, Time now);
  void forget_request() { info_ = 0; } // no answer will come
  void stop() { over_ = true; }        // the call has ended

 private:
  void send_next(Time now);

  CallSignalling& signalling_;
  std::optional<DtmfPressed> last_;
  Time last_at_{};
  std::string digits_; // to be sent
  Duration length_{};
  sip::TransactionId info_ = 0; // under way
  bool over_ = false;
};

} // namespace talky::call
