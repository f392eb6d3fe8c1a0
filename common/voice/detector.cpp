#include "voice/detector.hpp"

namespace talky::voice {

SpeechDetector::Event SpeechDetector::push(float probability, Samples end) {
  const Samples begin = end - config_.window;
  switch (state_) {
    case State::quiet:
      if (probability < config_.on) return Event::none;
      state_ = State::rising;
      begin_ = begin;
      break;
    case State::rising:
      if (probability < config_.off) {
        state_ = State::quiet;
        return Event::none;
      }
      break;
    case State::speech:
      if (probability >= config_.off) return Event::none;
      state_ = State::quiet;
      end_ = begin;
      return Event::ended;
  }
  if (end - begin_ < config_.min_speech) return Event::none;
  state_ = State::speech;
  return Event::started;
}

} // namespace talky::voice
