// One conversation with one caller: turn-taking over the engines (engine.hpp), a dialogue (dialogue.hpp) and
// the bridge (control.hpp). A core: no clock, files, threads or sockets. Its time is the count of the
// caller's samples.
//
//   session.control(in::Start{...});          // first: the greeting is asked for at once
//   for each caller frame of 20 ms:
//     session.receive(frame);                 // advances media time by 320 samples
//     while (auto output = session.poll()) ...  // audio, control, engine requests, journal lines
//   at any time between: session.answer(...) as engines answer, session.control(...) as the bridge reports.
//
// Answers and timers act at the start of a receive(): an answer that came during a frame acts with the next
// one, and the same calls in the same order give the same outputs, byte for byte.
//
// Life of a turn: caller's speech is found by voice activity with hysteresis; in its pauses the recogniser is
// asked speculatively; when the pause is long enough for what was said, the turn ends, the dialogue answers,
// and the answer is synthesised sentence by sentence. Speech of the caller over the agent stops the agent; if
// no words come of it, the agent says the interrupted sentence again. At every moment the session speaks,
// waits for an engine with a time-out, listens with a silence timer, or has ended: see deadline().
//
// Its parts, each with a state of its own: Listener (the caller's turn: voice activity, the pause that ends
// it by its words), BargeIn (does it interrupt?), AgentTurn (the answer, taken back, interrupted, resumed),
// SpeechPlayer (its sentences, synthesised, sent and followed), AnswerQueue (what the engines answered).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/random.hpp"
#include "voice/config.hpp"
#include "voice/control.hpp"
#include "voice/dialogue.hpp"
#include "voice/engine.hpp"
#include "voice/output.hpp"

namespace talky::voice {

class Session {
 public:
  // `vad` is borrowed and must outlive the session.
  Session(Config config, std::unique_ptr<Dialogue> dialogue, VoiceActivity& vad, Random random);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // The next 20 ms of the caller. A short frame is padded with silence, a long one is cut. After the end it
  // is ignored, save that in lockstep a frame of silence still comes out.
  void receive(std::span<const std::int16_t> frame);
  void control(const Control& control);
  // An answer nobody waits for (cancelled, answered before, unknown) is ignored.
  void answer(const Answer& answer);
  std::optional<Output> poll();

  // Samples received so far.
  Samples now() const;
  // Media time at which something happens if nothing comes in but silence: a time-out, a prompt, the next
  // frame of speech. Only a session that has ended (or was not started) has none.
  std::optional<Samples> deadline() const;
  // Hung up or stopped: nothing more will be said.
  bool ended() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::voice
