#include "calls.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/ascii.hpp"
#include "sdp/session.hpp"

namespace talky::rtpdump {

namespace {

// Cheap enough to be asked of every packet: a start line has its version in the first line.
bool looks_like_sip(Bytes payload) {
  if (payload.size() < 16) return false;
  const char first = static_cast<char>(payload[0]);
  if (!ascii::is_alpha(first)) return false;
  const std::string_view text = as_text(payload.first(std::min<std::size_t>(payload.size(), 1024)));
  if (text.starts_with("SIP/2.0 ")) return true;
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  return line.find(" SIP/") != std::string_view::npos;
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out;
}

std::string uri_of(const Result<sip::NameAddr>& address) {
  if (!address) return "?";
  const sip::Uri& uri = address->uri;
  if (!uri.is_sip()) return printable(fmt::format("{}:{}", uri.scheme_text, uri.opaque));
  return printable(
      fmt::format("{}:{}{}{}", uri.scheme_text, uri.user, uri.user.empty() ? "" : "@", uri.host));
}

bool contains(const std::vector<Endpoint>& list, const Endpoint& endpoint) {
  return std::find(list.begin(), list.end(), endpoint) != list.end();
}

} // namespace

Call::Leg Call::leg_of(const Stream& stream) const {
  if (contains(callee_media, stream.to) || contains(caller_media, stream.from)) return Leg::from_caller;
  if (contains(caller_media, stream.to) || contains(callee_media, stream.from)) return Leg::from_callee;
  return Leg::none;
}

const Call* CallTable::call_of(const Stream& stream) const {
  const Call* best = nullptr;
  for (const Call& call : calls_) { // ports are used again: the last call that had begun
    if (call.leg_of(stream) != Call::Leg::none && call.invite_ns <= stream.last_ns()) best = &call;
  }
  return best;
}

bool CallTable::add(const file::Segment& segment) {
  if (segment.transport == file::Transport::tcp) return tcp(segment);
  return looks_like_sip(segment.payload) && message(segment, as_text(segment.payload));
}

bool CallTable::tcp(const file::Segment& segment) {
  const Pair pair{segment.from, segment.to};
  auto found = tcp_.find(pair);
  if (segment.tcp_syn || segment.tcp_fin) {
    if (found != tcp_.end()) tcp_.erase(found);
    if (segment.tcp_syn && tcp_.size() < kMaxTcp) {
      TcpDirection& fresh = tcp_[pair];
      fresh.next = segment.tcp_sequence + 1;
      fresh.synchronised = true;
    }
    return true;
  }
  if (segment.payload.empty()) return true;
  if (found == tcp_.end()) {
    // In the middle of a connection: taken up where a message starts.
    if (!looks_like_sip(segment.payload) || tcp_.size() >= kMaxTcp) return true;
    found = tcp_.try_emplace(pair).first;
    found->second.next = segment.tcp_sequence;
  }
  TcpDirection& direction = found->second;
  if (direction.dead) return true;
  if (direction.synchronised) { // the first bytes decide
    direction.synchronised = false;
    if (!looks_like_sip(segment.payload) && as_text(segment.payload).substr(0, 2) != "\r\n") {
      direction.dead = true;
      return true;
    }
  }
  const auto ahead = static_cast<std::int32_t>(segment.tcp_sequence - direction.next);
  std::string_view text = as_text(segment.payload);
  if (ahead > 0) { // out of order, or lost in the capture
    if (direction.early.size() >= 64) {
      direction.dead = true;
      direction.early.clear();
      return true;
    }
    direction.early.emplace(segment.tcp_sequence, text);
    return true;
  }
  const auto behind = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
  if (behind >= text.size()) return true; // sent again
  text.remove_prefix(behind);
  direction.next += static_cast<std::uint32_t>(text.size());
  direction.framer.feed(text);
  for (auto next = direction.early.begin(); next != direction.early.end();) {
    const auto gap = static_cast<std::int32_t>(next->first - direction.next);
    if (gap > 0) break;
    const auto skip = static_cast<std::size_t>(-static_cast<std::int64_t>(gap));
    if (skip < next->second.size()) {
      direction.framer.feed(std::string_view(next->second).substr(skip));
      direction.next += static_cast<std::uint32_t>(next->second.size() - skip);
    }
    next = direction.early.erase(next);
  }
  drain(direction, segment);
  return true;
}

void CallTable::drain(TcpDirection& direction, const file::Segment& segment) {
  for (;;) {
    const auto item = direction.framer.next();
    if (!item) {
      direction.dead = true;
      return;
    }
    if (!*item) return;
    if ((*item)->kind == sip::Framer::Kind::message) message(segment, (*item)->bytes);
  }
}

bool CallTable::message(const file::Segment& segment, std::string_view text) {
  if (!view_.assign(text)) return false;
  ++messages_;
  const bool invite = view_.method() == sip::Method::invite;
  const std::string id = printable(view_.call_id());
  auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    if (!invite || !view_.is_request() || id.empty() || calls_.size() >= kMaxCalls) return true;
    found = by_id_.emplace(id, calls_.size()).first;
    Call& fresh = calls_.emplace_back();
    fresh.call_id = id;
    fresh.from = uri_of(view_.from());
    fresh.to = uri_of(view_.to());
    fresh.caller = segment.from;
    fresh.callee = segment.to;
    fresh.invite_ns = segment.time_ns;
  }
  Call& call = calls_[found->second];
  const bool by_caller =
      segment.from == call.caller || (segment.to != call.caller && segment.to == call.callee);
  const bool has_sdp =
      ascii::iequals(view_.value(sip::HeaderId::content_type).substr(0, 15), "application/sdp");
  if (call.ladder.size() < Call::kMaxLadder) {
    std::string line = view_.is_request() ? fmt::format("{} {}", view_.method_text(), view_.request_uri())
                                          : fmt::format("{} {}", view_.status(), view_.reason());
    if (has_sdp) line += " (SDP)";
    call.ladder.push_back({segment.time_ns, segment.from, segment.to, printable(line)});
  }
  if (has_sdp) describe(&call, by_caller, view_.body());
  if (view_.is_request()) {
    const bool bye = view_.method() == sip::Method::bye;
    if ((bye || view_.method() == sip::Method::cancel) && !call.ended_ns) {
      call.ended_by = by_caller ? "caller" : "callee";
      if (bye) call.ended_ns = segment.time_ns;
    }
    return true;
  }
  if (!invite || by_caller) return true;
  if (view_.status() >= 180 && view_.status() < 200 && !call.ringing_ns) call.ringing_ns = segment.time_ns;
  // A challenge is not the end of it: the INVITE comes again with credentials.
  const bool challenge = view_.status() == 401 || view_.status() == 407;
  if (view_.status() >= 200 && (call.final_code == 0 || call.final_code == 401 || call.final_code == 407)) {
    call.final_code = view_.status();
    call.final_reason = printable(view_.reason());
    if (view_.status() < 300) call.answered_ns = segment.time_ns;
    if (view_.status() >= 300 && !challenge) call.ended_ns = segment.time_ns;
  }
  return true;
}

void CallTable::describe(Call* call, bool by_caller, std::string_view text) {
  const auto session = sdp::Session::parse(text);
  if (!session) return;
  for (const sdp::Media& media : session->media) {
    const auto connection = session->connection_of(media);
    if (media.type != "audio" || media.port == 0 || !connection || !connection->ip) continue;
    const Endpoint receiver{*connection->ip, media.port};
    auto& list = by_caller ? call->caller_media : call->callee_media;
    if (!contains(list, receiver) && list.size() < 16) list.push_back(receiver);
    for (const std::string_view number : media.formats) {
      const auto payload_type = ascii::to_number<std::uint8_t>(number);
      if (!payload_type || *payload_type > 127) continue;
      const auto map = media.rtpmap(*payload_type);
      if (!map) continue;
      announcements_.add(
          receiver, *payload_type,
          {printable(map->name), map->clock_rate, ascii::iequals(map->name, "telephone-event")});
    }
  }
}

} // namespace talky::rtpdump
