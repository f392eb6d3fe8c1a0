#include "conversation.hpp"

#include <algorithm>

namespace talky::replay {

// Two loud frames in a row begin a spurt, quiet_ms without one end it.
void Conversation::listen(std::uint64_t first_sample, bool loud) {
  if (loud) {
    if (loud_frames_++ == 0) loud_begin_ = first_sample;
    if (!talking_ && loud_frames_ >= 2) {
      talking_ = true;
      spurts_.push_back({loud_begin_, first_sample + kFrame});
    }
    if (talking_) spurts_.back().end = first_sample + kFrame;
    last_loud_ = first_sample + kFrame;
  } else {
    loud_frames_ = 0;
    if (talking_ && first_sample + kFrame - last_loud_ >= ms(options_.quiet_ms)) talking_ = false;
  }
}

bool Conversation::spoke_since(std::uint64_t sample) const {
  return !spurts_.empty() && spurts_.back().end > sample;
}

void Conversation::begin_step(std::uint64_t now) {
  if (next_ == script_.size()) {
    state_ = State::lingering;
    until_ = now + ms(options_.linger_ms);
    return;
  }
  const Step& step = script_[next_];
  state_ = State::speaking;
  until_ = now + step.pcm.size();
  switch (step.kind) {
    case Step::Kind::speech:
      actions_.emplace_back(Speak{next_});
      turns_.push_back({step.name, true, now + step.speech_begin, now + step.speech_end, std::nullopt,
                        std::nullopt, false});
      break;
    case Step::Kind::dtmf: {
      actions_.emplace_back(Press{next_});
      // A key takes 100 ms and 100 ms of rest, a comma a second.
      const auto commas = static_cast<std::uint64_t>(std::count(step.digits.begin(), step.digits.end(), ','));
      until_ = now + (step.digits.size() - commas) * ms(200) + commas * ms(1000);
      turns_.push_back({step.name, false, now, until_, std::nullopt, std::nullopt, false});
      break;
    }
    case Step::Kind::pause: break;
  }
  ++next_;
}

void Conversation::receive(std::uint64_t first_sample, std::span<const std::int16_t> agent) {
  listen(first_sample, is_loud(agent));
  for (State before = State::finished; before != state_;) { // several steps may fall into one frame
    before = state_;
    switch (state_) {
      case State::greeting: {
        const bool heard = !spurts_.empty() && !talking_;
        const bool silent = spurts_.empty() && first_sample >= ms(options_.greeting_timeout_ms);
        if (!options_.wait_greeting || heard || silent) state_ = State::ready;
        break;
      }
      case State::ready: begin_step(first_sample); break;
      case State::speaking: {
        const bool pause = next_ > 0 && script_[next_ - 1].kind == Step::Kind::pause;
        if (!options_.wait_answers || pause) {
          // What follows without waiting is queued within the frame in which this ends, so that no gap comes
          // between.
          if (first_sample + kFrame > until_) begin_step(until_);
          break;
        }
        if (first_sample < until_) break;
        since_ = turns_.empty() ? until_ : turns_.back().speech_end;
        state_ = State::answer;
        break;
      }
      case State::answer: {
        const bool answered = spoke_since(since_) && !talking_;
        const bool silent = !spoke_since(since_) && first_sample >= since_ + ms(options_.answer_timeout_ms);
        if (answered || silent) state_ = State::ready;
        break;
      }
      case State::lingering:
        if (first_sample < until_) break;
        // Without waiting for answers the last one is still waited for.
        if (!options_.wait_answers && talking_) break;
        actions_.emplace_back(HangUp{});
        state_ = State::finished;
        break;
      case State::finished: break;
    }
  }
}

std::optional<Conversation::Action> Conversation::poll() {
  if (actions_.empty()) return std::nullopt;
  const Action action = actions_.front();
  actions_.pop_front();
  return action;
}

std::vector<Turn> Conversation::turns() const {
  std::vector<Turn> turns = turns_;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    Turn& turn = turns[i];
    const std::uint64_t limit = i + 1 < turns.size() ? turns[i + 1].speech_begin : ~std::uint64_t{0};
    for (const Spurt& spurt : spurts_) {
      if (spurt.begin < turn.speech_end && spurt.end > turn.speech_end) turn.overlap = true;
      if (!turn.answer_begin && spurt.begin >= turn.speech_end && spurt.begin < limit) {
        turn.answer_begin = spurt.begin;
      }
      if (turn.answer_begin && spurt.begin >= turn.speech_end && spurt.begin < limit)
        turn.answer_end = spurt.end;
    }
  }
  return turns;
}

std::optional<Spurt> Conversation::greeting() const {
  const std::uint64_t limit = turns_.empty() ? ~std::uint64_t{0} : turns_.front().speech_begin;
  if (spurts_.empty() || spurts_.front().begin >= limit) return std::nullopt;
  Spurt greeting = spurts_.front();
  for (const Spurt& spurt : spurts_) {
    if (spurt.begin < limit) greeting.end = spurt.end;
  }
  return greeting;
}

} // namespace talky::replay
