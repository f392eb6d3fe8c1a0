// What a REFER asks for, and how it is told what became of it (RFC 3515), with the header fields that a
// Refer-To URI may carry for an attended transfer (RFC 3891).
#pragma once
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace talky::sip {

// Of Refer-To: <sip:bob@example.com?Replaces=425928%40x%3Bto-tag%3D7743%3Bfrom-tag%3D6472&Require=replaces>
struct ReferTo {
  std::string uri;               // whom to call: without header fields, and without ;method
  std::string replaces;          // the value of a Replaces field, unescaped; "" for none
  bool require_replaces = false; // and nothing but the replacing is wanted

  // Errors: malformed (400: no URI, or a Replaces that cannot be read), unsupported (416: no SIP URI; with
  // offset 1 another method than INVITE is asked for). Other header fields in the URI are not taken over:
  // who is called is all that a stranger may decide about our INVITE.
  static Result<ReferTo> parse(std::string_view value);
};

// The status in a body of message/sipfrag (RFC 3420), "SIP/2.0 200 OK". 0: none.
int sipfrag_status(std::string_view body);
// "SIP/2.0 180 Ringing\r\n"; an empty reason gives the usual phrase.
std::string make_sipfrag(int status, std::string_view reason = {});
inline constexpr std::string_view kSipfragType = "message/sipfrag;version=2.0";

} // namespace talky::sip
