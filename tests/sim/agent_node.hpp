// A UserAgent as a node of the simulated network: one address, SIP on port 5060, RTP on ports from 20000 up.
// It writes everything that it sees and sends into a log, which is what two runs are compared by.
#pragma once
#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "call/user_agent.hpp"
#include "sim/world.hpp"

namespace talky::sim {

class Log {
 public:
  void add(Time now, std::string_view who, std::string_view what) {
    text_ += fmt::format("{:>10} {} {}\n", to_us(now), who, what);
  }
  const std::string& text() const { return text_; }
  static std::uint64_t hash(std::string_view bytes, std::uint64_t seed = 14695981039346656037U) {
    for (const char c : bytes)
      seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return seed;
  }

 private:
  std::string text_;
};

class AgentNode : public Node {
 public:
  // What a test wants to know and do: called for every event that owns its data, after it was logged.
  using Handler = std::function<void(call::Output&, Time)>;

  AgentNode(std::string name, const IpAddress& address, call::Config config, std::uint64_t seed, Log& log)
      : agent(std::move(config), Random(seed)), name_(std::move(name)), address_(address), log_(log) {}

  call::UserAgent agent;
  Handler on_event;
  std::map<call::CallKey, std::vector<std::int16_t>> heard;

  sip::Flow flow_to(const IpAddress& peer) const {
    return {sip::Transport::udp, {address_, 5060}, {peer, 5060}, 0};
  }
  // Ports of their own for one more call. They are bound to it by bind().
  sdp::LocalMedia next_media() {
    next_port_ = static_cast<std::uint16_t>(next_port_ + 2);
    return {address_, next_port_, 0};
  }
  void bind(const sdp::LocalMedia& media, call::CallKey key) {
    ports_[media.rtp_port] = key;
    media_[key].port = media.rtp_port;
  }

  void receive(const Packet& packet, Time now) override {
    if (packet.to.port == 5060) {
      agent.receive_sip({sip::Transport::udp, packet.to, packet.from, 0}, packet.text(), now);
      return;
    }
    const bool is_rtcp = packet.to.port % 2 != 0;
    const auto port = ports_.find(static_cast<std::uint16_t>(packet.to.port & ~1U));
    if (port != ports_.end()) agent.receive_rtp(port->second, packet.bytes, packet.from, is_rtcp, now);
  }
  void expire(Time now) override { agent.expire(now); }
  std::optional<Time> deadline() const override { return agent.deadline(); }
  void drain(const Send& send, Time now) override {
    while (auto output = agent.poll())
      handle(*output, send, now);
  }

 private:
  struct Media {
    std::uint16_t port = 0;
    std::uint64_t packets = 0, hash = 0, heard_hash = 0;
  };

  void handle(call::Output& output, const Send& send, Time now) {
    if (auto* const out = std::get_if<call::SendSip>(&output)) {
      log_.add(now, name_,
               fmt::format("sends {} {:016x}", out->bytes.substr(0, out->bytes.find('\r')),
                           Log::hash(out->bytes)));
      const Bytes bytes = as_bytes(out->bytes);
      send({out->flow.local, out->flow.remote, {bytes.begin(), bytes.end()}});
    } else if (const auto* const media = std::get_if<call::SendMedia>(&output)) {
      Media& own = media_[media->call];
      ++own.packets;
      own.hash = Log::hash(as_text(media->bytes), own.hash);
      send({{address_, static_cast<std::uint16_t>(own.port + (media->is_rtcp ? 1 : 0))},
            media->to,
            {media->bytes.begin(), media->bytes.end()}});
    } else if (const auto* const audio = std::get_if<call::CallerAudio>(&output)) {
      Media& own = media_[audio->call];
      own.heard_hash = Log::hash(as_text(std::as_bytes(audio->frame.samples)), own.heard_hash);
      auto& samples = heard[audio->call];
      samples.insert(samples.end(), audio->frame.samples.begin(), audio->frame.samples.end());
      if (on_event) on_event(output, now);
    } else if (!std::holds_alternative<call::RecordedAudio>(output)) {
      describe(output, now);
      if (on_event) on_event(output, now);
    }
  }

  void describe(const call::Output& output, Time now) {
    if (const auto* const incoming = std::get_if<call::IncomingCall>(&output)) {
      log_.add(now, name_, fmt::format("call {} comes from {}", incoming->call, incoming->from));
    } else if (const auto* const ringing = std::get_if<call::CallRinging>(&output)) {
      log_.add(now, name_, fmt::format("call {} rings {}", ringing->call, ringing->status));
    } else if (const auto* const answered = std::get_if<call::CallAnswered>(&output)) {
      log_.add(now, name_, fmt::format("call {} is answered {}", answered->call, answered->plan.codec));
    } else if (const auto* const changed = std::get_if<call::MediaChanged>(&output)) {
      log_.add(now, name_,
               fmt::format("call {} changes to {} {}", changed->call, changed->plan.codec,
                           to_string(changed->plan.direction)));
    } else if (const auto* const held = std::get_if<call::Held>(&output)) {
      log_.add(now, name_, fmt::format("call {} is held", held->call));
    } else if (const auto* const resumed = std::get_if<call::Resumed>(&output)) {
      log_.add(now, name_, fmt::format("call {} is resumed", resumed->call));
    } else if (const auto* const dtmf = std::get_if<call::DtmfPressed>(&output)) {
      log_.add(now, name_,
               fmt::format("call {} hears key {} {} ms", dtmf->call, dtmf->digit, dtmf->duration_ms));
    } else if (const auto* const mark = std::get_if<call::MarkPassed>(&output)) {
      log_.add(now, name_,
               fmt::format("call {} passes {} at {}", mark->call, mark->name, mark->samples_played));
    } else if (const auto* const ended = std::get_if<call::CallEnded>(&output)) {
      const Media& own = media_[ended->call];
      log_.add(now, name_,
               fmt::format("call {} ends {} {} by {} sent {} {:016x} heard {:016x}", ended->call,
                           to_string(ended->cause), ended->status, ended->by_peer ? "peer" : "us",
                           own.packets, own.hash, own.heard_hash));
    }
  }

  std::string name_;
  IpAddress address_;
  Log& log_;
  std::uint16_t next_port_ = 19'998;
  std::map<std::uint16_t, call::CallKey> ports_;
  std::map<call::CallKey, Media> media_;
};

} // namespace talky::sim
