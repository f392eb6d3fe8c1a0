// What can be set of a session; the defaults are those of a telephone call.
#pragma once
#include <cstdint>
#include <string>

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

  // End of turn: pause after which the recogniser is asked on suspicion, and pauses that end the turn, from
  // the last sample of speech. The dialogue says of the words so far whether they are complete ("yes"), open,
  // clearly unfinished ("um"), or a part of a number. In the first two cases the voice shortens or lengthens
  // the pause (end_of_turn.hpp).
  Samples speculate_after = from_ms(100);
  Samples pause_complete = from_ms(280);
  Samples pause_complete_most = from_ms(600);
  Samples pause_open = from_ms(400);
  Samples pause_open_most = from_ms(1'100);
  Samples pause_unfinished = from_ms(1'600);
  Samples pause_partial = from_ms(2'400);

  // The end of a turn is a bet: whoever goes on within `take_back` of the answer's first sample, or within
  // `take_back_pause` of their own last one, has not finished. Nothing acts outside the call before.
  Samples take_back = from_ms(1'000);
  Samples take_back_pause = from_ms(1'700);

  // Barge-in: so much speech over the agent's ducks it. Then its words are asked for every `overhear`, and
  // stop the agent as soon as they are no back-channel. Before they are known speech of `barge_in` does;
  // where none but back-channels are heard, `barge_in_long`.
  Samples duck = from_ms(50);
  Samples overhear = from_ms(128);
  Samples barge_in = from_ms(288);
  Samples barge_in_long = from_ms(1'200);

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

} // namespace talky::voice
