// What a UserAgent is told at its start and with each call.
#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "call/events.hpp"
#include "core/time.hpp"
#include "sdp/offer_answer.hpp"
#include "sip/flow.hpp"

namespace talky::call {

// PCMU and PCMA, telephone-event 101, 20 ms.
sdp::Capabilities standard_capabilities();

// HA1 of RFC 7616 in lower-case hexadecimal: H(user:realm:password). nullopt: no such user, or HA1 is not
// known for it.
struct Ha1 {
  std::optional<std::string> md5;
  std::optional<std::string> sha256;
};
using FindUser = std::function<std::optional<Ha1>(std::string_view user)>;

struct Config {
  std::string product = "talky/" TALKY_VERSION; // Server and User-Agent
  sdp::Capabilities capabilities = standard_capabilities();

  // Digest: with `find_user`, REGISTER and calls and messages from sources without a registration are
  // challenged. Without it anybody may register and call, and credentials are not looked at.
  FindUser find_user;
  std::string realm = "talky";
  std::array<std::uint64_t, 2> nonce_key{}; // secret, from the system's entropy; with find_user only

  std::size_t max_calls = 500;            // in all: above that 503 with Retry-After
  std::size_t max_calls_per_source = 100; // from one address: above that 486
  std::size_t max_transactions = 20'000;
  std::size_t max_registrations = 10'000;
  std::chrono::seconds min_expires{60}; // of registrations; less gets 423
  std::chrono::seconds max_expires{3600};

  std::chrono::seconds session_expires{1800}; // RFC 4028; 0: only if the peer asks for it
  std::chrono::seconds min_se{90};
  Duration rtp_timeout =
      std::chrono::seconds(30); // silence on the wire that ends a call; 0: never. Not on hold.
  Duration answer_timeout =
      std::chrono::seconds(180); // an IncomingCall that nobody accepts or rejects gets 480
  bool allow_refer = false;      // otherwise REFER gets 603
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
  std::string password; // or:
  std::optional<Ha1> ha1;
};

struct InviteOptions {
  std::string target;       // Request-URI and To: "sip:100@127.0.0.1:5060"
  std::string from;         // "sip:talky@127.0.0.1"; "" : made from flow.local
  std::string from_display; // "" : none
  sip::Flow flow; // the next hop: transport, our address and theirs. TCP with connection 0 asks to connect.
  sdp::LocalMedia media;
  Headers headers;
  std::optional<Credentials> credentials;             // for 401 and 407
  Duration answer_timeout = std::chrono::seconds(60); // to the 200; CANCEL after it
  bool late_offer = false;                            // INVITE without SDP: the answer goes with the ACK
  bool recording = false;
  std::optional<sdp::Capabilities> capabilities;
};

} // namespace talky::call
