// Polite answers to SUBSCRIBE (RFC 6665) without keeping subscriptions: presence (RFC 3856) and
// message-summary (RFC 3842) are granted, and each SUBSCRIBE is followed by one NOTIFY that says "open" and
// "no messages". The To tag of the dialog is made from Call-ID and From tag, so that a refresh is known
// again; nothing ever changes, so nothing has to be remembered.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "sip/builder.hpp"
#include "sip/message.hpp"

namespace talky::call {

// The To tag that a subscription of this dialog has.
std::string subscription_tag(const sip::MessageView& request);

struct SubscriptionAnswer {
  sip::Message response;
  std::optional<sip::Message> notify; // to be sent to the source after the response
};
SubscriptionAnswer answer_subscribe(const sip::Incoming& request, std::string_view product, Time now);

} // namespace talky::call
