// A whole conversation in virtual time: a caller's user agent, a network of chance, our user agent with its
// media, and the voice session with the shipped flow. The engines are either made up from the script, and
// recorded with their times, or played back from that recording.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "flow/flow.hpp"
#include "sim/agent_node.hpp"
#include "sim/signal.hpp"
#include "voice/cassette.hpp"
#include "voice/journal.hpp"
#include "voice/session.hpp"

namespace talky::sim {

// What the caller does, in time after the answer as the caller knows it.
struct Line {
  std::int64_t at_ms = 0;
  std::int64_t length_ms = 0;
  std::string text;   // as the recogniser will have it
  std::string digits; // or keys instead
};

inline constexpr IpAddress kCallerIp{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};
inline constexpr IpAddress kDeskIp{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}};

// Speech is what is loud: a pure function of the audio.
class LevelVad final : public voice::VoiceActivity {
 public:
  voice::Samples window() const override { return 512; }
  void process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) override {
    for (const std::int16_t sample : frame) {
      energy_ += static_cast<double>(sample) * sample;
      if (++count_ < 512) continue;
      probabilities.push_back(std::sqrt(energy_ / 512) > 300 ? 0.96F : 0.01F);
      energy_ = 0;
      count_ = 0;
    }
  }
  void reset() override {
    energy_ = 0;
    count_ = 0;
  }

 private:
  double energy_ = 0;
  int count_ = 0;
};

// The voice of the agent for a sentence: a signal that is like no other sentence's.
inline voice::Pcm voice_of(const std::string& text) {
  return signal(text.size() * 800, Log::hash(text));
}

// The caller's voice for a line: it falls in the end, as that of somebody who has finished.
inline voice::Pcm spoken(const Line& line, std::size_t number) {
  voice::Pcm pcm = signal(static_cast<std::size_t>(line.length_ms) * 16, 900 + number);
  const std::size_t fall = std::min<std::size_t>(pcm.size(), 16 * 250);
  for (std::size_t i = 0; i < fall; ++i) {
    const double left = 1 - 0.93 * static_cast<double>(i) / static_cast<double>(fall);
    auto& sample = pcm[pcm.size() - fall + i];
    sample = static_cast<std::int16_t>(std::lround(sample * left * left));
  }
  return pcm;
}

// Makes answers up from the script, with service times of its own.
class ScriptEngine final : public voice::Engine {
 public:
  explicit ScriptEngine(const std::vector<Line>& script) : script_(script) {}

  void request(const voice::Request& request) override {
    using voice::from_ms;
    if (const auto* stt = std::get_if<voice::SttRequest>(&request)) {
      // The caller's words reach us some 100 ms after he said them.
      const auto begin = stt->at - static_cast<voice::Samples>(stt->pcm->size());
      std::string text;
      for (const Line& line : script_) {
        const voice::Samples said = from_ms(line.at_ms + 100);
        if (said < begin || said >= stt->at || line.text.empty()) continue;
        text += (text.empty() ? "" : " ") + line.text;
      }
      const auto service = static_cast<voice::Samples>(random_.below(3000)) + from_ms(60);
      answers_.emplace_back(voice::SttResult{stt->id, text, 0.95F, service});
    } else if (const auto* tts = std::get_if<voice::TtsRequest>(&request)) {
      const voice::Pcm pcm = voice_of(tts->text);
      voice::Samples service = from_ms(15) + static_cast<voice::Samples>(random_.below(400));
      for (std::size_t at = 0; at < pcm.size(); at += 4000) { // flite's chunks
        const auto from = pcm.begin() + static_cast<std::ptrdiff_t>(at);
        const auto to = pcm.begin() + static_cast<std::ptrdiff_t>(std::min(pcm.size(), at + 4000));
        answers_.emplace_back(
            voice::TtsChunk{tts->id, voice::Pcm(from, to), at + 4000 >= pcm.size(), service});
        service += 60;
      }
    }
  }
  std::optional<voice::Answer> poll() override {
    if (next_ == answers_.size()) return std::nullopt;
    return answers_[next_++];
  }

