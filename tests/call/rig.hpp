// A UserAgent in virtual time, and a phone that is written by hand: it sends the text that a test gives it.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "call/user_agent.hpp"
#include "core/bytes.hpp"
#include "rtp/packet.hpp"
#include "sip/message.hpp"

namespace talky::call::test {

using namespace std::chrono_literals;

inline const Endpoint kServerAddress{IpAddress::v4(127, 0, 0, 1), 5060};
inline const Endpoint kPhoneAddress{IpAddress::v4(127, 0, 0, 1), 5070};
inline const sdp::LocalMedia kServerMedia{IpAddress::v4(127, 0, 0, 1), 20000, 0};

inline sip::Flow udp(const Endpoint& remote = kPhoneAddress) {
  return {sip::Transport::udp, kServerAddress, remote, 0};
}
inline sip::Flow tcp(std::uint64_t connection = 1, std::uint16_t port = 40001) {
  return {sip::Transport::tcp, kServerAddress, {IpAddress::v4(127, 0, 0, 1), port}, connection};
}

inline constexpr std::string_view kOffer =
    "v=0\r\no=- 3972540000 3972540000 IN IP4 127.0.0.1\r\ns=pjmedia\r\nb=AS:84\r\n"
    "t=0 0\r\na=X-nat:0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"
    "c=IN IP4 127.0.0.1\r\nb=TIAS:64000\r\na=rtcp:4001 IN IP4 127.0.0.1\r\n"
    "a=sendrecv\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n";

// The offer with another direction, or without telephone-event.
inline std::string offer_with(std::string_view direction) {
  std::string text(kOffer);
  return text.replace(text.find("sendrecv"), 8, direction);
}
inline std::string offer_without_events() {
  std::string text(kOffer);
  text.replace(text.find(" 101"), 4, "");
  return text.substr(0, text.find("a=rtpmap:101"));
}

class Rig {
 public:
  explicit Rig(Config config = {}) : agent(std::move(config), Random(7)) {}

  UserAgent agent;
  Time now{1s};
  std::vector<sip::Datagram> sent; // SIP, in order
  std::vector<Output> events;      // all that owns its data
  std::vector<std::vector<std::byte>> rtp;
  std::vector<Endpoint> media_to;  // where RTP and RTCP went
  std::vector<std::int16_t> heard; // caller audio

  void receive(std::string_view bytes, const sip::Flow& flow = udp()) {
    agent.receive_sip(flow, bytes, now);
    drain();
  }
  void drain() {
    while (auto output = agent.poll()) {
      if (auto* const sip = std::get_if<SendSip>(&*output)) {
        sent.push_back(std::move(*sip));
      } else if (const auto* const media = std::get_if<SendMedia>(&*output)) {
        media_to.push_back(media->to);
        if (!media->is_rtcp) rtp.emplace_back(media->bytes.begin(), media->bytes.end());
      } else if (const auto* const audio = std::get_if<CallerAudio>(&*output)) {
        heard.insert(heard.end(), audio->frame.samples.begin(), audio->frame.samples.end());
      } else if (!std::holds_alternative<RecordedAudio>(*output)) {
        events.push_back(std::move(*output));
      }
    }
  }
  void advance(Duration by) {
    const Time until = now + by;
    for (auto due = agent.deadline(); due && *due <= until; due = agent.deadline()) {
      now = std::max(now, *due);
      agent.expire(now);
      drain();
    }
    now = until;
  }

  // The status of the last response that was sent, or the method of the last request.
  int status() const { return sent.empty() ? 0 : sip::MessageView::parse(sent.back().bytes)->status(); }
  std::string method() const {
    return sent.empty() ? "" : std::string(sip::MessageView::parse(sent.back().bytes)->method_text());
  }
  std::string header(std::string_view name) const {
    return sent.empty() ? ""
                        : std::string(sip::MessageView::parse(sent.back().bytes)->find(name).value_or(""));
  }
  std::string body() const {
    return sent.empty() ? "" : std::string(sip::MessageView::parse(sent.back().bytes)->body());
  }
  std::size_t count(std::string_view start) const { // SIP messages sent that begin so
    std::size_t n = 0;
    for (const auto& datagram : sent)
      n += datagram.bytes.starts_with(start) ? 1U : 0U;
    return n;
  }
  const std::string* find(std::string_view start) const { // the last that begins so
    const auto it = std::find_if(sent.rbegin(), sent.rend(),
                                 [&](const auto& datagram) { return datagram.bytes.starts_with(start); });
    return it == sent.rend() ? nullptr : &it->bytes;
  }
  template <class Event>
  const Event* last() const {
    const auto it = std::find_if(events.rbegin(), events.rend(),
                                 [](const Output& output) { return std::holds_alternative<Event>(output); });
    return it == events.rend() ? nullptr : &std::get<Event>(*it);
  }
  template <class Event>
  std::size_t count() const {
    std::size_t n = 0;
    for (const Output& event : events)
      n += std::holds_alternative<Event>(event) ? 1U : 0U;
    return n;
  }
  CallKey call() const { return last<IncomingCall>() ? last<IncomingCall>()->call : 0; }

