// A whole SIP endpoint without sockets and clock: registrar, user agent server and client, and the media of
// its calls. talky-sipd wraps it with sockets, talky-replay places calls with it, tests/sim drives two of
// them in virtual time.
//
//   rim:    loop { agent.receive_sip / receive_rtp / a command; agent.expire(now) when deadline() has come;
//                  while (auto output = agent.poll()) act on it; }
//
// Drain poll() after every call that takes `now` (after receive_rtp() if it says so). No function calls back,
// and none depends on anything but its arguments.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "call/config.hpp"
#include "call/events.hpp"
#include "core/bytes.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "core/time.hpp"
#include "sdp/offer_answer.hpp"
#include "sip/flow.hpp"
#include "sip/framer_set.hpp"
#include "sip/transaction_layer.hpp"
#include "sip/uri.hpp"

namespace talky::media {
class Media;
struct MediaScratch;
} // namespace talky::media

namespace talky::call {

class Call;
class CallTable;
class OutOfDialog;
struct Services;

class UserAgent {
 public:
  UserAgent(Config config, Random random);
  ~UserAgent();
  UserAgent(const UserAgent&) = delete;
  UserAgent& operator=(const UserAgent&) = delete;

  // ---- From the network ----
  // Over UDP one datagram; over TCP whatever was read, framed in here. `flow.local` must be an address that
  // the peer can reach (it is written into Via and Contact), not a wildcard.
  void receive_sip(const sip::Flow& flow, std::string_view bytes, Time now);
  // From one of the call's two sockets. With rtcp-mux RTCP on the RTP socket is told apart in here.
  // True: something has come of it, so poll() and deadline() are to be asked; most packets only wait for
  // their tick.
  bool receive_rtp(CallKey call, Bytes bytes, const Endpoint& source, bool is_rtcp, Time now);
  // The connection that a SendSip with connection 0 asked for: `flow` is as it was there, now with its
  // connection (and local address). What comes from it is given to receive_sip with the same flow.
  void flow_opened(const sip::Flow& flow, Time now);
  // The connection broke, was closed or could not be opened. Calls go on: a new connection is asked for when
  // needed.
  void flow_closed(const sip::Flow& flow, Time now);

  // ---- Incoming calls: after IncomingCall ----
  Result<> ring(CallKey call, Time now); // 180 now; accept() or reject() later
  Result<> accept(CallKey call, const AcceptOptions& options, Time now);
  Result<> reject(CallKey call, int status, std::string_view reason,
                  Time now); // 300..699; "" for the usual phrase

  // ---- Outgoing calls ----
  // Errors: malformed (a URI or header that is none), closed (shutting down), too_large (max_calls).
  // not_found: options.refer names no call whose REFER has been accepted.
  Result<CallKey> invite(const InviteOptions& options, Time now);
  // After CallRedirected: the same call to another place. Errors: malformed (no SIP URI), closed (it was not
  // redirected, or not there).
  Result<> redirect(CallKey call, const Redirection& to, Time now);

  // ---- After TransferRequested. closed: there is none that waits for this. ----
  Result<> answer_refer(CallKey call, int status, Time now); // 202, or 300..699: refused
  // After 202: the new call could not be placed, and the peer is told `status`. The call goes on.
  Result<> end_refer(CallKey call, int status, Time now);

  // ---- Any call. not_found: no such call, or it has ended. ----
  // BYE, CANCEL or a rejection (480), whichever fits. after_playout: everything queued so far is heard first,
  // even if the call has not been answered yet; what is played later is dropped.
  Result<> hangup(CallKey call, std::string_view reason, bool after_playout, Time now);
  Result<> hold(CallKey call, Time now);   // re-INVITE: sendonly. Waits for a negotiation that is under way.
  Result<> resume(CallKey call, Time now); // re-INVITE: sendrecv

  // Asks the peer to call `target` instead (REFER, RFC 3515; blind). It ends the call, or TransferFailed
  // comes. Errors: malformed (no SIP or tel URI), closed (not answered, or a transfer is under way).
  Result<> transfer(CallKey call, std::string_view target, Time now);

