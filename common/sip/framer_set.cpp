#include "sip/framer_set.hpp"

namespace talky::sip {

Framer& FramerSet::feed(std::uint64_t connection, std::string_view bytes) {
  Framer& framer = streams_[connection].framer;
  framer.feed(bytes);
  return framer;
}

void FramerSet::drained(std::uint64_t connection, bool whole, Time now) {
  const auto it = streams_.find(connection);
  if (it == streams_.end()) return;
  Stream& stream = it->second;
  if (stream.framer.buffered() == 0) {
    stream.until.reset();
  } else if (whole || !stream.until) {
    stream.until = now + limit_;
    next_ = earlier(next_, stream.until);
  }
}

std::vector<std::uint64_t> FramerSet::expire(Time now) {
  std::vector<std::uint64_t> out;
  if (!next_ || now < *next_) return out;
  next_.reset();
  for (auto it = streams_.begin(); it != streams_.end();) {
    const auto until = it->second.until;
    if (until && *until <= now) {
      out.push_back(it->first);
      it = streams_.erase(it);
    } else {
      next_ = earlier(next_, until);
      ++it;
    }
  }
  return out;
}

} // namespace talky::sip
