// A telephone: its call in the worker's UserAgent, and its pair of RTP sockets.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "call/config.hpp"
#include "sip/flow.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/call/leg.hpp"
#include "sipd/messages/call_out.hpp"

namespace talky::sipd {

class SipLeg final : public Leg {
 public:
  SipLeg(CallHost& host, const sip::Flow& flow) : host_(host), flow_(flow) {}

  // Binds a pair of ports to the flow's local address. The error is a text for the log.
  tl::expected<void, std::string> open(MediaPort::Receive receive);
  sdp::LocalMedia media() const; // what is advertised, once it is open
  // Before the session begins: this party is called. accept() sends the INVITE, reject() before it nothing.
  void dial(call::InviteOptions invite, OutSlot slot);
  void send(const call::SendMedia& media);
  const Endpoint& local(bool is_rtcp) const { return port_->local(is_rtcp); }         // likewise
  std::uint16_t port() const { return port_ ? local(false).port : std::uint16_t{0}; } // 0: not open

  bool ring(Time now) override;
  Result<> accept(Duration ring_time, bool recording, Time now) override;
  Result<> reject(int status, Time now) override;
  void attach_bridge() override;
  Result<std::size_t> play(std::span<const std::int16_t> samples) override;
  std::uint64_t queued() const override;
  std::size_t talk_in(std::span<const std::int16_t> samples) override;
  std::optional<ipc::Cleared> clear(Time now) override;
  void duck(bool on) override;
  void mark(const std::string& name) override;
  std::optional<media::MediaQuality> quality() const override;
  Result<> dtmf(std::string_view digits, Duration length, Time now) override;
  Result<> hold(Time now) override;
  Result<> resume(Time now) override;
  Result<> transfer(std::string_view target, Time now) override;
  Result<> hangup(std::string_view reason, bool after_playout, Time now) override;
  std::string_view transport() const override { return sip::to_string(flow_.transport); }
  LegDetails details(const call::CallAnswered& event) const override;
  SipLeg* sip() override { return this; }
  bool is_called() const override { return slot_ != nullptr; }

 private:
  CallHost& host_;
  sip::Flow flow_;
  std::optional<call::InviteOptions> invite_; // until it is sent
  OutSlot slot_;                              // null where we were called
  std::unique_ptr<MediaPort> port_;
};

} // namespace talky::sipd