  void accept(AcceptOptions options = {}) {
    options.media = kServerMedia;
    (void)agent.accept(call(), options, now);
    drain();
  }
  // All that a call leaves behind is gone after a while.
  bool clean() {
    advance(200s);
    return agent.calls() == 0 && agent.dialogs() == 0 && agent.transactions() == 0;
  }

  void receive_rtp(CallKey key, std::uint16_t sequence, std::uint8_t payload_type = 8,
                   const Endpoint& from = {IpAddress::v4(127, 0, 0, 1), 4000}) {
    std::vector<std::byte> packet;
    Writer out(packet);
    out.u8(0x80);
    out.u8(payload_type);
    out.u16(sequence);
    out.u32(std::uint32_t{160} * sequence);
    out.u32(0x1234);
    for (int i = 0; i < 160; ++i)
      out.u8(static_cast<std::uint8_t>(i / 8 % 2 == 0 ? 0x15 : 0x95)); // 500 Hz
    agent.receive_rtp(key, packet, from, false, now);
    drain();
  }
};

// One call of a phone, as text.
class Phone {
 public:
  explicit Phone(std::string call = "a84b4c76e66710", std::string transport = "UDP")
      : call_id_(std::move(call)), transport_(std::move(transport)) {}

  std::string to_tag;
  std::string uri = "sip:100@127.0.0.1:5060";
  std::string from = "\"Alice\" <sip:alice@127.0.0.1>;tag=9fxced76sl";
  std::string to = "<sip:100@127.0.0.1:5060>";

  std::string request(std::string_view method, int cseq, std::string_view extra = {},
                      std::string_view body = {}, std::string_view type = "application/sdp",
                      std::string branch = {}) {
    if (branch.empty()) branch = fmt::format("z9hG4bKPj{}{}", call_id_, ++branches_);
    last_branch = branch;
    std::string text = fmt::format(
        "{} {} SIP/2.0\r\nVia: SIP/2.0/{} 127.0.0.1:5070;rport;branch={}\r\nMax-Forwards: 70\r\n"
        "From: {}\r\nTo: {}{}\r\nContact: \"Alice\" <sip:alice@127.0.0.1:5070;ob>\r\nCall-ID: {}\r\n"
        "CSeq: {} {}\r\nUser-Agent: MicroSIP/3.21.3\r\n{}",
        method, uri, transport_, branch, from, to, to_tag.empty() ? "" : ";tag=" + to_tag, call_id_, cseq,
        method, extra);
    if (!body.empty()) text += fmt::format("Content-Type: {}\r\n", type);
    return text + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
  }
  std::string invite(int cseq = 1, std::string_view body = kOffer, std::string_view extra = {}) {
    std::string head =
        "Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r\n"
        "Supported: replaces, 100rel, timer, norefersub\r\n";
    std::string text = request("INVITE", cseq, head.append(extra), body);
    invite_branch = last_branch;
    return text;
  }
  std::string cancel(int cseq = 1) { return request("CANCEL", cseq, {}, {}, {}, invite_branch); }
  std::string ack(int cseq = 1, std::string_view body = {}) { return request("ACK", cseq, {}, body); }
  // A response to a request of the agent's.
  static std::string response(std::string_view request, int status, std::string_view extra = {},
                              std::string_view body = {}, std::string_view to_tag = "peer1") {
    const auto view = sip::MessageView::parse(request);
    std::string text = fmt::format("SIP/2.0 {} X\r\n", status);
    for (const sip::Header& header : view->headers()) {
      switch (header.id) {
        case sip::HeaderId::via:
        case sip::HeaderId::from:
        case sip::HeaderId::call_id:
        case sip::HeaderId::cseq: text += fmt::format("{}: {}\r\n", header.name, header.value); break;
        case sip::HeaderId::to:
          text += fmt::format("To: {}{}\r\n", header.value,
                              header.value.find(";tag=") == std::string_view::npos && !to_tag.empty()
                                  ? fmt::format(";tag={}", to_tag)
                                  : "");
          break;
        default: break;
      }
    }
    text.append(extra);
    if (!body.empty()) text += "Content-Type: application/sdp\r\n";
    return text + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
  }
  void learn_tag(const Rig& rig) {
    to_tag = std::string(sip::MessageView::parse(rig.sent.back().bytes)->to_tag());
  }

  std::string invite_branch, last_branch;

 private:
  std::string call_id_, transport_;
  int branches_ = 0;
};

// A call that stands: INVITE, 200, ACK.
inline CallKey establish(Rig& rig, Phone& phone, std::string_view sdp = kOffer, std::string_view extra = {}) {
  rig.receive(phone.invite(1, sdp, extra));
  rig.accept();
  phone.learn_tag(rig);
  rig.receive(phone.ack());
  return rig.call();
}

} // namespace talky::call::test
