#include "media/media_source.hpp"

#include <algorithm>

namespace talky::media {

namespace {
constexpr Duration kFallenSilent = std::chrono::milliseconds(100); // five packets
} // namespace

Endpoint MediaSource::target() const {
  if (latched_) return *latched_;
  const bool known = signalled_.port != 0 && !signalled_.ip.is_unspecified();
  if (known && invited()) return signalled_;
  return source_.value_or(known ? Endpoint{} : signalled_);
}

bool MediaSource::invited() const {
  return vouched_ || peer_.is_unspecified() || signalled_.ip == peer_;
}

bool MediaSource::awaits_media() const {
  const bool known = signalled_.port != 0 && !signalled_.ip.is_unspecified();
  return known && !invited() && !source_;
}

bool MediaSource::trusts(const Endpoint& from) const {
  return from == signalled_ || from.ip == signalled_.ip || from.ip == peer_;
}

bool MediaSource::may_take_over(const Endpoint& from, std::uint32_t ssrc, Time now) const {
  if (from == signalled_) return true;
  const bool fell_silent = now - last_ >= kFallenSilent;
  if (from.ip == source_->ip) return ssrc == ssrc_ || fell_silent;
  if (trusts(from)) return !trusts(*source_) || fell_silent;
  return !confirmed() && !trusts(*source_) && fell_silent;
}

MediaSource::Verdict MediaSource::adopt(const Endpoint& from, std::uint32_t ssrc, Time now) {
  source_ = from;
  ssrc_ = ssrc;
  last_ = now;
  packets_ = from == signalled_ ? kConfirm : 1;
  candidate_packets_ = 0;
  if (packets_ < kConfirm) return Verdict::accept;
  latched_ = from;
  return Verdict::confirmed;
}

// A new SSRC from the source that has our ear.
bool MediaSource::believe(std::uint32_t ssrc, std::uint16_t sequence, Time now) {
  if (candidate_packets_ > 0 && candidate_ == ssrc && candidate_next_ == sequence) {
    ++candidate_packets_;
  } else {
    candidate_ = ssrc;
    candidate_packets_ = 1;
  }
  candidate_next_ = static_cast<std::uint16_t>(sequence + 1);
  return candidate_packets_ >= kConfirm || now - last_ >= kFallenSilent;
}

MediaSource::Verdict MediaSource::check(const Endpoint& from, std::uint32_t ssrc, std::uint16_t sequence,
                                        Time now) {
  if (!source_) return adopt(from, ssrc, now);
  if (from != *source_) return may_take_over(from, ssrc, now) ? adopt(from, ssrc, now) : Verdict::foreign;
  if (ssrc != ssrc_) {
    if (!believe(ssrc, sequence, now)) return Verdict::foreign;
    ssrc_ = ssrc;
  }
  candidate_packets_ = 0;
  last_ = now;
  if (packets_ >= kConfirm) return Verdict::accept;
  if (++packets_ < kConfirm) return Verdict::accept;
  latched_ = from;
  return Verdict::confirmed;
}

void MediaSource::signal(const Endpoint& signalled) {
  if (signalled != signalled_) {
    source_.reset();
    latched_.reset();
  }
  signalled_ = signalled;
  packets_ = 0;
}

} // namespace talky::media
