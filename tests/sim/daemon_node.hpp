// talky-sipd's calls as a node of the simulated network: Session, legs and agent's side as they are, on a
// CallHost with a clock of its own. SIP on port 5060, RTP on ports from 20000 up. What stands behind a call
// is what the test makes; everything that was reported of the calls is kept.
#pragma once
#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/overloaded.hpp"
#include "sim/world.hpp"
#include "sipd/call/session.hpp"
#include "sipd/call/sip_leg.hpp"
#include "sipd/call/web_leg.hpp"

namespace talky::sim {

// What was reported of the calls, in order.
struct Reported {
  std::shared_ptr<const sipd::CallFacts> call;
  sipd::CallEvent event;
  Time at;
};

class DaemonNode final : public Node, public sipd::CallHost {
 public:
  using MakeBridge = std::function<std::unique_ptr<sipd::Bridge>(sipd::BridgeHost&)>;

  DaemonNode(const IpAddress& address, call::Config config, std::uint64_t seed, MakeBridge make)
      : agent_(std::move(config), Random(seed)),
        address_(address),
        random_(seed + 1),
        make_(std::move(make)) {}
  ~DaemonNode() override { sessions_.clear(); }

  sipd::CallOptions settings;
  bool refers = true;                          // whether it follows a REFER
  std::shared_ptr<const audio::Samples> sorry; // see apology()
  std::vector<Reported> reported;
  std::vector<std::int16_t> recording; // of all calls, one after the other: stereo

  std::size_t calls() const { return sessions_.size(); }
  // The session of the only call; null without one.
  sipd::Session* session() const { return sessions_.empty() ? nullptr : sessions_.begin()->second.get(); }
  template <class Event>
  std::vector<Event> all() const {
    std::vector<Event> out;
    for (const Reported& one : reported) {
      if (const auto* event = std::get_if<Event>(&one.event)) out.push_back(*event);
    }
    return out;
  }
  // The messages to the agent, without those that are many.
  std::vector<std::string> told() const {
    std::vector<std::string> out;
    for (const auto& message : all<sipd::event::AgentTold>())
      out.push_back(ipc::to_json(message.message));
    return out;
  }
  sipd::Session& call_of_browser(sipd::WebCall call, Time now) {
    now_ = now;
    call::IncomingCall incoming;
    incoming.call = (call::CallKey{1} << 63) + ++web_calls_;
    incoming.from = "sip:browser@10.0.0.9";
    incoming.to = incoming.request_uri = "sip:100@10.0.0.2";
    incoming.dialled = call.to;
    auto leg = std::make_unique<sipd::WebLeg>(*this, std::move(call), nullptr, now_);
    sipd::WebLeg& line = *leg;
    const auto session = open(std::move(leg), incoming);
    line.serve(*session, session->uuid());
    session->begin(now_);
    return *session;
  }

  // ---- Node
  void receive(const Packet& packet, Time now) override {
    now_ = now;
    if (packet.to.port == 5060) {
      agent_.receive_sip({sip::Transport::udp, packet.to, packet.from, 0}, packet.text(), now);
    } else {
      const auto port = ports_.find(static_cast<std::uint16_t>(packet.to.port & ~1U));
      if (port != ports_.end()) port->second({packet.bytes, packet.from, now, packet.to.port % 2 != 0});
    }
    drain();
  }
  void expire(Time now) override {
    now_ = now;
    agent_.expire(now);
    const auto all = timers_;
    for (Timer* timer : all) {
      if (timers_.contains(timer) && timer->due && *timer->due <= now) {
        timer->due.reset();
        const auto callback = timer->callback; // it may destroy the timer
        callback(now);
      }
    }
    drain();
  }
  std::optional<Time> deadline() const override {
    auto due = agent_.deadline();
    for (const Timer* timer : timers_)
      due = earlier(due, timer->due);
    return due;
  }
  void drain(const Send& send, Time now) override {
    now_ = now;
    do {
      drain();
      for (const auto& task : std::exchange(tasks_, {}))
        task(now);
      drain();
      ended_.clear();
    } while (!tasks_.empty());
    for (Packet& packet : std::exchange(outbox_, {}))
      send(std::move(packet));
  }