 private:
  const std::vector<Line>& script_;
  Random random_{77};
  std::vector<voice::Answer> answers_;
  std::size_t next_ = 0;
};

inline std::shared_ptr<const flow::Flow> shipped_flow() {
  std::ifstream file(TALKY_FLOWS "/front-desk.yaml");
  std::stringstream text;
  text << file.rdbuf();
  return flow::Flow::parse(text.str()).flow;
}

class ConversationRun {
 public:
  struct Options {
    std::vector<Line> script;
    Impairment impairment;
    std::uint64_t seed = 1;
    std::shared_ptr<const voice::Cassette> cassette; // null: the script answers, and is recorded
  };

  explicit ConversationRun(Options options)
      : options_(std::move(options)),
        world_(Network(options_.impairment, options_.seed)),
        caller_("caller", kCallerIp, {}, 11, log_),
        desk_("desk", kDeskIp, {}, 12, log_) {
    world_.attach(kCallerIp, caller_);
    world_.attach(kDeskIp, desk_);
    caller_.on_event = [this](call::Output& output, Time now) { on_caller(output, now); };
    desk_.on_event = [this](call::Output& output, Time now) { on_desk(output, now); };
    if (options_.cassette) {
      vad_ = std::make_unique<voice::PlayingVad>(options_.cassette);
      engine_ = std::make_unique<voice::CassetteEngine>(options_.cassette);
    } else {
      vad_ = std::make_unique<voice::RecordingVad>(level_, writer_);
      engine_ = std::make_unique<ScriptEngine>(options_.script);
    }
    voice::Config config;
    config.silence = voice::from_ms(5000);
    session_ =
        std::make_unique<voice::Session>(config, flow::make_dialogue(shipped_flow()), *vad_, Random(kSeed));
  }

  // Until the call has ended, or `limit` has passed. Gives the length of the conversation.
  Duration run(Duration limit) {
    const Time begin = world_.now();
    world_.at(begin, [this](Time now) { dial(now); });
    while (!ended && world_.now() - begin < limit)
      world_.run_until(world_.now() + std::chrono::milliseconds(500));
    const Duration length = world_.now() - begin;
    world_.run_until(world_.now() + std::chrono::seconds(40)); // transactions die
    writer_.finish();
    while (auto line = writer_.poll())
      cassette += *line + '\n';
    return length;
  }

  const std::string& log() const { return log_.text(); }
  const std::vector<std::int16_t>& heard_by_caller() { return caller_.heard[caller_call_]; }
  std::size_t missing() const {
    const auto* engine = dynamic_cast<const voice::CassetteEngine*>(engine_.get());
    return engine == nullptr ? 0 : engine->missing();
  }

  // What came out.
  std::vector<std::string> journal;
  voice::Pcm agent_audio; // as the session gave it to the media
  std::string cassette;   // of a run from the script
  bool ended = false;
  call::EndCause cause{};
  bool ended_by_desk = false;

 private:
  static constexpr std::uint64_t kSeed = 4711;

  void dial(Time now) {
    call::InviteOptions invite;
    invite.target = "sip:100@10.0.0.2";
    invite.from = "sip:anna@10.0.0.1";
    invite.flow = caller_.flow_to(kDeskIp);
    invite.media = caller_.next_media();
    const auto call = caller_.agent.invite(invite, now);
    if (!call) return;
    caller_call_ = *call;
    caller_.bind(invite.media, *call);
    caller_.agent.attach_bridge(*call);
  }

  void on_caller(call::Output& output, Time now) {
    if (const auto* done = std::get_if<call::CallEnded>(&output)) {
      ended = true;
      cause = done->cause;
      ended_by_desk = done->by_peer;
    }
    if (!std::holds_alternative<call::CallAnswered>(output)) return;
    for (std::size_t i = 0; i < options_.script.size(); ++i) {
      const Line& line = options_.script[i];
      world_.at(now + std::chrono::milliseconds(line.at_ms), [this, &line, i](Time then) {
        if (!line.digits.empty()) {
          (void)caller_.agent.dtmf(caller_call_, line.digits, std::chrono::milliseconds(100), then);
        } else {
          (void)caller_.agent.play(caller_call_, spoken(line, i));
        }
      });
    }
  }

