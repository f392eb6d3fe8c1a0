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
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "core/random.hpp"
#include "voice/control.hpp"
#include "voice/dialogue.hpp"
#include "voice/engine.hpp"

namespace talky::voice {

struct Config {
  // Voice activity: speech starts at `vad_on`, ends below `vad_off`; shorter speech than `min_speech` is a
  // click.
  float vad_on = 0.5F;
  float vad_off = 0.35F;
  Samples min_speech = from_ms(50);
  Samples pre_roll = from_ms(256); // audio kept from before the start of speech
  Samples max_utterance = from_ms(30'000);

  // End of turn: pause after which the recogniser is asked on suspicion, and pauses that end the turn. The
  // dialogue says of the words so far whether they are complete ("yes"), open, or clearly unfinished ("um").
  Samples speculate_after = from_ms(160);
  Samples pause_complete = from_ms(320);
  Samples pause_open = from_ms(500);
  Samples pause_unfinished = from_ms(1'200);

  // Barge-in: this much speech over the agent's stops it. After a false interruption within the same answer
  // the next one must last `barge_in_again`, so that noise cannot keep the agent from speaking.
  Samples barge_in = from_ms(64);
  Samples barge_in_again = from_ms(500);

  // Nobody speaks: prompt again after `silence`, `silence_prompts` times, then goodbye and hang-up.
  Samples silence = from_ms(7'000);
  int silence_prompts = 2;
  Samples dtmf_pause = from_ms(1'800); // ends a number typed in digits
  Samples hold_limit = from_ms(std::int64_t{30} * 60 * 1'000);

  // An engine that does not answer in time has failed.
  Samples stt_timeout = from_ms(6'000);
  Samples tts_timeout = from_ms(3'000); // first chunk, and from chunk to chunk
  Samples llm_timeout = from_ms(10'000);
  int engine_failures = 3; // in a row, then apology and hang-up

  // Lockstep: exactly one whole frame out for each frame in, silence where there is nothing to say. Else only
  // speech is sent, up to `lead` ahead of media time, so that the bridge's queue rides out a late wake-up.
  bool lockstep = false;
  Samples lead = from_ms(60);
  // The bridge answers `mark` and `cleared`. Without (stdin/stdout) audio counts as heard when it is sent. A
  // bridge that promises reports and does not send them costs `report_timeout`, nothing else.
  bool reports = true;
  Samples report_timeout = from_ms(2'000);

  std::string voice = "Sophia"; // unless the dialogue names one
};

// A line of the journal (journal.hpp), without its line end.
struct JournalLine {
  std::string text;
};

using Output = std::variant<out::Audio, out::Clear, out::Mark, out::Hangup, out::Transfer, out::Dtmf,
                            out::Turn, SttRequest, TtsRequest, LlmRequest, Cancel, JournalLine>;

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