  // ---- CallHost
  std::int64_t wall_us(Time at) const override { return 1'795'000'000'000'000 + to_us(at); }
  void post(sipd::Task task) override { tasks_.push_back(std::move(task)); }
  std::unique_ptr<sipd::CallTimer> timer(sipd::Task callback) override {
    return std::make_unique<Timer>(timers_, std::move(callback));
  }
  Random& random() override { return random_; }
  const sipd::CallOptions& options() const override { return settings; }
  std::unique_ptr<sipd::CallSink> open_sinks(std::shared_ptr<const sipd::CallFacts> call,
                                             Time /*now*/) override {
    return std::make_unique<Sink>(*this, std::move(call));
  }
  call::UserAgent& user_agent() override { return agent_; }
  void drain() override {
    if (std::exchange(draining_, true)) return;
    while (const auto output = agent_.poll())
      std::visit([this](const auto& e) { act(e); }, *output);
    draining_ = false;
  }
  std::string new_call_id() override { return random_.uuid(); }
  void rename(call::CallKey from, call::CallKey to) override {
    adopt(to, from);
    sessions_.erase(from);
  }
  void adopt(call::CallKey call, call::CallKey of) override {
    const auto session = sessions_.find(of);
    if (session != sessions_.end()) sessions_.emplace(call, session->second);
  }
  void expect_sip(const std::string& /*call_id*/, sipd::Session& /*session*/) override {}
  void forget_sip(const std::string& /*call_id*/) override {}
  void leg_ended(const call::CallEnded& event) override {
    post([this, event](Time) { act(event); });
  }
  tl::expected<std::unique_ptr<sipd::MediaPort>, std::string> open_media(
      const IpAddress& ip, sipd::MediaPort::Receive receive) override {
    if (ip != address_) return tl::unexpected(std::string("RTP socket: no such address"));
    next_port_ = static_cast<std::uint16_t>(next_port_ + 2);
    ports_[next_port_] = std::move(receive);
    return std::make_unique<Port>(*this, next_port_);
  }
  std::unique_ptr<sipd::NameLookup> look_up(const std::string& /*host*/, std::uint16_t /*port*/,
                                            Looked done) override {
    post([done = std::move(done)](Time now) { done(std::nullopt, now); });
    return nullptr;
  }
  bool listens_on(const Endpoint& endpoint) const override { return endpoint == Endpoint{address_, 5060}; }
  std::optional<Endpoint> local_towards(const Endpoint& /*remote*/) const override {
    return Endpoint{address_, 5060};
  }
  bool permits(std::string_view /*uri*/, Wish /*wish*/) const override { return refers; }
  bool leads_nowhere(const sip::Uri& /*uri*/) const override { return false; }
  std::optional<call::Credentials> credentials(std::string_view /*host*/) const override {
    return std::nullopt;
  }
  tl::expected<std::unique_ptr<sipd::Bridge>, std::string> make_bridge(
      sipd::BridgeHost& host, const sipd::Target& /*target*/) override {
    auto bridge = make_ ? make_(host) : nullptr;
    if (!bridge) return tl::unexpected(std::string("nothing stands there"));
    return bridge;
  }
  std::shared_ptr<const audio::Samples> apology() override { return sorry; }

 private:
  struct Timer final : sipd::CallTimer {
    Timer(std::set<Timer*>& all, sipd::Task what) : timers(all), callback(std::move(what)) {
      timers.insert(this);
    }
    ~Timer() override { timers.erase(this); }
    void at(Time when) override { due = when; }
    void cancel() override { due.reset(); }
    std::set<Timer*>& timers;
    sipd::Task callback;
    std::optional<Time> due;
  };
  struct Port final : sipd::MediaPort {
    Port(DaemonNode& its_node, std::uint16_t port)
        : node(its_node),
          rtp{node.address_, port},
          rtcp{node.address_, static_cast<std::uint16_t>(port + 1)} {}
    ~Port() override { node.ports_.erase(rtp.port); }
    void send(Bytes bytes, const Endpoint& to, bool is_rtcp) override {
      node.outbox_.push_back({local(is_rtcp), to, {bytes.begin(), bytes.end()}});
    }
    const Endpoint& local(bool is_rtcp) const override { return is_rtcp ? rtcp : rtp; }
    DaemonNode& node;
    Endpoint rtp, rtcp;
  };
  struct Sink final : sipd::CallSink {
    Sink(DaemonNode& its_node, std::shared_ptr<const sipd::CallFacts> about)
        : node(its_node), call(std::move(about)) {}
    void happened(const sipd::CallEvent& event, const sipd::Moment& now) override {
      node.reported.push_back({call, event, now.at});
    }
    void log(log::Level /*level*/, log::Line /*line*/) override {}
    bool wants_audio() const override { return true; }
    void audio(std::uint64_t first_sample, std::span<const std::int16_t> stereo) override {
      node.recording.resize(2 * first_sample);
      node.recording.insert(node.recording.end(), stereo.begin(), stereo.end());
    }
    DaemonNode& node;
    std::shared_ptr<const sipd::CallFacts> call;
  };

  std::shared_ptr<sipd::Session> open(std::unique_ptr<sipd::Leg> leg, const call::IncomingCall& incoming) {
    const auto session = std::make_shared<sipd::Session>(*this, std::move(leg), incoming,
                                                         *sipd::Target::parse("echo"), random_.uuid(), now_);
    sessions_.emplace(incoming.call, session);
    return session;
  }
  template <class Event>
  sipd::Session* find(const Event& event) {
    const auto it = sessions_.find(event.call);
    return it == sessions_.end() ? nullptr : it->second.get();
  }

  void act(const call::SendSip& e) {
    const Bytes bytes = as_bytes(e.bytes);
    outbox_.push_back({e.flow.local, e.flow.remote, {bytes.begin(), bytes.end()}});
  }
  void act(const call::SendMedia& e) {
    if (auto* session = find(e)) session->send(e, now_);
  }
  void act(const call::IncomingCall& e) {
    if (e.replaces != 0) {
      const auto replaced = sessions_.find(e.replaces);
      if (replaced == sessions_.end()) return agent_.reject(e.call, 481, "", now_), void();
      const auto session = replaced->second;
      sessions_.emplace(e.call, session);
      return session->replaced_by(e, now_);
    }
    open(std::make_unique<sipd::SipLeg>(*this, e.flow), e)->begin(now_);
  }
  void act(const call::CallAnswered& e) {
    if (auto* session = find(e)) session->answered(e, now_);
  }
  void act(const call::CallRinging& e) {
    if (auto* session = find(e)) session->ringing(e, now_);
  }
  void act(const call::CallerAudio& e) {
    if (auto* session = find(e)) session->caller_audio(e, now_);
  }
  void act(const call::RecordedAudio& e) {
    if (auto* session = find(e)) session->recorded(e);
  }
  void act(const call::DtmfPressed& e) {
    if (auto* session = find(e)) session->dtmf(e, now_);
  }
  void act(const call::MarkPassed& e) {
    if (auto* session = find(e)) session->mark(e, now_);
  }
  void act(const call::Held& e) {
    if (auto* session = find(e)) session->held(e.call, true, now_);
  }
  void act(const call::Resumed& e) {
    if (auto* session = find(e)) session->held(e.call, false, now_);
  }
  void act(const call::TransferRequested& e) {
    if (auto* session = find(e)) session->transfer_requested(e, now_);
  }
  void act(const call::TransferFailed& e) {
    if (auto* session = find(e)) session->transfer_failed(e, now_);
  }
  void act(const call::CallRedirected& e) {
    if (auto* session = find(e)) session->redirected(e, now_);
  }
  void act(const call::CallEnded& e) {
    const auto it = sessions_.find(e.call);
    if (it == sessions_.end()) return;
    const auto session = std::move(it->second);
    sessions_.erase(it);
    session->ended(e, now_);
    ended_.push_back(session); // one of its callbacks may be what brought us here
  }
  template <class Other>
  void act(const Other& /*output*/) {}

  call::UserAgent agent_;
  IpAddress address_;
  Random random_;
  MakeBridge make_;
  Time now_{};
  std::set<Timer*> timers_;
  std::vector<sipd::Task> tasks_;
  std::map<std::uint16_t, sipd::MediaPort::Receive> ports_;
  std::uint16_t next_port_ = 19'998;
  std::vector<Packet> outbox_;
  std::map<call::CallKey, std::shared_ptr<sipd::Session>> sessions_;
  std::vector<std::shared_ptr<sipd::Session>> ended_;
  call::CallKey web_calls_ = 0;
  bool draining_ = false;
};

} // namespace talky::sim