  // What talky-sipd and talky-agent do between them, without the socket.
  void on_desk(call::Output& output, Time now) {
    if (const auto* incoming = std::get_if<call::IncomingCall>(&output)) {
      desk_call_ = incoming->call;
      call::AcceptOptions accept;
      accept.media = desk_.next_media();
      desk_.bind(accept.media, desk_call_);
      (void)desk_.agent.accept(desk_call_, accept, now);
      (void)desk_.agent.attach_bridge(desk_call_);
      voice::in::Start start;
      start.call_id = "9e0e9c86-4b0f-4a5b-8a43-1d8a1a9a0001";
      start.from = incoming->from;
      start.to = incoming->to;
      start.moment = {2026, 11, 23, 10, 15};
      if (!options_.cassette) writer_.start(start, kSeed);
      session_->control(start);
    } else if (const auto* audio = std::get_if<call::CallerAudio>(&output)) {
      session_->receive(audio->frame.samples);
    } else if (const auto* mark = std::get_if<call::MarkPassed>(&output)) {
      if (!mark->discarded)
        session_->control(voice::in::Mark{mark->name, static_cast<voice::Samples>(mark->samples_played)});
    } else if (const auto* key = std::get_if<call::DtmfPressed>(&output)) {
      session_->control(voice::in::Dtmf{key->digit});
    } else if (std::holds_alternative<call::Held>(output)) {
      session_->control(voice::in::Hold{});
    } else if (std::holds_alternative<call::Resumed>(output)) {
      session_->control(voice::in::Resume{});
    } else if (const auto* done = std::get_if<call::CallEnded>(&output)) {
      session_->control(voice::in::Stop{std::string(to_string(done->cause))});
    }
    pump(now);
  }

  void pump(Time now) {
    for (bool more = true; more;) {
      more = false;
      while (auto output = session_->poll()) {
        std::visit([&](auto& o) { act(o, now); }, *output);
        more = true;
      }
      while (auto answer = engine_->poll()) {
        session_->answer(options_.cassette ? *answer : writer_.answer(*answer, session_->now()));
        more = true;
      }
    }
  }

  void act(const voice::out::Audio& audio, Time) {
    agent_audio.insert(agent_audio.end(), audio.pcm.begin(), audio.pcm.end());
    (void)desk_.agent.play(desk_call_, audio.pcm);
  }
  void act(const voice::out::Clear&, Time) {
    if (const auto cleared = desk_.agent.clear(desk_call_))
      session_->control(voice::in::Cleared{static_cast<voice::Samples>(cleared->discarded),
                                           static_cast<voice::Samples>(cleared->played)});
  }
  void act(const voice::out::Duck& duck, Time) { (void)desk_.agent.duck(desk_call_, duck.on); }
  void act(const voice::out::Mark& mark, Time) { (void)desk_.agent.mark(desk_call_, mark.name); }
  void act(const voice::out::Hangup& hangup, Time now) {
    (void)desk_.agent.hangup(desk_call_, hangup.reason, true, now);
  }
  void act(const voice::out::Transfer& transfer, Time now) {
    (void)desk_.agent.transfer(desk_call_, transfer.target, now);
  }
  void act(const voice::out::Dtmf& dtmf, Time now) {
    (void)desk_.agent.dtmf(desk_call_, dtmf.digits, std::chrono::milliseconds(100), now);
  }
  void act(const voice::out::Turn&, Time) {}
  void act(const voice::JournalLine& line, Time) { journal.push_back(line.text); }
  template <class Asked>
  void act(const Asked& request, Time) {
    if (!options_.cassette) writer_.request(request);
    engine_->request(request);
  }

  Options options_;
  Log log_;
  World world_;
  AgentNode caller_, desk_;
  call::CallKey caller_call_ = 0, desk_call_ = 0;
  LevelVad level_;
  voice::CassetteWriter writer_;
  std::unique_ptr<voice::VoiceActivity> vad_;
  std::unique_ptr<voice::Engine> engine_;
  std::unique_ptr<voice::Session> session_;
};

} // namespace talky::sim