  // From here on the peer's voice is delivered as CallerAudio, beginning with what was said since the answer
  // (at most 5 s of it). Without this call there is no CallerAudio. To be called at any time from
  // IncomingCall or invite() on.
  Result<> attach_bridge(CallKey call);
  // The agent's voice: mono s16 at 16 kHz, any number of samples, sent in order at the pace of the media
  // clock. Gives how many were taken: what goes beyond 120 s of queue is refused. Before the answer they are
  // kept and sent after it.
  Result<std::size_t> play(CallKey call, std::span<const std::int16_t> samples);
  Result<> duck(CallKey call, bool on); // plays 12 dB more quietly, or not; clear() ends it
  Result<media::Cleared> clear(
      CallKey call); // throws the queue away; the marks passed over are told as MarkPassed
  Result<> mark(CallKey call, std::string_view name); // -> MarkPassed
  // As Media::talk_in(): how many of the oldest samples were thrown away.
  Result<std::size_t> talk_in(CallKey call, std::span<const std::int16_t> samples);
  // What is queued in one call, with its marks, is played in another that takes its place. Gives the agent's
  // samples that have been played in the first: the second counts from 0.
  Result<std::uint64_t> hand_over(CallKey from, CallKey to);
  // Digits 0-9 * # A-D (and ',' for a pause of a second) as telephone-event, or as INFO where that was not
  // agreed on. Errors: malformed, too_large (more than 256 waiting), closed (not answered yet).
  Result<> dtmf(CallKey call, std::string_view digits, Duration length, Time now);
  // Samples given to play() and not yet sent: for back-pressure. 0 for an unknown call.
  std::uint64_t queued(CallKey call) const;
  // As it stands now; nullopt without media.
  std::optional<media::MediaQuality> quality(CallKey call) const;

  // BYE to all calls, 503 to new ones. CallEnded comes for each; after that calls() is 0.
  void shutdown(Time now);

  // ---- Time and outputs ----
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<Output> poll(); // drain until nullopt

  // ---- Registrations ----
  using Location = call::Location;
  // Where a request to `uri` goes if it names somebody who is registered here. any_domain: the user part
  // alone decides. nullopt: nobody.
  std::optional<Location> locate(const sip::Uri& uri, bool any_domain) const;
  // A registration that another UserAgent of the same server has told (RegistrationChanged): from now on its
  // source is as well known here as there. It is not told again.
  void learn(const RegistrationChanged& change, Time now);

  // What challenges name from now on.
  void offer_digests(std::vector<sip::DigestAlgorithm> algorithms);

  // ---- For lists and tests ----
  std::size_t calls() const;        // that have not ended
  std::size_t transactions() const; // SIP transactions alive, all of them bounded by 64*T1 after their call
  std::size_t dialogs() const;
  std::size_t registrations() const;

 private:
  Services services();
  template <class Command>
  auto with(CallKey key, Time now, Command command) -> decltype(command(std::declval<Call&>()));
  template <class Command>
  auto with_media(CallKey key, Command command) -> decltype(command(std::declval<media::Media&>()));
  Call* owner(sip::TransactionId id);
  void receive_stream(const sip::Flow& flow, std::string_view bytes, Time now);
  void pump(Time now);
  void request(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void new_call(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  int find_replaced(const sip::MessageView& view, CallKey& replaced);
  void follow_up(Call& call);

  Config config_;
  Random random_;
  sip::TransactionLayer layer_;
  sip::FramerSet framers_;
  std::deque<Output> outbox_;
  std::unordered_map<sip::TransactionId, CallKey> owners_; // of the transactions that belong to a call
  std::unique_ptr<OutOfDialog> outside_;
  std::shared_ptr<media::MediaScratch> media_scratch_;
  std::unique_ptr<CallTable> calls_; // they stand on all of the above
  CallCounter counter_;
  CallKey next_key_ = 1;
  bool shutting_down_ = false;
  Time now_{};
};

} // namespace talky::call
