// One call at the rim: its RTP sockets, its bridge, its recording, and its two log lines.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bridge.hpp"
#include "call/events.hpp"
#include "net/udp.hpp"
#include "recorder.hpp"
#include "target.hpp"

namespace talky::sipd {

class Worker;

class Session : public BridgeHost {
 public:
  Session(Worker& worker, call::IncomingCall incoming, const Target& target, std::string uuid);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void begin(); // finds ports and calls the bridge; answers or rejects, now or later

  // What the UserAgent tells of this call.
  void answered(const call::CallAnswered& event);
  void caller_audio(const call::CallerFrame& frame) { bridge_->caller_audio(frame.samples); }
  void recorded(const call::RecordingFrame& frame);
  void dtmf(const call::DtmfPressed& event);
  void mark(const call::MarkPassed& event);
  void held(bool held);
  void transfer_failed(const call::TransferFailed& event);
  void ended(const call::CallEnded& event);
  void send(const call::SendMedia& media);
  // For the pcap.
  void sip(const sip::Flow& flow, std::string_view bytes, bool incoming, std::int64_t time_us);

  const std::string& call_id() const { return incoming_.call_id; }

  // BridgeHost
  net::Loop& loop() override;
  const ipc::Start& about() const override { return about_; }
  void ready() override;
  void failed(std::string_view why, int status) override;
  std::size_t play(std::span<const std::int16_t> samples) override;
  std::uint64_t queued() const override;
  ipc::Cleared clear() override;
  void mark(const std::string& name) override;
  void send_dtmf(const ipc::SendDtmf& dtmf) override;
  void hangup(std::string_view reason) override;
  void transfer(const std::string& to) override;
  void log(log::Level level, log::Line line) override;

 private:
  bool open_media();
  void reject(int status, std::string_view why);
  std::unique_ptr<Bridge> make_bridge();
  void note(const ipc::ToAgent& message);
  void note(std::string_view kind, const std::string& json);
  void receive(const net::UdpSocket::Datagram& datagram, bool is_rtcp);

  Worker& worker_;
  call::IncomingCall incoming_;
  const Target target_;
  ipc::Start about_;
  std::unique_ptr<Bridge> bridge_;
  std::unique_ptr<Recorder::Call> recording_;
  std::optional<net::UdpSocket> rtp_, rtcp_;
  std::uint16_t port_ = 0;
  Time began_;
  net::Timer ringer_; // 180 if the bridge takes its time
  std::string failure_;
  bool accepted_ = false;
  bool answered_ = false;
  bool over_ = false;
};

} // namespace talky::sipd
