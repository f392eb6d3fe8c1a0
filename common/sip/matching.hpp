// The keys by which messages find their transactions (RFC 3261 17.1.3, 17.2.3, 8.2.2.2). Internal to the
// layer.
#pragma once
#include <string>
#include <string_view>

#include "sip/message.hpp"

namespace talky::sip {

// Of a request: branch, sent-by and method, where ACK counts as INVITE; for an RFC 2543 peer without a magic
// cookie the Request-URI, From tag, Call-ID, CSeq number and the whole Via. `method` stands in for the
// message's own, so that a CANCEL finds its INVITE. "" if the top Via cannot be read.
std::string server_key(const MessageView& request, Method method);

// Of a response, and of a request of ours: branch and CSeq method.
std::string client_key(std::string_view branch, std::string_view method);

// The same for every copy of a request that arrives by another path: From tag, Call-ID, CSeq.
std::string merge_key(const MessageView& request);

// The To tag of a response as written by Builder; "" if there is none.
std::string_view to_tag_of(std::string_view response_bytes);

// The method of a request, the status of a response; "" and 0 if it is the other.
std::string_view method_of(std::string_view message_bytes);
int status_of(std::string_view message_bytes);

} // namespace talky::sip
