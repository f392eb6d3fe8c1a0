#include "capture/sip_streams.hpp"

#include <algorithm>

#include "core/ascii.hpp"

namespace talky::capture {

bool looks_like_sip(Bytes payload) {
  if (payload.size() < 16) return false;
  const char first = static_cast<char>(payload[0]);
  if (!ascii::is_alpha(first)) return false;
  const std::string_view text = as_text(payload.first(std::min<std::size_t>(payload.size(), 1024)));
  if (text.starts_with("SIP/2.0 ")) return true;
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  return line.find(" SIP/") != std::string_view::npos;
}

namespace {

// As looks_like_sip(), where the first line may go on in the next segment; or keep-alives.
bool may_begin_sip(Bytes payload) {
  const std::string_view text = as_text(payload);
  if (looks_like_sip(payload) || text.starts_with('\r')) return true;
  return !text.empty() && ascii::is_alpha(text[0]) && text.size() < 1024 &&
         text.find('\n') == std::string_view::npos;
}

} // namespace

bool SipStreams::add(const file::Segment& segment, const Receive& receive) {
  if (segment.transport != file::Transport::tcp) {
    if (!looks_like_sip(segment.payload)) return false;
    receive(as_text(segment.payload));
    return true;
  }
  Direction* direction = direction_of(segment);
  if (direction == nullptr || direction->dead) return true;
  direction->last_ns = segment.time_ns;
  std::string_view text = as_text(segment.payload);
  const auto ahead = static_cast<std::int32_t>(segment.tcp_sequence - direction->next);
  if (ahead > 0) { // out of order, or lost in the capture
    direction->early_bytes += text.size();
    if (direction->early.size() >= kMaxWaiting || direction->early_bytes > kMaxWaitingBytes) {
      *direction = Direction{};
      // What is missing will not come: taken up again where a message begins.
      if (looks_like_sip(segment.payload)) {
        direction->next = segment.tcp_sequence + static_cast<std::uint32_t>(text.size());
        direction->framer.feed(text);
        drain(*direction, receive);
      } else {
        direction->dead = true;
      }
      return true;
    }
    direction->early.emplace(segment.tcp_sequence, text);
    return true;
  }
  if (direction->fresh) {
    direction->fresh = false;
    if (!may_begin_sip(segment.payload)) {
      direction->dead = true;
      return true;
    }
  }
  const auto behind = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
  if (behind >= text.size()) return true; // sent again
  text.remove_prefix(behind);
  direction->next += static_cast<std::uint32_t>(text.size());
  direction->framer.feed(text);
  take_early(*direction);
  drain(*direction, receive);
  return true;
}

// nullptr: nothing to be read from this segment.
SipStreams::Direction* SipStreams::direction_of(const file::Segment& segment) {
  const Pair pair{segment.from, segment.to};
  auto found = tcp_.find(pair);
  if (segment.tcp_syn) {
    if (found != tcp_.end()) tcp_.erase(found);
    Direction& fresh = make(pair);
    fresh.next = segment.tcp_sequence + 1;
    fresh.fresh = true;
    fresh.last_ns = segment.time_ns;
    return nullptr;
  }
  if (segment.payload.empty()) {
    if (segment.tcp_fin && found != tcp_.end()) tcp_.erase(found);
    return nullptr;
  }
  if (found != tcp_.end() && !(found->second.dead && looks_like_sip(segment.payload))) return &found->second;
  // In the middle of a connection: taken up where a message starts.
  if (!looks_like_sip(segment.payload)) return nullptr;
  if (found != tcp_.end()) tcp_.erase(found);
  Direction& direction = make(pair);
  direction.next = segment.tcp_sequence;
  return &direction;
}

SipStreams::Direction& SipStreams::make(const Pair& pair) {
  if (tcp_.size() >= kMaxTcp) {
    tcp_.erase(std::min_element(tcp_.begin(), tcp_.end(), [](const auto& a, const auto& b) {
      return a.second.last_ns < b.second.last_ns;
    }));
  }
  return tcp_[pair];
}

void SipStreams::take_early(Direction& direction) {
  for (auto next = direction.early.begin(); next != direction.early.end();) {
    const auto gap = static_cast<std::int32_t>(next->first - direction.next);
    if (gap > 0) break;
    const auto skip = static_cast<std::size_t>(-static_cast<std::int64_t>(gap));
    if (skip < next->second.size()) {
      direction.framer.feed(std::string_view(next->second).substr(skip));
      direction.next += static_cast<std::uint32_t>(next->second.size() - skip);
    }
    direction.early_bytes -= next->second.size();
    next = direction.early.erase(next);
  }
}

void SipStreams::drain(Direction& direction, const Receive& receive) {
  for (;;) {
    const auto item = direction.framer.next();
    if (!item) {
      direction.dead = true;
      return;
    }
    if (!*item) return;
    if ((*item)->kind == sip::Framer::Kind::message) receive((*item)->bytes);
  }
}

} // namespace talky::capture
