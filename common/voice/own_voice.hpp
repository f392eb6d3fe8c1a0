// What the agent has said lately, and when: words of it that come back from the caller's side are an echo,
// and no turn. The second line behind the bridge's canceller, for bridges that have none. Not public.
#pragma once
#include <deque>
#include <string>
#include <string_view>

#include "voice/engine.hpp"

namespace talky::voice {

class OwnVoice {
 public:
  // A sentence can be heard from `at` on; more of it until `at`; nothing more from `at` on.
  void begins(std::string text, Samples at);
  void goes_on(Samples until);
  void stops(Samples at);

  // Is a turn with speech from `begin` to `end` what the agent said then, in its order, as far as a
  // recogniser hears it? Not for one or two words: they may well be the answer to what is being asked. Nor
  // for what goes on longer than an echo could: somebody repeats what they have heard.
  bool comes_back(Samples begin, Samples end, std::string_view text) const;

 private:
  struct Sentence {
    std::string text;
    Samples begin;
    Samples end;
  };
  std::deque<Sentence> said_; // the last few
};

} // namespace talky::voice
