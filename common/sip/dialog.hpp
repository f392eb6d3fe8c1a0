// Dialogs (RFC 3261 12): who we talk to, the path there, and the numbers of requests. Made from an INVITE and
// its response, on either side; no transactions and no media in it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "sip/builder.hpp"
#include "sip/flow.hpp"
#include "sip/message.hpp"

namespace talky::sip {

struct DialogId {
  std::string call_id, local_tag, remote_tag;
  auto operator<=>(const DialogId&) const = default;
};
// Of a request that came in (we are To), and of a response that came in (we are From).
DialogId dialog_id_of_request(const MessageView& request);
DialogId dialog_id_of_response(const MessageView& response);

class Dialog {
 public:
  enum class State : std::uint8_t { early, confirmed, terminated };

  // The server's side, from an INVITE that will be answered with `local_tag` (RFC 3261 12.1.1). `contact` is
  // our Contact value, "<sip:...>". Fails (`malformed`) if From, Contact or Record-Route cannot be used; an
  // RFC 2543 INVITE without Contact gets From's URI as target.
  static Result<Dialog> from_invite(const Incoming& invite, std::string_view local_tag,
                                    std::string_view contact);
  // The client's side, from our INVITE and a 101-299 with a To tag (RFC 3261 12.1.2). Each tag of a forked
  // INVITE makes a dialog of its own.
  static Result<Dialog> from_response(const MessageView& invite, const Incoming& response,
                                      std::string_view contact);

  const DialogId& id() const { return id_; }
  State state() const { return state_; }
  void confirm() {
    if (state_ == State::early) state_ = State::confirmed;
  }
  void terminate() { state_ = State::terminated; }

  // A request inside the dialog (RFC 3261 12.2.2): 0 if it may be processed, 500 if its CSeq is too old or
  // 400 if it has none. Target-refresh requests (INVITE, UPDATE, SUBSCRIBE, NOTIFY, REFER) with a Contact
  // move the target, and any request moves the flow to the address it came from. Not for CANCEL; an ACK is
  // checked against the INVITE's number.
  int receive_request(const Incoming& request);
  // A response to a request of ours: a 2xx to a target-refresh request moves the target; a 2xx to the first
  // INVITE sets the route set again (RFC 3261 13.2.2.4) and confirms; 481 and 408 end the dialog (12.2.1.2).
  void receive_response(const Incoming& response);

  // The next request: start line, Route, Max-Forwards, From, To, Call-ID, CSeq, Contact. Method::ack takes
  // the CSeq number of the last INVITE of ours; all others count one up.
  Builder request(Method method);
  // The same for an INVITE's ACK whose number is known, e.g. for a retransmitted or forked 2xx.
  Builder ack(std::uint32_t invite_cseq) const;
  // A reply inside the dialog: To tag, and Contact on 101-299 and 485 to target-refresh requests.
  Builder reply(const Incoming& request, int status, std::string_view reason = {}) const;

  // Where requests go. By the rule of this project the observed source of the peer, not its Contact (NAT);
  // the Request-URI still names the Contact.
  const Flow& flow() const { return flow_; }
  void set_flow(const Flow& flow) { flow_ = flow; }

  const std::string& remote_target() const { return target_; }
  const std::vector<std::string>& route_set() const { return routes_; }
  const std::string& contact() const { return contact_; }
  std::uint32_t local_cseq() const { return local_cseq_; }
  std::optional<std::uint32_t> remote_cseq() const { return remote_cseq_; }
  std::uint32_t invite_cseq() const { return invite_cseq_; } // of our last INVITE; 0 if none
  bool is_client() const { return client_; }                 // we sent the INVITE that made it

 private:
  Dialog() = default;
  Builder start(Method method, std::uint32_t cseq) const;

  DialogId id_;
  State state_ = State::early;
  std::string local_, remote_; // From and To as they go into our requests, with tags
  std::string target_, contact_;
  std::vector<std::string> routes_; // each with its <>
  Flow flow_;
  std::uint32_t local_cseq_ = 0, invite_cseq_ = 0, remote_invite_cseq_ = 0;
  std::optional<std::uint32_t> remote_cseq_;
  bool client_ = false;
};

} // namespace talky::sip
