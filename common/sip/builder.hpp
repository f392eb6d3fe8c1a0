// Writes messages. Field by field into one string; nothing is kept but the text.
//
//   Message ok = Builder::reply(*incoming, 200, {.to_tag = tag}).header(HeaderId::contact,
//   contact).body("application/sdp", sdp);
//
// CR, LF and NUL in a value become spaces, so that nothing that came from outside can add a field of its own.
#pragma once
#include <concepts>
#include <string>
#include <string_view>

#include "sip/message.hpp"

namespace talky::sip {

class Builder {
 public:
  // "INVITE sip:bob@example.com SIP/2.0". The transaction layer adds Via; Max-Forwards is the caller's (or
  // the dialog's).
  static Builder request(Method method, std::string_view uri);
  static Builder request(std::string_view method, std::string_view uri);
  // A bare status line. An empty reason gives the usual phrase.
  static Builder response(int status, std::string_view reason = {});

  struct ReplyOptions {
    std::string_view to_tag = {}; // added to To if it has none; 100 needs none
    std::string_view reason = {}; // "" gives the usual phrase
  };
  // RFC 3261 8.2.6: status line, all Via, From, To, Call-ID, CSeq of the request as far as they are there.
  // The top Via gets `received` and, if asked for, `rport` (RFC 3581). Replies of 101 to 299 to INVITE,
  // SUBSCRIBE, NOTIFY and REFER get Record-Route, a 100 gets Timestamp.
  static Builder reply(const MessageView& request, const Endpoint& source, int status, ReplyOptions options);
  static Builder reply(const Incoming& request, int status, ReplyOptions options) {
    return reply(request.view(), request.flow().remote, status, options);
  }
  static Builder reply(const Incoming& request, int status) { return reply(request, status, ReplyOptions()); }

  Builder& header(HeaderId id, std::string_view value);
  Builder& header(std::string_view name, std::string_view value);
  Builder& header(HeaderId id, std::integral auto number) {
    return header(id, std::string_view(std::to_string(number)));
  }
  // Copies every field of this kind, each as it stands.
  Builder& copy(const MessageView& from, HeaderId id);

  // Both end the message; the builder is empty afterwards. Content-Length is always written.
  Message body(std::string_view content_type, std::string_view content);
  Message build();

 private:
  explicit Builder(std::size_t reserve) { out_.reserve(reserve); }
  void name(HeaderId id, std::string_view other);
  void text(std::string_view value); // guarded against line ends

  std::string out_;
};

// A message with a field put right behind its start line; for Via, which comes last when a request is sent.
Message with_top_header(const Message& message, HeaderId id, std::string_view value);

// "INVITE, ACK, BYE".
std::string to_string(MethodSet methods);

// "<sip:user@192.0.2.1:5060;transport=tcp>" for a Contact; user "" leaves it out, UDP leaves transport out.
std::string contact_for(const Flow& flow, std::string_view user);

} // namespace talky::sip
