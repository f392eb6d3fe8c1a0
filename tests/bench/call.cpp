// What a tick of a call costs a UserAgent that has many of them: a packet in, 20 ms of sound to the agent,
// the same sound back, a packet out. One call has all it needs in the processor's caches, a thousand have
// not: the difference between the rows is what a call's memory costs in time.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "call/user_agent.hpp"
#include "rtp/packet.hpp"

namespace {

using namespace talky;
using namespace talky::call;

const Endpoint kPeer{IpAddress::v4(192, 0, 2, 1), 5060};
const Endpoint kOurs{IpAddress::v4(192, 0, 2, 2), 5060};
constexpr auto kTick = std::chrono::milliseconds(20);

class Agent {
 public:
  explicit Agent(std::size_t calls) : agent_(config(calls), Random(1)) {
    for (std::size_t i = 0; i < calls; ++i)
      answer(i);
    payload_.assign(160, std::byte{0x42});
  }

  // Every call's packet, and then what is due: 20 ms of all calls.
  void tick() {
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      rtp::build({0, false, sequence_, timestamp_, static_cast<std::uint32_t>(i)}, payload_, wire_);
      agent_.receive_rtp(calls_[i], wire_, media_peer(i), false, now_);
      drain();
    }
    ++sequence_;
    timestamp_ += 160;
    now_ += kTick;
    agent_.expire(now_);
    drain();
  }

  std::uint64_t sent() const { return sent_; }

 private:
  static Config config(std::size_t calls) {
    Config config;
    config.max_calls = config.max_calls_per_source = calls;
    config.max_pending_per_source = 2 * calls;
    return config;
  }

  static Endpoint media_peer(std::size_t i) { return {kPeer.ip, static_cast<std::uint16_t>(10'000 + 2 * i)}; }

  void answer(std::size_t i) {
    const auto request = [&](std::string_view method, int cseq_of, const std::string& to_tag) {
      return fmt::format(
          "{0} sip:100@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{0}{1}\r\nMax-Forwards: "
          "70\r\n"
          "From: <sip:a@192.0.2.1>;tag=t{1}\r\nTo: <sip:100@192.0.2.2>{2}\r\nCall-ID: c{1}\r\nCSeq: {3} "
          "{0}\r\n"
          "Contact: <sip:a@192.0.2.1>\r\n",
          method, i, to_tag.empty() ? "" : ";tag=" + to_tag, cseq_of);
    };
    const std::string sdp = fmt::format(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n",
        media_peer(i).port);
    const sip::Flow flow{sip::Transport::udp, kOurs, kPeer, 0};
    agent_.receive_sip(
        flow,
        request("INVITE", 1, "") +
            fmt::format("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{}", sdp.size(), sdp),
        now_);
    drain();
    if (calls_.size() != i + 1) throw std::runtime_error("the call was refused");
    AcceptOptions options;
    options.media = {kOurs.ip, static_cast<std::uint16_t>(20'000 + 2 * i), 0};
    if (!agent_.accept(calls_[i], options, now_) || !agent_.attach_bridge(calls_[i]))
      throw std::runtime_error("the call cannot be accepted");
    drain();
    agent_.receive_sip(flow, request("ACK", 1, to_tag_) + "Content-Length: 0\r\n\r\n", now_);
    drain();
  }

  void drain() {
    while (const auto output = agent_.poll()) {
      if (const auto* const audio = std::get_if<CallerAudio>(&*output)) {
        (void)agent_.play(audio->call, audio->frame.samples);
      } else if (std::holds_alternative<SendMedia>(*output)) {
        ++sent_;
      } else if (const auto* const incoming = std::get_if<IncomingCall>(&*output)) {
        calls_.push_back(incoming->call);
      } else if (const auto* const sip = std::get_if<SendSip>(&*output)) {
        const std::size_t to = sip->bytes.find("\r\nTo: ");
        const std::size_t tag = sip->bytes.find(";tag=", to);
        if (to != std::string::npos && tag != std::string::npos)
          to_tag_ = sip->bytes.substr(tag + 5, sip->bytes.find("\r\n", tag) - tag - 5);
      }
    }
  }

  UserAgent agent_;
  Time now_ = Time(std::chrono::hours(1));
  std::vector<CallKey> calls_;
  std::string to_tag_;
  std::uint16_t sequence_ = 1;
  std::uint32_t timestamp_ = 160;
  std::uint64_t sent_ = 0;
  std::vector<std::byte> payload_, wire_;
};

void echo(benchmark::State& state) {
  Agent agent(static_cast<std::size_t>(state.range(0)));
  for (int i = 0; i < 50; ++i)
    agent.tick();
  const std::uint64_t before = agent.sent();
  for ([[maybe_unused]] auto _ : state)
    agent.tick();
  const auto expected = static_cast<std::uint64_t>(state.iterations() * state.range(0));
  if (agent.sent() - before < expected) state.SkipWithError("packets are missing");
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetLabel("items: a call's 20 ms");
}
BENCHMARK(echo)->Arg(1)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

} // namespace
