// What the SIP tests share: addresses, requests as a softphone sends them, and a shorthand for time.
#pragma once
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "sip/message.hpp"

namespace talky::sip::test {

using namespace std::chrono_literals;

inline constexpr Time kStart = Time(Duration(std::chrono::hours(1)));

inline Flow udp(std::string_view remote = "192.0.2.7:40000") {
  return {Transport::udp, *Endpoint::parse("198.51.100.1:5060"), *Endpoint::parse(remote), 0};
}
inline Flow tcp(std::uint64_t connection = 1) {
  return {Transport::tcp, *Endpoint::parse("198.51.100.1:5060"), *Endpoint::parse("192.0.2.7:50000"),
          connection};
}

// A request of alice at 192.0.2.7; each part can be changed before text().
struct Request {
  std::string method = "INVITE";
  std::string uri = "sip:100@198.51.100.1";
  std::string via = "SIP/2.0/UDP 192.0.2.7:5060;rport;branch=z9hG4bK1";
  std::string from = "\"Alice\" <sip:alice@198.51.100.1>;tag=a1";
  std::string to = "<sip:100@198.51.100.1>";
  std::string call_id = "call-1@192.0.2.7";
  std::string cseq = "1";
  std::string contact = "<sip:alice@192.0.2.7:5060;ob>";
  std::vector<std::pair<std::string, std::string>> more; // further fields
  std::string type;
  std::string body;

  std::string text() const {
    std::string out = method + " " + uri + " SIP/2.0\r\n";
    const auto field = [&out](std::string_view name, const std::string& value) {
      if (!value.empty()) out.append(name).append(": ").append(value).append("\r\n");
    };
    field("Via", via);
    field("Max-Forwards", "70");
    field("From", from);
    field("To", to);
    field("Call-ID", call_id);
    if (!cseq.empty()) field("CSeq", cseq + " " + method);
    field("Contact", contact);
    for (const auto& [name, value] : more)
      field(name, value);
    field("Content-Type", type);
    return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  IncomingPtr incoming(const Flow& flow = udp(), Time now = kStart) const {
    auto message = Incoming::parse(text(), flow, now);
    REQUIRE(message.has_value());
    return *message;
  }
};

inline Request request(std::string method, std::string cseq = "1") {
  Request out;
  out.method = std::move(method);
  out.cseq = std::move(cseq);
  if (out.method == "BYE" || out.method == "CANCEL" || out.method == "ACK") out.contact.clear();
  return out;
}

} // namespace talky::sip::test
