#include "echo/sound_history.hpp"

#include <algorithm>

namespace talky::echo {

SoundHistory::SoundHistory() : caller_(kCaller), sent_(kSent) {}

void SoundHistory::Line::push(FrameView frame) {
  if (end + frame.size() > samples.size()) {
    std::copy(samples.begin() + static_cast<std::ptrdiff_t>(end - kept),
              samples.begin() + static_cast<std::ptrdiff_t>(end), samples.begin());
    end = kept;
  }
  std::copy(frame.begin(), frame.end(), samples.begin() + static_cast<std::ptrdiff_t>(end));
  end += frame.size();
}

FrameView SoundHistory::Line::back(std::size_t samples_before_end) const {
  return FrameView(samples.data() + end - samples_before_end - kFrame, kFrame);
}

void SoundHistory::push(FrameView caller, FrameView sent_before) {
  caller_.push(caller);
  sent_.push(sent_before);
}

FrameView SoundHistory::caller(std::size_t ago) const {
  return caller_.back(ago * kFrame);
}

FrameView SoundHistory::sent(std::size_t ago, std::size_t hold) const {
  return sent_.back(ago * kFrame + hold - kFrame); // what was pushed last is a frame older than the caller's
}

} // namespace talky::echo
