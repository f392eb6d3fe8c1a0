// What a browser has played of the agent's voice, as far as it says so. With `reports` it tells how many
// samples have left its loudspeaker's buffer: marks are passed when it has played what came before them, and
// a clear waits for its last word. Without, what was sent counts as heard. Where somebody talks in while the
// agent has nothing to say, the browser is sent more than the agent's samples: the ledger knows whose they
// are.
//
// Samples are of 16 kHz; counts of the browser are of all that it was sent. Pure.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "core/time.hpp"
#include "ipc/control.hpp"
#include "media/media.hpp"
#include "media/playout_ledger.hpp"

namespace talky::sipd {

class BrowserPlayout {
 public:
  explicit BrowserPlayout(bool reports) : reports_(reports) {}

  // ---- From the call
  void sent(std::uint64_t of_agent, std::uint64_t of_others);
  void mark(std::string name, std::uint64_t position, Time now); // position: as Media counts
  // The queue here has been cleared, and the browser has been told to. The answer for the session; nullopt:
  // it comes later, by settle() or cleared(). `position`: samples that Media had played.
  std::optional<ipc::Cleared> clear(const media::Cleared& queue, std::uint64_t position);
  // A clear that waits makes do with what is known, or with what the browser will have played by now;
  // nullopt: none waits.
  std::optional<ipc::Cleared> settle() { return settle(played_); }
  std::optional<ipc::Cleared> settle_unanswered(Time now);

  // ---- From the browser
  void skipped(std::uint64_t in_all); // left out on the way, as it says
  void played(std::uint64_t samples, Time now);
  std::optional<ipc::Cleared> cleared(std::uint64_t samples, Time now); // its answer to a clear

  // ---- What came of it
  struct Passed {
    std::string name;
    std::uint64_t played = 0; // samples of the agent
  };
  std::optional<Passed> poll(Time now);
  bool is_waiting() const { return reports_ && (clearing_ || played_ < streamed_); } // it has more to play

 private:
  std::optional<ipc::Cleared> settle(std::uint64_t samples);
  std::uint64_t heard() const {
    return stream_.played(media::PlayoutLedger::Owner::agent, played_) - settled_;
  }
  std::uint64_t take_left_out();

  const bool reports_;
  media::PlayoutLedger stream_; // what was sent and has not been thrown away
  std::uint64_t streamed_ = 0;  // all of stream_
  std::uint64_t played_ = 0;    // of streamed_
  std::uint64_t unheard_ = 0;   // of the agent's that the browser has thrown away
  // What was left out on the way has passed, and a sentence that is over has passed with it; of one that is
  // interrupted it is no part of what was heard.
  std::uint64_t skipped_ = 0;  // left out in all, as the browser says
  std::uint64_t left_out_ = 0; // of that, since the last mark
  std::uint64_t settled_ = 0;  // of that, taken from what was heard, and in unheard_
  struct Mark {
    std::string name;
    std::uint64_t position; // as Media counts
    Time limit;             // it is passed then, whatever the browser says
  };
  std::deque<Mark> marks_;
  struct Clearing {
    std::uint64_t discarded; // of the queue here
    std::uint64_t position;  // as Media counted at the clear
    std::uint64_t streamed;  // streamed_ then
  };
  std::optional<Clearing> clearing_;
  std::uint64_t clears_asked_ = 0, clears_answered_ = 0;
  Time last_report_{};
};

} // namespace talky::sipd
