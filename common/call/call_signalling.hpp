// What every message of one call goes through: its dialog, its identity and credentials, the transactions
// that belong to it, the ACKs that it has sent and the 2xx of its own that waits for one.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "call/config.hpp"
#include "call/events.hpp"
#include "core/random.hpp"
#include "sip/dialog.hpp"
#include "sip/digest.hpp"
#include "sip/reliable_2xx.hpp"
#include "sip/transaction_layer.hpp"

namespace talky::call {

// What the calls of one UserAgent share. All of it outlives them.
struct Services {
  const Config& config;
  sip::TransactionLayer& layer;
  Random& random;
  std::deque<Output>& outbox;
  std::unordered_map<sip::TransactionId, CallKey>& owners; // which call a transaction belongs to
  std::shared_ptr<media::MediaScratch> media_scratch;      // they are polled one after the other
};

// Why a part of the call wants it to end with a BYE.
struct Bye {
  EndCause cause = EndCause::lost;
  std::string reason;
};

class CallSignalling {
 public:
  // call_id "": a new one.
  CallSignalling(const Services& services, CallKey key, std::string local_tag, std::string call_id);

  const Config& config() const { return services_.config; }
  sip::TransactionLayer& layer() { return services_.layer; }
  Random& random() { return services_.random; }
  const std::shared_ptr<media::MediaScratch>& media_scratch() const { return services_.media_scratch; }
  CallKey key() const { return key_; }
  const std::string& local_tag() const { return local_tag_; }
  const std::string& call_id() const { return call_id_; }
  void emit(Output output) { services_.outbox.push_back(std::move(output)); }

  // ---- Transactions: what comes for one of these comes to this call ----
  void own(sip::TransactionId id);
  void disown(sip::TransactionId id);
  void forget_transactions(); // before the call is destroyed

  // ---- The dialog: of an incoming call from the start, of an outgoing one from its first 2xx ----
  sip::Dialog* dialog() { return dialog_ ? &*dialog_ : nullptr; }
  const sip::Dialog* dialog() const { return dialog_ ? &*dialog_ : nullptr; }
  void set_dialog(sip::Dialog dialog) { dialog_ = std::move(dialog); }
  void flow_opened(const sip::Flow& flow);
  void flow_closed(const sip::Flow& flow);

  // ---- Responses ----
  sip::Builder reply(const sip::Incoming& request, int status, std::string_view reason = {}) const;
  void respond(sip::TransactionId id, const sip::Incoming& request, int status, Time now,
               std::string_view reason = {});
  void respond_busy(sip::TransactionId id, const sip::Incoming& request, Time now); // 500 with Retry-After
  void respond_bad_event(sip::TransactionId id, const sip::Incoming& request, Time now); // 489
  // The session description cannot be used: 488, or 400 if it is none.
  void respond_unacceptable(sip::TransactionId id, const sip::Incoming& request, const Error& error,
                            Time now);
  // The 2xx to the INVITE `request`, sent again until its ACK comes (RFC 3261 13.3.1.4).
  void respond_2xx(sip::TransactionId id, const sip::Incoming& request, sip::Message message, Time now);
  bool awaits_ack() const { return reliable_2xx_.has_value(); }
  bool receive_ack(const sip::IncomingPtr& ack); // true: the one that was waited for
  void stop_2xx() { reliable_2xx_.reset(); }
  bool expire_2xx(Time now); // false: the ACK has not come, and never will
  std::optional<Time> deadline() const { return reliable_2xx_ ? reliable_2xx_->deadline() : std::nullopt; }

  // ---- Requests ----
  void add_identity(sip::Builder& builder) const;
  void set_credentials(const std::optional<Credentials>& credentials);
  bool learn_challenge(const sip::MessageView& response); // false: what it asks for is not there
  sip::DigestClient* ready_digest() { return digest_ && digest_->ready() ? &*digest_ : nullptr; }
  // Sent in `dialog`, or in that of the call.
  sip::TransactionId request(sip::Builder builder, sip::Method method, std::string_view type,
                             std::string_view body, Time now, const sip::Dialog* dialog = nullptr);
  // The ACK of a 2xx to `invite`, sent again whenever that comes again.
  void acknowledge(sip::TransactionId invite, sip::Message ack);
  bool acknowledge_again(sip::TransactionId invite); // false: it is not the last one

 private:
  Services services_;
  CallKey key_;
  std::string local_tag_;
  std::string call_id_;
  std::optional<sip::Dialog> dialog_;
  std::optional<sip::DigestClient> digest_;
  std::optional<sip::Reliable2xx> reliable_2xx_;
  sip::TransactionId acknowledged_ = 0; // the INVITE that ack_ belongs to
  std::optional<sip::Message> ack_;
  std::vector<sip::TransactionId> owned_; // entries of ours in services_.owners
};

} // namespace talky::call
