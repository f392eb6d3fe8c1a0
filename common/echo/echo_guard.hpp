// Keeps the agent from hearing itself: looks for an echo of what was sent in what the caller's side returns,
// and cancels it where there is one.
//
//   automatic  While there is no echo the caller's samples go through untouched, and it costs next to
//   nothing:
//              the delay is measured in the first seconds of the agent's speech, then again only when the
//              caller's side becomes loud while the agent speaks (somebody has turned the loudspeaker on).
//              The canceller is made when an echo has been found, and given up when it has stayed away.
//   always     A canceller from the first frame on, whose delay is set when it has been measured.
//
// Once there is a canceller the delay is measured on and followed: when it jumps (a jitter buffer has
// adapted) or has drifted, a new canceller takes over that has been shown the last 120 ms.
//
// Frames are 20 ms of 16 kHz, aligned: `sent_before` is what really left us in the 20 ms before the caller's.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/time.hpp"
#include "echo/delay_estimator.hpp"
#include "echo/echo_canceller.hpp"
#include "echo/sound_history.hpp"

namespace talky::echo {

enum class Mode : std::uint8_t { off, automatic, always };

// What is known of a call's echo.
struct EchoMeasure {
  Duration delay{0};     // from sending a sample to hearing its echo
  double level_db = 0;   // of the echo, relative to what was sent
  double removed_db = 0; // how much weaker it is behind the canceller (ERLE); 0: not known yet
  bool cancelled = true; // by us, now

  bool operator==(const EchoMeasure&) const = default;
};

class EchoGuard {
 public:
  explicit EchoGuard(Mode mode);

  // What goes to the agent: `caller` itself, or a frame that is valid until the next call.
  FrameView process(FrameView caller, FrameView sent_before);

  // nullopt: there has been no echo in this call, or what looked like one was none.
  std::optional<EchoMeasure> measured() const;
  // An echo has been found, or its delay has changed by more than 20 ms, or it has gone; once for each.
  std::optional<EchoMeasure> poll();

 private:
  // What tells whether it is worth looking for an echo.
  class Attention {
   public:
    // With the mean squares of two frames; true: both sides have, or had, sound.
    bool needed(double caller, double sent);
    void rest() { resting_ = true; }
    bool agent_spoke() const { return since_speech_ == 0; }
    void listened(double caller); // while it is looked for: what the line sounds like

   private:
    bool resting_ = false;             // there was no echo: only something new is looked at
    std::size_t since_speech_ = 1'000; // frames since the agent spoke
    double block_ = 0;                 // mean squares of the caller, in blocks
    std::size_t block_frames_ = 0;
    std::optional<double> noise_; // the quietest block
  };
  // A delay that the estimator has named several times in a row.
  class Confirmation {
   public:
    bool add(const DelayEstimator& estimator); // false: this frame was not compared
    std::optional<std::size_t> delay(std::size_t times, double score) const;

   private:
    std::size_t frames_ = 0; // of the estimator, when it was asked last
    std::size_t times_ = 0;
    std::size_t last_ = 0; // delay
    double score_ = 0;
  };
  // How strong the echo is, and what is left of it: of the frames of which most was taken away.
  struct Strength {
    double echo = 0, sent = 0, left = 0;
    void add(double caller, double held, double out);
  };
  struct Search {
    SoundHistory history;
    DelayEstimator estimator;
    Confirmation quick;
    std::size_t frames = 0; // in which the agent spoke, since it began or an echo was heard last
  };

  void look();
  void follow(bool compared);
  void lock(std::size_t delay);
  void let_go();

  Mode mode_;
  Attention attention_;
  std::unique_ptr<Search> search_;
  std::optional<EchoCanceller> canceller_;
  std::size_t delay_ = 0; // samples; of the canceller
  bool known_ = false;    // delay_ has been measured
  bool proven_ = false;   // and was confirmed beyond doubt
  std::size_t trial_frames_ = 0;
  Strength strength_;
  double first_level_db_ = 0; // of the echo, before the canceller could say
  FrameBuffer out_{};
  std::optional<EchoMeasure> change_;
  std::optional<Duration> reported_;
};

} // namespace talky::echo
