// Whole calls of the daemon's logic in virtual time: telephones and browsers, the session, its agent's side,
// takeovers and transfers, over a network that loses, delays and reorders.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sim/agent_node.hpp"
#include "sim/daemon_node.hpp"
#include "sim/signal.hpp"

namespace talky::sim {
namespace {

using namespace std::chrono_literals;
using sipd::Part;
namespace event = sipd::event;

inline constexpr IpAddress kPhone{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};
inline constexpr IpAddress kDaemon{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}};
inline constexpr IpAddress kOther{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 3}};

// What the agent of a call saw, and its way to do something. It outlives its bridge.
struct Script {
  sipd::BridgeHost* host = nullptr;
  bool answers = true;
  std::vector<std::int16_t> heard;
  std::vector<std::string> seen; // "hold", "cleared 160 320" ...
};

class ScriptBridge final : public sipd::Bridge {
 public:
  ScriptBridge(sipd::BridgeHost& host, Script& script) : script_(script) { script_.host = &host; }
  ~ScriptBridge() override { script_.host = nullptr; }
  void start(Time now) override {
    if (script_.answers) script_.host->ready(now);
  }
  void caller_audio(std::span<const std::int16_t> samples, Time /*now*/) override {
    script_.heard.insert(script_.heard.end(), samples.begin(), samples.end());
  }
  void dtmf(const ipc::DtmfReceived& key) override { see(fmt::format("key {}", key.digit)); }
  void mark_played(const ipc::MarkPlayed& mark) override {
    see(fmt::format("mark {} {}", mark.name, mark.played));
  }
  void cleared(const ipc::Cleared& cleared) override {
    see(fmt::format("cleared {} {}", cleared.discarded, cleared.played));
  }
  void hold(bool held) override { see(held ? "hold" : "resume"); }
  void displaced() override { see("displaced"); }
  void stop(std::string_view reason) override { see(fmt::format("stop {}", reason)); }

 private:
  void see(std::string what) { script_.seen.push_back(std::move(what)); }
  Script& script_;
};

class EchoBridge final : public sipd::Bridge {
 public:
  explicit EchoBridge(sipd::BridgeHost& host) : host_(host) {}
  void start(Time now) override { host_.ready(now); }
  void caller_audio(std::span<const std::int16_t> samples, Time now) override { host_.play(samples, now); }

 private:
  sipd::BridgeHost& host_;
};

Impairment bad() {
  Impairment out;
  out.loss = 0.01;
  out.duplicate = 0.01;
  out.reorder = 0.01;
  out.delay = 20ms;
  out.jitter = 15ms;
  return out;
}

call::Config follows() {
  call::Config config;
  config.follow_refer = true;
  return config;
}

// A telephone, the daemon, and another telephone that answers whoever calls it.
struct House {
  explicit House(const Impairment& impairment = {}, std::uint64_t seed = 1)
      : world(Network(impairment, seed)) {
    world.attach(kPhone, phone);
    world.attach(kDaemon, daemon);
    world.attach(kOther, other);
    phone.on_event = [this](call::Output& output, Time) {
      if (const auto* end = std::get_if<call::CallEnded>(&output)) phone_end = *end;
      if (std::holds_alternative<call::CallAnswered>(output)) phone_answered = true;
    };
    other.on_event = [this](call::Output& output, Time now) {
      const auto* incoming = std::get_if<call::IncomingCall>(&output);
      if (!incoming) return;
      other_call = incoming->call;
      world.at(now + other_rings, [this](Time then) {
        if (other_status != 200) return other.agent.reject(other_call, other_status, "", then), void();
        call::AcceptOptions accept;
        accept.media = other.next_media();
        other.bind(accept.media, other_call);
        (void)other.agent.accept(other_call, accept, then);
        (void)other.agent.attach_bridge(other_call);
      });
    };
  }

  void dial() {
    world.at(world.now(), [this](Time now) {
      call::InviteOptions invite;
      invite.target = "sip:100@10.0.0.2";
      invite.from = "sip:anna@10.0.0.1";
      invite.flow = phone.flow_to(kDaemon);
      invite.media = phone.next_media();
      const auto call = phone.agent.invite(invite, now);
      REQUIRE(call);
      phone_call = *call;
      phone.bind(invite.media, *call);
      (void)phone.agent.attach_bridge(*call);
    });
    run(1s);
    REQUIRE(phone_answered);
  }
  void run(Duration length) { world.run_until(world.now() + length); }
  void act(std::function<void(Time)> what) {
    world.at(world.now(), std::move(what));
    run(0s);
  }
  void refer() {
    act([this](Time now) { CHECK(phone.agent.transfer(phone_call, "sip:bob@10.0.0.3", now)); });
  }
  std::size_t saw(const std::string& what) const {
    return static_cast<std::size_t>(std::count(script.seen.begin(), script.seen.end(), what));
  }

