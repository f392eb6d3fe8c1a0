// Calls with a plot each, between two user agents over a network of chance, and what must hold for every one
// of them.
#pragma once
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "sim/agent_node.hpp"
#include "sim/signal.hpp"

namespace talky::sim {

using namespace std::chrono_literals;
using call::CallKey;
using call::EndCause;

enum class Plot : std::uint8_t {
  plain,
  caller_holds,
  callee_holds,
  both_hold, // glare
  digits,    // both ways
  late_offer,
  cancelled,
  rejected,
  no_ack, // every ACK of this call is lost: the ghost must be found out
  bye_crossing,
  last_words, // the callee hangs up right behind its last word
  long_call   // session timers
};
inline constexpr std::size_t kPlots = 12;

// One call as both sides saw it.
struct Story {
  Plot plot = Plot::plain;
  std::string digits, digits_heard_by_callee, digits_heard_by_caller;
  CallKey caller = 0, callee = 0;
  bool answered = false;       // told to the caller
  std::size_t caller_ends = 0; // must be 1
  std::size_t callee_ends = 0; // must be 1 if it came
  bool came = false;
  EndCause caller_cause{}, callee_cause{};
  bool callee_held = false, caller_held = false, callee_resumed = false, caller_resumed = false;
};

struct Scenario {
  std::size_t calls = 1000;
  Impairment impairment;
  std::uint64_t seed = 1;
  bool only_plain = false;
};

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario)
      : scenario_(scenario),
        world_(Network(scenario.impairment, scenario.seed)),
        caller_("caller", kCallerIp, config(), scenario.seed * 3 + 1, log_),
        callee_("callee", kCalleeIp, config(), scenario.seed * 5 + 2, log_),
        random_(scenario.seed * 7 + 3) {
    world_.attach(kCallerIp, caller_);
    world_.attach(kCalleeIp, callee_);
    for (std::uint64_t i = 0; i < voices_.size(); ++i)
      voices_[i] = signal(16'000, 100 + i);
    world_.network().block([this](const Packet& packet) { return blocked(packet); });
    caller_.on_event = [this](call::Output& output, Time) { caller_event(output); };
    callee_.on_event = [this](call::Output& output, Time now) { callee_event(output, now); };
  }

  void run() {
    stories_.resize(scenario_.calls);
    for (std::size_t i = 0; i < scenario_.calls; ++i) {
      Story& story = stories_[i];
      if (!scenario_.only_plain) {
        story.plot = static_cast<Plot>(random_.below(kPlots));
        const bool costly = story.plot == Plot::long_call || story.plot == Plot::no_ack;
        if (costly && i % 8 != 0) story.plot = Plot::plain;
      }
      for (int d = 0; d < 4; ++d)
        story.digits += "0123456789*#ABCD"[random_.below(16)];
      const auto start = world_.now() + 25ms * static_cast<int>(i) +
                         Duration(static_cast<Duration::rep>(random_.below(10'000)));
      world_.at(start, [this, i](Time now) { place(i, now); });
    }
    world_.run_until(world_.now() + 25ms * static_cast<int>(scenario_.calls) + 400s);
  }

  const Scenario& scenario() const { return scenario_; }
  const std::vector<Story>& stories() const { return stories_; }
  const std::string& log() const { return log_.text(); }
  AgentNode& caller() { return caller_; }
  AgentNode& callee() { return callee_; }
  const Network::Counters& network() { return world_.network().counters(); }
  std::span<const std::int16_t> voice_of_caller(std::size_t story) const {
    return voices_[story % voices_.size()];
  }
  std::span<const std::int16_t> voice_of_callee(std::size_t story) const {
    return voices_[(story + 3) % voices_.size()];
  }

 private:
  static call::Config config() {
    call::Config config;
    config.max_calls = config.max_calls_per_source = 5'000;
    config.session_expires = 90s;
    return config;
  }

  // The ACKs of a ghost: "ACK sip:17@192.0.2.2:5060 SIP/2.0" is that of story 17.
  bool blocked(const Packet& packet) const {
    constexpr std::string_view kStart = "ACK sip:";
    if (packet.to.ip != kCalleeIp || !packet.text().starts_with(kStart)) return false;
    const std::string number(packet.text().substr(kStart.size(), packet.text().find('@') - kStart.size()));
    return stories_[std::stoul(number)].plot == Plot::no_ack;
  }

  void place(std::size_t index, Time now) {
    Story& story = stories_[index];
    call::InviteOptions options;
    options.target = fmt::format("sip:{}@192.0.2.2", index);
    options.flow = caller_.flow_to(kCalleeIp);
    options.media = caller_.next_media();
    options.late_offer = story.plot == Plot::late_offer;
    const auto key = caller_.agent.invite(options, now);
    REQUIRE(key);
    caller_.bind(options.media, *key);
    story.caller = *key;
    by_caller_[*key] = index;
    (void)caller_.agent.attach_bridge(*key);
    if (story.plot == Plot::cancelled) {
      world_.at(now + 300ms,
                [this, &story](Time at) { (void)caller_.agent.hangup(story.caller, "", false, at); });
    }
  }

  void callee_event(call::Output& output, Time now) {
    if (const auto* const incoming = std::get_if<call::IncomingCall>(&output)) {
      const std::size_t index = std::stoul(incoming->dialled);
      Story& story = stories_[index];
      story.callee = incoming->call;
      story.came = true;
      by_callee_[incoming->call] = index;
      world_.at(now, [this, index](Time at) { answer(index, at); });
      return;
    }
    Story* const story = find(by_callee_, output);
    if (story == nullptr) return;
    if (std::holds_alternative<call::CallAnswered>(output)) {
      (void)callee_.agent.attach_bridge(story->callee);
      (void)callee_.agent.play(story->callee, voice_of_callee(index_of(*story)));
      if (story->plot == Plot::last_words) {
        world_.at(now,
                  [this, story](Time at) { (void)callee_.agent.hangup(story->callee, "goodbye", true, at); });
      }
    } else if (const auto* const digit = std::get_if<call::DtmfPressed>(&output)) {
      story->digits_heard_by_callee += digit->digit;
    } else if (std::holds_alternative<call::Held>(output)) {
      story->callee_held = true;
    } else if (std::holds_alternative<call::Resumed>(output)) {
      story->callee_resumed = true;
    } else if (const auto* const ended = std::get_if<call::CallEnded>(&output)) {
      ++story->callee_ends;
      story->callee_cause = ended->cause;
    }
  }

  void answer(std::size_t index, Time now) {
    Story& story = stories_[index];
    if (story.plot == Plot::rejected) {
      (void)callee_.agent.reject(story.callee, 486, "", now);
      return;
    }
    call::AcceptOptions options;
    options.media = callee_.next_media();
    if (story.plot == Plot::cancelled) options.ring_time = 2s;
    if (index % 3 == 0) options.ring_time += 100ms;
    callee_.bind(options.media, story.callee);
    (void)callee_.agent.accept(story.callee, options, now);
  }

  void caller_event(call::Output& output) {
    Story* const story = find(by_caller_, output);
    if (story == nullptr) return;
    if (std::holds_alternative<call::CallAnswered>(output)) {
      story->answered = true;
      (void)caller_.agent.play(story->caller, voice_of_caller(index_of(*story)));
      act(*story);
    } else if (const auto* const digit = std::get_if<call::DtmfPressed>(&output)) {
      story->digits_heard_by_caller += digit->digit;
    } else if (std::holds_alternative<call::Held>(output)) {
      story->caller_held = true;
    } else if (std::holds_alternative<call::Resumed>(output)) {
      story->caller_resumed = true;
    } else if (const auto* const ended = std::get_if<call::CallEnded>(&output)) {
      ++story->caller_ends;
      story->caller_cause = ended->cause;
    }
  }

  // What happens in the call from its answer on. The voices take the first second.
  void act(Story& story) {
    const auto caller = [this, &story](Duration after, auto action) {
      world_.at(world_.now() + after,
                [this, &story, action](Time at) { action(caller_.agent, story.caller, at); });
    };
    const auto callee = [this, &story](Duration after, auto action) {
      world_.at(world_.now() + after,
                [this, &story, action](Time at) { action(callee_.agent, story.callee, at); });
    };
    const auto hold = [](call::UserAgent& agent, CallKey key, Time at) { (void)agent.hold(key, at); };
    const auto resume = [](call::UserAgent& agent, CallKey key, Time at) { (void)agent.resume(key, at); };
    const auto hangup = [](call::UserAgent& agent, CallKey key, Time at) {
      (void)agent.hangup(key, "", false, at);
    };
    const auto press = [&story](call::UserAgent& agent, CallKey key, Time at) {
      (void)agent.dtmf(key, story.digits, 80ms, at);
    };
    switch (story.plot) {
      case Plot::caller_holds:
        caller(1500ms, hold);
        caller(3000ms, resume);
        break;
      case Plot::callee_holds:
        callee(1500ms, hold);
        callee(3000ms, resume);
        break;
      case Plot::both_hold:
        caller(1500ms, hold);
        callee(1500ms, hold);
        caller(7s, resume);
        callee(7s, resume);
        caller(13s, hangup);
        return;
      case Plot::digits:
        caller(1500ms, press);
        callee(1500ms, press);
        break;
      case Plot::no_ack: return; // the callee ends it, after 32 s
      case Plot::bye_crossing:
        caller(2000ms, hangup);
        callee(2000ms, hangup);
        return;
      case Plot::last_words: return; // the callee ends it
      case Plot::long_call: caller(200s, hangup); return;
      default: break;
    }
    caller(story.plot == Plot::plain || story.plot == Plot::late_offer ? 1600ms : 4500ms, hangup);
  }

  Story* find(const std::map<CallKey, std::size_t>& keys, const call::Output& output) {
    const CallKey key = std::visit(
        [](const auto& event) -> CallKey {
          if constexpr (requires { event.call; }) return event.call;
          return 0;
        },
        output);
    const auto it = keys.find(key);
    return it == keys.end() ? nullptr : &stories_[it->second];
  }
  std::size_t index_of(const Story& story) const {
    return static_cast<std::size_t>(&story - stories_.data());
  }

  static inline const IpAddress kCallerIp = IpAddress::v4(192, 0, 2, 1);
  static inline const IpAddress kCalleeIp = IpAddress::v4(192, 0, 2, 2);

  Scenario scenario_;
  Log log_;
  World world_;
  AgentNode caller_, callee_;
  Random random_;
  std::array<std::vector<std::int16_t>, 8> voices_;
  std::vector<Story> stories_;
  std::map<CallKey, std::size_t> by_caller_, by_callee_;
};

inline void check_invariants(Simulation& simulation) {
  CHECK(simulation.caller().agent.calls() == 0);
  CHECK(simulation.callee().agent.calls() == 0);
  CHECK(simulation.caller().agent.dialogs() == 0);
  CHECK(simulation.callee().agent.dialogs() == 0);
  CHECK(simulation.caller().agent.transactions() == 0);
  CHECK(simulation.callee().agent.transactions() == 0);
  for (std::size_t i = 0; i < simulation.stories().size(); ++i) {
    const Story& story = simulation.stories()[i];
    CAPTURE(i);
    CAPTURE(static_cast<int>(story.plot));
    CHECK(story.caller_ends == 1);
    CHECK(story.callee_ends == (story.came ? 1U : 0U));
    const bool refused = story.plot == Plot::cancelled || story.plot == Plot::rejected;
    CHECK(story.answered != refused);
    switch (story.plot) {
      case Plot::cancelled: CHECK(story.caller_cause == EndCause::cancelled); break;
      case Plot::rejected: CHECK(story.caller_cause == EndCause::rejected); break;
      case Plot::no_ack:
        CHECK(story.callee_cause == EndCause::no_ack);
        CHECK(story.caller_cause == EndCause::hangup);
        break;
      default: CHECK(story.caller_cause == EndCause::hangup); CHECK(story.callee_cause == EndCause::hangup);
    }
    const bool caller_holds = story.plot == Plot::caller_holds || story.plot == Plot::both_hold;
    const bool callee_holds = story.plot == Plot::callee_holds || story.plot == Plot::both_hold;
    CHECK(story.callee_held == caller_holds);
    CHECK(story.callee_resumed == caller_holds);
    CHECK(story.caller_held == callee_holds);
    CHECK(story.caller_resumed == callee_holds);
    if (story.plot == Plot::digits) {
      CHECK(story.digits_heard_by_callee == story.digits);
      CHECK(story.digits_heard_by_caller == story.digits);
    } else {
      CHECK(story.digits_heard_by_callee.empty());
      CHECK(story.digits_heard_by_caller.empty());
    }
  }
}

// Both voices of every answered call, searched in what the other side heard.
struct Audio {
  std::size_t voices = 0, segments = 0, found = 0, first = 0, last = 0, worst = SIZE_MAX;
};
inline Audio listen(Simulation& simulation) {
  Audio audio;
  const auto judge = [&audio](std::span<const std::int16_t> said, const std::vector<std::int16_t>& heard) {
    const Heard result = search(said, heard);
    ++audio.voices;
    audio.segments += result.segments;
    audio.found += result.found;
    audio.first += result.first ? 1U : 0U;
    audio.last += result.last ? 1U : 0U;
    audio.worst = std::min(audio.worst, result.found);
  };
  for (std::size_t i = 0; i < simulation.stories().size(); ++i) {
    const Story& story = simulation.stories()[i];
    if (!story.answered) continue;
    judge(simulation.voice_of_caller(i), simulation.callee().heard[story.callee]);
    judge(simulation.voice_of_callee(i), simulation.caller().heard[story.caller]);
  }
  return audio;
}

} // namespace talky::sim
