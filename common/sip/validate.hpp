// What a user agent server must say to a message before any dialog sees it (RFC 3261 8.2, 16.3, 18.3, 21.4).
// A pure function: no state, no time. Merged requests (482) need state and are found by the transaction
// layer; 483 is a proxy's answer and never ours: Max-Forwards: 0 is served like any other (RFC 4475 3.3.11).
// The digest challenge (401) comes after this, from whoever knows the users.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sip/message.hpp"

namespace talky::sip {

// What this server does.
struct UasPolicy {
  MethodSet methods = {Method::invite, Method::ack, Method::bye, Method::cancel, Method::options};
  MethodSet unlisted = {}; // of these: known, but not named in Allow, as whoever decides refuses them
  std::vector<std::string> extensions = {};                  // option tags, as Supported lists them
  std::vector<std::string> schemes = {"sip", "sips", "tel"}; // of the Request-URI, lower case
  // Media types understood in the body of a method: {Method::invite, "application/sdp"}. A method without an
  // entry takes any body.
  std::vector<std::pair<Method, std::string>> bodies = {{Method::invite, "application/sdp"},
                                                        {Method::ack, "application/sdp"},
                                                        {Method::update, "application/sdp"},
                                                        {Method::prack, "application/sdp"}};
  std::string produces =
      "application/sdp";         // what our 200 to INVITE and OPTIONS carries; Accept must allow it
  std::size_t max_body = 65'536; // bytes; more is 413
};

struct Verdict {
  enum class Action : std::uint8_t {
    accept, // go on
    reject, // answer with status
    drop    // say nothing: an ACK, a response, or not answerable
  };
  Action action = Action::accept;
  int status = 0;          // of a reject; of a drop: what it would have been, or 0
  std::string_view reason; // static text: what is wrong, as a reason phrase
  std::vector<std::pair<HeaderId, std::string>>
      headers; // the reply must carry these: Allow, Unsupported, Accept ...

  bool accepted() const { return action == Action::accept; }
};

// `stream`: the message came over TCP, where a body needs a Content-Length (RFC 3261 18.3).
Verdict validate(const MessageView& message, const UasPolicy& policy, bool stream = false);

// The reply that a reject asks for.
Message reply_to(const Incoming& request, const Verdict& verdict, std::string_view to_tag);

// Whether an Accept field allows a media type ("application/sdp"): wildcards and q=0 count. No field at all
// allows SDP only, an empty one allows nothing (RFC 3261 20.1).
bool accepts(const MessageView& message, std::string_view media_type);

} // namespace talky::sip