  Log log;
  World world;
  Script script;
  std::function<std::unique_ptr<sipd::Bridge>(sipd::BridgeHost&)> make = [this](sipd::BridgeHost& host) {
    return std::make_unique<ScriptBridge>(host, script);
  };
  AgentNode phone{"phone", kPhone, {}, 11, log};
  AgentNode other{"other", kOther, {}, 13, log};
  DaemonNode daemon{kDaemon, follows(), 12, [this](sipd::BridgeHost& host) { return make(host); }};
  call::CallKey phone_call = 0, other_call = 0;
  bool phone_answered = false;
  std::optional<call::CallEnded> phone_end;
  Duration other_rings = 1s;
  int other_status = 200;
};

std::vector<std::int16_t> ones(std::size_t count, std::int16_t value = 1000) {
  return std::vector<std::int16_t>(count, value);
}

} // namespace

TEST_CASE(
    "daemon: a caller hears the echo of every word over a bad network, and each thing is reported once") {
  House house(bad(), 5);
  house.make = [](sipd::BridgeHost& host) { return std::make_unique<EchoBridge>(host); };
  house.dial();
  const auto voice = signal(3 * 16'000, 42);
  house.act([&](Time) { (void)house.phone.agent.play(house.phone_call, voice); });
  house.run(5s);
  const Heard heard = sim::search(voice, house.phone.heard[house.phone_call], 0.8);
  CHECK(heard.found * 10 >= heard.segments * 8); // what was lost on the way there and back is concealed
  house.act([&](Time now) { (void)house.phone.agent.hangup(house.phone_call, "", false, now); });
  house.run(40s);
  CHECK(house.daemon.calls() == 0);
  CHECK(house.daemon.all<event::Began>().size() == 1);
  REQUIRE(house.daemon.all<event::Answered>().size() == 1);
  CHECK(house.daemon.all<event::Answered>().front().codec == "PCMU");
  CHECK(house.daemon.all<event::FirstAudio>().size() == 1);
  CHECK(house.daemon.all<event::CallerHeard>().size() == 1);
  REQUIRE(house.daemon.all<event::Ended>().size() == 1);
  const event::Ended end = house.daemon.all<event::Ended>().front();
  CHECK(end.answered);
  CHECK(end.failure.empty());
  CHECK(end.end.by_peer);
  CHECK(house.daemon.recording.size() > 2 * 5 * 16'000);
}

TEST_CASE("daemon: the same seed gives the same call to the microsecond") {
  const auto told = [] {
    House house(bad(), 9);
    house.dial();
    house.act([&](Time now) {
      house.script.host->play(ones(16'000), now);
      house.script.host->mark("end");
    });
    house.run(3s);
    std::string text = house.log.text();
    for (const Reported& one : house.daemon.reported)
      text += fmt::format("{} {}\n", to_us(one.at), one.event.index());
    return text;
  };
  const std::string first = told();
  CHECK(first == told());
  CHECK(first.find("sends INVITE") != std::string::npos);
}

TEST_CASE(
    "daemon: marks are passed when the caller has been sent what came before, and a clear says how much") {
  House house;
  house.dial();
  house.act([&](Time now) {
    CHECK(house.script.host->play(ones(16'000), now) == 16'000);
    house.script.host->mark("one second");
  });
  house.run(900ms);
  CHECK(house.saw("mark one second 16000") == 0);
  house.run(200ms);
  CHECK(house.saw("mark one second 16000") == 1);
  house.act([&](Time now) { house.script.host->play(ones(32'000), now); });
  house.run(500ms);
  house.act([&](Time now) {
    const std::uint64_t waiting = house.script.host->queued();
    house.script.host->clear(now);
    CHECK(house.saw(fmt::format("cleared {} {}", waiting, 48'000 - waiting)) == 1);
    CHECK(house.script.host->queued() == 0);
  });
}

TEST_CASE("daemon: a caller holds and resumes; the agent and the API learn of each once") {
  House house;
  house.dial();
  house.act([&](Time now) { CHECK(house.phone.agent.hold(house.phone_call, now)); });
  house.run(1s);
  CHECK(house.saw("hold") == 1);
  CHECK(house.daemon.session()->snapshot().held);
  house.act([&](Time now) { CHECK(house.phone.agent.resume(house.phone_call, now)); });
  house.run(1s);
  CHECK(house.saw("resume") == 1);
  REQUIRE(house.daemon.all<event::Held>().size() == 2);
  CHECK(house.daemon.all<event::Held>().front().held);
  CHECK_FALSE(house.daemon.session()->snapshot().held);
}

TEST_CASE("daemon: keys reach the agent; what the agent presses reaches the caller") {
  House house;
  house.dial();
  house.act([&](Time now) { CHECK(house.phone.agent.dtmf(house.phone_call, "17#", 100ms, now)); });
  house.run(2s);
  CHECK(house.script.seen == std::vector<std::string>{"key 1", "key 7", "key #"});
  CHECK(house.daemon.all<event::KeyPressed>().size() == 3);
  std::string pressed;
  house.phone.on_event = [&](call::Output& output, Time) {
    if (const auto* key = std::get_if<call::DtmfPressed>(&output)) pressed += key->digit;
  };
  house.act([&](Time now) { house.script.host->send_dtmf({"42", 100}, now); });
  house.run(2s);
  CHECK(pressed == "42");
}

TEST_CASE(
    "daemon: a bridge that does not stand refuses the caller; nothing behind a target is an error, no echo") {
  House house;
  house.make = [](sipd::BridgeHost&) { return nullptr; };
  house.world.at(house.world.now(), [&](Time now) {
    call::InviteOptions invite;
    invite.target = "sip:100@10.0.0.2";
    invite.flow = house.phone.flow_to(kDaemon);
    invite.media = house.phone.next_media();
    const auto call = house.phone.agent.invite(invite, now);
    REQUIRE(call);
  });
  house.run(2s);
  REQUIRE(house.phone_end);
  CHECK(house.phone_end->status == 500);
  REQUIRE(house.daemon.all<event::Ended>().size() == 1);
  CHECK_FALSE(house.daemon.all<event::Ended>().front().answered);
  CHECK(house.daemon.all<event::Ended>().front().failure == "nothing stands there");
}

TEST_CASE("daemon: an agent that is lost in the call: an apology is heard to its end, then the goodbye") {
  House house;
  house.daemon.sorry = std::make_shared<const audio::Samples>(signal(16'000, 7));
  house.dial();
  house.act([&](Time now) {
    house.script.host->play(ones(160'000), now);
    house.script.host->failed("it died", 503, now);
  });
  house.run(3s);
  REQUIRE(house.phone_end);
  CHECK(house.daemon.all<event::BridgeFailed>().size() == 1);
  CHECK(house.daemon.all<event::Ended>().front().reason() == "it died");
  const Heard heard = sim::search(*house.daemon.sorry, house.phone.heard[house.phone_call]);
  CHECK(heard.last);
  CHECK(house.saw("stop it died") == 1);
}

TEST_CASE("daemon: a file that is played over the agent: each side is told of its own samples only") {
  House house;
  house.dial();
  house.act([&](Time now) { house.script.host->play(ones(48'000), now); });
  house.run(1s);
  house.act([&](Time now) {
    const std::uint64_t waiting = house.script.host->queued();
    const auto file = std::make_shared<const audio::Samples>(ones(16'000, 500));
    CHECK(house.daemon.session()->command(sipd::PlayAudio{file, true}, now));
    CHECK(house.saw(fmt::format("cleared {} {}", waiting, 48'000 - waiting)) == 1);
    house.script.host->mark("behind the file");
  });
  house.run(1500ms);
  const auto last = house.script.seen.back();
  CHECK(last.starts_with("mark behind the file "));
  CHECK(last != "mark behind the file 48000"); // what was cleared is not counted as played, nor is the file
}

// ---- Takeover

namespace {

// A program that takes the agent's part, without its WebSocket.
struct Program {
  explicit Program(DaemonNode& daemon)
      : to_call(std::make_shared<sipd::PartBox>([&daemon](sipd::Task t) { daemon.post(std::move(t)); })),
        to_client(std::make_shared<sipd::ClientBox>([&daemon](sipd::Task t) { daemon.post(std::move(t)); })) {
    to_client->open([this](sipd::ToPart& message, Time) {
      if (const auto* text = std::get_if<sipd::PartText>(&message)) got.push_back(text->json);
      if (const auto* lost = std::get_if<sipd::PartLost>(&message)) refused = lost->code;
    });
  }
  sipd::PartLine line() const { return {to_call, to_client}; }
  bool has(std::string_view what) const {
    return std::any_of(got.begin(), got.end(),
                       [&](const auto& text) { return text.find(what) != std::string::npos; });
  }
  std::shared_ptr<sipd::PartBox> to_call;
  std::shared_ptr<sipd::ClientBox> to_client;
  std::vector<std::string> got;
  int refused = 0;
};

} // namespace

TEST_CASE("takeover: the agent is held in silence, the program is heard, and the agent comes back") {
  House house;
  house.dial();
  Program program(house.daemon);
  house.act([&](Time now) { house.script.host->play(ones(80'000), now); });
  house.run(1s);
  house.act([&](Time now) { house.daemon.session()->take_part(Part::agent, program.line(), now); });
  CHECK(house.saw("displaced") == 1);
  CHECK(program.has(R"("type":"start")"));
  const auto voice = signal(16'000, 3);
  house.act([&](Time) { program.to_call->send(sipd::PartSound{voice}); });
  const std::size_t before = house.phone.heard[house.phone_call].size();
  // The agent talks on: into nobody's ear, at the pace of the call.
  house.act([&](Time now) {
    CHECK(house.script.host->play(ones(1600, 20'000), now) == 1600);
    house.script.host->mark("unheard");
  });
  house.run(1500ms);
  const auto& all = house.phone.heard[house.phone_call];
  const std::vector<std::int16_t> heard(all.begin() + static_cast<std::ptrdiff_t>(before), all.end());
  const Heard found = sim::search(voice, heard);
  CHECK(found.found == found.segments);
  CHECK(std::count_if(house.script.seen.begin(), house.script.seen.end(),
                      [](const auto& s) { return s.starts_with("mark unheard "); }) == 1);
  CHECK(std::all_of(house.script.heard.end() - 16'000, house.script.heard.end(),
                    [](auto s) { return s == 0; }));
  house.act([&](Time) { program.to_call->send(sipd::PartGone{}); });
  house.run(100ms);
  CHECK(house.script.seen.back() == "resume");
  const auto parts = house.daemon.all<event::PartChanged>();
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].present);
  CHECK_FALSE(parts[1].present);
  CHECK(parts[1].why == "the program has left");
}

TEST_CASE("takeover: there is one at a time, and none before the answer or in a goodbye") {
  House house;
  house.dial();
  Program first(house.daemon);
  Program second(house.daemon);
  house.act([&](Time now) { house.daemon.session()->take_part(Part::agent, first.line(), now); });
  house.act([&](Time now) { house.daemon.session()->take_part(Part::agent, second.line(), now); });
  CHECK(first.refused == 0);
  CHECK(second.refused == 1013);
  house.act([&](Time) { first.to_call->send(sipd::PartGone{}); });
  house.run(100ms);
  house.act([&](Time now) {
    house.script.host->play(ones(32'000), now);
    house.script.host->hangup("bye", now);
  });
  Program third(house.daemon);
  house.act([&](Time now) { house.daemon.session()->take_part(Part::agent, third.line(), now); });
  CHECK(third.refused == 1013);
}

TEST_CASE("takeover: an agent that hangs up meanwhile is obeyed when the program gives its part back") {
  House house;
  house.dial();
  Program program(house.daemon);
  house.act([&](Time now) { house.daemon.session()->take_part(Part::agent, program.line(), now); });
  house.act([&](Time now) { house.script.host->hangup("it is enough", now); });
  house.run(2s);
  CHECK_FALSE(house.phone_end);
  house.act([&](Time) { program.to_call->send(sipd::PartGone{}); });
  house.run(1s);
  CHECK(house.phone_end);
  CHECK(house.daemon.all<event::Ended>().front().reason() == "it is enough");
}

TEST_CASE("talk-in: the caller hears it, the agent does not, and its leaving is reported") {
  House house;
  house.dial();
  Program person(house.daemon);
  house.act([&](Time now) { house.daemon.session()->take_part(Part::talk, person.line(), now); });
  const auto voice = signal(4800, 21);
  for (std::size_t at = 0; at < voice.size(); at += 320) { // live, 20 ms at a time
    house.act([&](Time) {
      person.to_call->send(sipd::PartSound{{voice.begin() + static_cast<std::ptrdiff_t>(at),
                                            voice.begin() + static_cast<std::ptrdiff_t>(at + 320)}});
    });
    house.run(20ms);
  }
  house.run(500ms);
  CHECK(sim::search(voice, house.phone.heard[house.phone_call]).found > 0);
  house.act([&](Time) { person.to_call->send(sipd::PartGone{}); });
  house.run(10ms);
  CHECK(house.daemon.all<event::PartChanged>().size() == 2);
}

// ---- Transfer

TEST_CASE("transfer: the caller asks for another party, and the agent goes on with that one") {
  House house(bad(), 3);
  house.dial();
  house.refer();
  house.run(6s);
  CHECK(house.daemon.all<event::TransferAsked>().front().by == "peer");
  REQUIRE(house.daemon.all<event::Transferred>().size() == 1);
  CHECK(house.daemon.all<event::Transferred>().front().to == "sip:bob@10.0.0.3");
  CHECK(house.daemon.all<event::LegEnded>().size() == 1);
  REQUIRE(house.phone_end);
  CHECK(house.phone_end->cause == call::EndCause::transferred);
  const auto voice = signal(16'000, 8);
  house.act([&](Time now) { house.script.host->play(voice, now); });
  house.run(2s);
  const Heard heard = sim::search(voice, house.other.heard[house.other_call], 0.8);
  CHECK(heard.found * 10 >= heard.segments * 7);
  house.act([&](Time now) { (void)house.other.agent.hangup(house.other_call, "", false, now); });
  house.run(40s);
  CHECK(house.daemon.all<event::Ended>().size() == 1);
  CHECK(house.daemon.calls() == 0);
}

TEST_CASE("transfer: nobody is called whom no pattern permits, and the call goes on") {
  House house;
  house.daemon.refers = false;
  house.dial();
  house.refer();
  house.run(3s);
  REQUIRE(house.daemon.all<event::TransferRefused>().size() == 1);
  CHECK(house.daemon.all<event::TransferRefused>().front().status == 603);
  CHECK_FALSE(house.phone_end);
}

TEST_CASE("transfer: the other party declines, and the first one stays") {
  House house;
  house.other_status = 486;
  house.dial();
  house.refer();
  house.run(4s);
  REQUIRE(house.daemon.all<event::TransferFailed>().size() == 1);
  CHECK(house.daemon.all<event::TransferFailed>().front().status == 486);
  CHECK_FALSE(house.phone_end);
  house.act([&](Time now) { house.script.host->play(ones(1600), now); });
  house.run(1s);
  CHECK(house.daemon.session()->snapshot().queued == 0); // it is played to somebody
}

TEST_CASE("transfer: the first party leaves while the next one rings; the agent waits for it") {
  House house;
  house.other_rings = 3s;
  house.dial();
  house.refer();
  house.run(1s);
  house.act([&](Time now) { (void)house.phone.agent.hangup(house.phone_call, "", false, now); });
  house.run(1s);
  CHECK(house.daemon.all<event::LegEnded>().size() == 1);
  CHECK(house.daemon.all<event::Ended>().empty());
  CHECK(house.daemon.session()->party() == nullptr);
  house.run(4s);
  CHECK(house.daemon.all<event::Transferred>().size() == 1);
  CHECK(house.daemon.session()->party() != nullptr);
}

TEST_CASE("transfer: in a takeover the program goes on with the next party, and the agent afterwards") {
  House house;
  house.dial();
  Program program(house.daemon);
  house.act([&](Time now) { house.daemon.session()->take_part(Part::agent, program.line(), now); });
  house.refer();
  house.run(4s);
  REQUIRE(house.daemon.all<event::Transferred>().size() == 1);
  const auto voice = signal(8000, 31);
  house.act([&](Time) { program.to_call->send(sipd::PartSound{voice}); });
  house.run(1s);
  CHECK(sim::search(voice, house.other.heard[house.other_call]).found > 0);
}

// ---- Browsers

namespace {

// A browser, without its WebSocket: it says that it has played what it was sent `lag` later.
struct Browser {
  explicit Browser(House& its_house, bool reports)
      : house(its_house),
        to_call(std::make_shared<sipd::CallBox>([this](sipd::Task t) { house.daemon.post(std::move(t)); })),
        to_browser(
            std::make_shared<sipd::BrowserBox>([this](sipd::Task t) { house.daemon.post(std::move(t)); })) {
    to_browser->open([this](sipd::ToBrowser& message, Time) {
      if (const auto* sound = std::get_if<sipd::WebSound>(&message))
        heard.insert(heard.end(), sound->samples.begin(), sound->samples.end());
      if (const auto* said = std::get_if<sipd::WebEvent>(&message)) texts.push_back(sipd::to_json(*said));
      if (const auto* end = std::get_if<sipd::WebEnd>(&message)) texts.push_back(sipd::to_json(*end));
      if (std::holds_alternative<sipd::WebClear>(message)) ++clears;
    });
    sipd::WebCall call;
    call.to = "100";
    call.reports = reports;
    call.peer = {kPhone, 40'000};
    call.to_call = to_call;
    call.to_browser = to_browser;
    house.act([&](Time now) { house.daemon.call_of_browser(call, now); });
    house.run(100ms);
  }
  void played(std::uint64_t samples) {
    house.act([&](Time) { to_call->send(ipc::browser::Played{samples, 0}); });
  }
  House& house;
  std::shared_ptr<sipd::CallBox> to_call;
  std::shared_ptr<sipd::BrowserBox> to_browser;
  std::vector<std::int16_t> heard;
  std::vector<std::string> texts;
  int clears = 0;
};

} // namespace

TEST_CASE("browser: it rings, is answered and ends, in the words that the page reads") {
  House house;
  Browser browser(house, false);
  REQUIRE(browser.texts.size() == 2);
  const std::string uuid = house.daemon.session()->uuid();
  CHECK(browser.texts[0] == R"({"type":"call","id":")" + uuid + R"(","state":"ringing"})");
  CHECK(browser.texts[1] == R"({"type":"call","id":")" + uuid + R"(","state":"answered"})");
  house.act([&](Time) { browser.to_call->send(ipc::browser::HangUp{}); });
  house.run(1s);
  CHECK(browser.texts.back() ==
        R"({"type":"end","cause":"hangup","by":"caller","status":200,"reason":"","seconds":0.10})");
  CHECK(house.daemon.calls() == 0);
}

TEST_CASE("browser: a mark is passed when the browser says that it was heard, and not before") {
  House house;
  Browser browser(house, true);
  house.act([&](Time now) {
    house.script.host->play(ones(8000), now);
    house.script.host->mark("half");
  });
  house.run(700ms);
  CHECK(browser.heard.size() == 8000);
  CHECK(house.script.seen.empty());
  browser.played(7999);
  house.run(100ms);
  CHECK(house.script.seen.empty());
  browser.played(8000);
  house.run(20ms);
  CHECK(house.script.seen == std::vector<std::string>{"mark half 8000"});
}

TEST_CASE("browser: a clear waits for the browser's word, and counts what was heard of it") {
  House house;
  Browser browser(house, true);
  house.act([&](Time now) { house.script.host->play(ones(32'000), now); });
  house.run(1s);
  const std::uint64_t sent = browser.heard.size();
  std::uint64_t waiting = 0;
  house.act([&](Time now) {
    waiting = house.script.host->queued();
    house.script.host->clear(now);
  });
  CHECK(browser.clears == 1);
  CHECK(house.script.seen.empty());
  house.act([&](Time) { browser.to_call->send(ipc::browser::Cleared{10'000, 0}); });
  house.run(20ms);
  CHECK(house.script.seen ==
        std::vector<std::string>{fmt::format("cleared {} 10000", waiting + sent - 10'000)});
}

TEST_CASE("browser: one that never answers a clear is not waited for longer than a second") {
  House house;
  Browser browser(house, true);
  house.act([&](Time now) { house.script.host->play(ones(32'000), now); });
  house.run(500ms);
  house.act([&](Time now) { house.script.host->clear(now); });
  house.run(990ms);
  CHECK(house.script.seen.empty());
  house.run(20ms);
  REQUIRE(house.script.seen.size() == 1);
  CHECK(house.script.seen.front().starts_with("cleared "));
}

TEST_CASE("browser: its sound reaches the agent whole") {
  House house;
  Browser browser(house, false);
  const auto voice = signal(16'000, 17);
  for (std::size_t at = 0; at < voice.size(); at += 800) { // 50 ms, not in step with our 20
    house.act([&](Time) {
      browser.to_call->send(sipd::WebSound{{voice.begin() + static_cast<std::ptrdiff_t>(at),
                                            voice.begin() + static_cast<std::ptrdiff_t>(at + 800)}});
    });
    house.run(50ms);
  }
  house.run(500ms);
  const Heard heard = sim::search(voice, house.script.heard);
  CHECK(heard.found == heard.segments);
}

} // namespace talky::sim
