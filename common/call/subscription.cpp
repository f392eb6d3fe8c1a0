#include "call/subscription.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "call/protocol.hpp"
#include "core/ascii.hpp"
#include "core/fnv.hpp"

namespace talky::call {
namespace {

constexpr std::uint32_t kLongest = 3600; // seconds

std::string xml_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

struct State {
  std::string_view type;
  std::string body;
};

State state_of(std::string_view event, std::string_view resource) {
  if (ascii::iequals(event, "message-summary")) {
    return {
        "application/simple-message-summary",
        fmt::format("Messages-Waiting: no\r\nMessage-Account: {}\r\nVoice-Message: 0/0 (0/0)\r\n", resource)};
  }
  return {"application/pidf+xml",
          fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
                      "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{}\">\r\n"
                      " <tuple id=\"talky\"><status><basic>open</basic></status></tuple>\r\n</presence>\r\n",
                      xml_escape(resource))};
}

} // namespace

std::string subscription_tag(const sip::MessageView& request) {
  Fnv1a hash;
  const auto mix = [&hash](std::string_view text) {
    hash.text(text);
    hash.byte(0xff);
  };
  mix(request.call_id());
  mix(request.from_tag());
  return fmt::format("sub{:016x}", hash.value());
}

SubscriptionAnswer answer_subscribe(const sip::Incoming& request, std::string_view product, Time now) {
  const sip::MessageView& view = request.view();
  const std::string tag = subscription_tag(view);
  const auto event = sip::TokenParams::parse(view.value(sip::HeaderId::event));
  const bool known =
      event && (ascii::iequals(event->token, "presence") || ascii::iequals(event->token, "message-summary"));
  const auto contact = view.contact();
  const int status = !known ? 489 : contact ? 200 : 400;
  sip::Builder response = sip::Builder::reply(request, status, {tag, {}});
  if (!product.empty()) response.header(sip::HeaderId::server, product);
  response.header(sip::HeaderId::allow_events, kAllowedEvents);
  if (status != 200) return {response.build(), std::nullopt};

  const std::uint32_t expires =
      std::min(sip::parse_delta_seconds(view.value(sip::HeaderId::expires)).value_or(kLongest), kLongest);
  const std::string own_contact = sip::contact_for(request.flow(), "");
  response.header(sip::HeaderId::expires, expires).header(sip::HeaderId::contact, own_contact);

  const auto to = view.to();
  sip::Builder notify = sip::Builder::request(sip::Method::notify, contact->uri.text);
  for (const std::string_view route : view.values(sip::HeaderId::record_route))
    notify.header(sip::HeaderId::route, route);
  std::string from(view.value(sip::HeaderId::to));
  if (view.to_tag().empty()) from += ";tag=" + tag;
  // NOTIFYs of a dialog count upwards (RFC 3261 12.2.1.1): so do the milliseconds.
  const auto cseq =
      static_cast<std::uint64_t>(std::max<std::int64_t>(to_us(now), 0)) / 1000 % 0x7fff'0000 + 1;
  notify.header(sip::HeaderId::max_forwards, 70)
      .header(sip::HeaderId::from, from)
      .header(sip::HeaderId::to, view.value(sip::HeaderId::from))
      .header(sip::HeaderId::call_id, view.call_id())
      .header(sip::HeaderId::cseq, fmt::format("{} NOTIFY", cseq))
      .header(sip::HeaderId::contact, own_contact)
      .header(sip::HeaderId::event, view.value(sip::HeaderId::event))
      .header(sip::HeaderId::subscription_state, expires == 0 ? std::string("terminated;reason=timeout")
                                                              : fmt::format("active;expires={}", expires));
  if (!product.empty()) notify.header(sip::HeaderId::user_agent, product);
  const State state = state_of(event->token, to ? to->uri.text : std::string_view{});
  return {response.build(), notify.body(state.type, state.body)};
}

} // namespace talky::call
