// What a UserAgent is told at its start and with each call.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "call/call_counter.hpp"
#include "call/events.hpp"
#include "codec/codec.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "sdp/offer_answer.hpp"
#include "sip/digest.hpp"
#include "sip/flow.hpp"
#include "sip/registrar.hpp"
#include "sip/timers.hpp"

namespace talky::call {

// What calls offer and answer: the codecs named, the best first, with what the table of codec/codec.hpp says
// of them; telephone-event 101, 20 ms. A name is that of SDP's rtpmap in any case, with the clock rate where
// there are several: "PCMU", "opus", "L16/16000". Types beyond the static ones are numbered from 96.
// Errors: unsupported (there is none of that name, or none for calls), too_large (none, or more than
// kMaxCodecs).
Result<sdp::Capabilities> make_capabilities(std::span<const std::string> codecs);
bool is_for_calls(const codec::Info& info); // mono
inline constexpr std::size_t kMaxCodecs = 8;
// PCMU and PCMA.
sdp::Capabilities standard_capabilities();

struct Config {
  std::string product = "talky/" TALKY_VERSION; // Server and User-Agent
  sdp::Capabilities capabilities = standard_capabilities();

  // Digest: with `find_user`, REGISTER is challenged, and so are calls, messages and subscriptions unless
  // they come from whom their From names, over the flow that user has registered with (with
  // `always_challenge` even then). Who has proved to be alice calls as alice. `trusted` sources, such as a
  // trunk, are not asked and may call as anybody. Without `find_user` anybody may register and call, and
  // credentials are not looked at.
  sip::DigestServer::Ha1Lookup find_user;
  bool always_challenge = false;
  std::function<bool(const IpAddress& source)> trusted;
  std::string realm = "talky";
  std::string digest_key; // secret, 16 bytes from the system's entropy; with find_user only
  // What is offered in the challenges. Only MD5 by default: baresip and whatever else stands on libre give up
  // when they see an algorithm that they do not know, even beside one that they do.
  std::vector<sip::DigestAlgorithm> digest_algorithms = {sip::DigestAlgorithm::md5};

  // REFER is handed to the rim (TransferRequested), which decides whether the call is placed. Without it 603.
  bool follow_refer = false;

  // Host names that are ours, beside the addresses that messages come to.
  std::vector<std::string> hosts = {"localhost"};

  // Where several UserAgents serve together they count their calls together: `admit` before each call,
  // `release` after one that was granted. Both or none: without them the caps count here alone.
  std::function<CallCounter::Verdict(const IpAddress& source)> admit;
  std::function<void(const IpAddress& source)> release;
  std::size_t max_calls = 500;            // in all: above that 503 with Retry-After
  std::size_t max_calls_per_source = 100; // from one address: above that 486
  std::size_t max_transactions = 20'000;
  std::size_t max_pending_per_source = 2'000; // requests of one address that wait for an answer or ACK
  std::size_t max_connections = 1'000;        // streams whose half-read messages are kept
  sip::Registrar::Config registrar;           // limits of expiry and number

  std::chrono::seconds session_expires{1800}; // RFC 4028; 0: only if the peer asks for it
  std::chrono::seconds min_se{90};
  // Silence on the wire that ends a call; 0: never. Not while the peer has us on hold.
  Duration rtp_timeout = std::chrono::seconds(30);
  // An IncomingCall that nobody accepts or rejects gets 480.
  Duration answer_timeout = std::chrono::seconds(180);
  // How long the peer goes on playing what has left us: the BYE after the last word waits for it.
  Duration goodbye_delay = std::chrono::milliseconds(250);
  std::uint64_t ntp_at_epoch = 0; // NTP time (32.32) of Time{}, for RTCP sender reports
  sip::Timers timers;
};

struct AcceptOptions {
  sdp::LocalMedia media;                         // what is advertised; the sockets are open
  Duration ring_time{0};                         // 180 first and 200 after this time
  Headers headers;                               // added to the 180 and 200
  bool recording = false;                        // give RecordedAudio
  std::optional<sdp::Capabilities> capabilities; // other than the configured ones
};

struct Credentials {
  std::string user;
  std::string password;
};

// Where a redirected call goes.
struct Redirection {
  std::string target;      // one of CallRedirected
  std::string request_uri; // of the INVITE, where it differs: the contact of a phone; "": the target
  sip::Flow flow;
  std::optional<Credentials> credentials; // of that place: those of the first one are not shown to others
};

struct InviteOptions {
  std::string target;       // Request-URI and To: "sip:100@127.0.0.1:5060"
  std::string from;         // "sip:talky@127.0.0.1"; "": made from flow.local
  std::string from_display; // "": none
  sip::Flow flow; // the next hop: transport, our address and theirs. TCP with connection 0 asks to connect.
  sdp::LocalMedia media;
  Headers headers;
  std::string to;      // of the To header; "": the target. They differ where `target` is a phone's contact.
  std::string call_id; // "": a new one
  // The call whose REFER this one follows: its peer is told what becomes of it. See TransferRequested.
  CallKey refer = 0;
  unsigned max_redirects = 0; // other places that may be tried, one after the other: CallRedirected
  std::optional<Credentials> credentials;             // for 401 and 407
  Duration answer_timeout = std::chrono::seconds(60); // to the 200; CANCEL after it
  bool late_offer = false;                            // INVITE without SDP: the answer goes with the ACK
  bool recording = false;
  std::optional<sdp::Capabilities> capabilities;
};

} // namespace talky::call
