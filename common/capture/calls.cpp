#include "capture/calls.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "capture/announcement.hpp"
#include "core/ascii.hpp"
#include "sdp/session.hpp"

namespace talky::capture {

namespace {

constexpr std::int64_t kRestNs = 5'000'000'000; // for which media may still come after the end

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

// The description in a body: the whole of it, or one part of a multipart (RFC 2046).
std::string_view description_in(const sip::MessageView& view) {
  const std::string type = ascii::lower(view.value(sip::HeaderId::content_type));
  const std::string_view body = view.body();
  if (type.starts_with("application/sdp")) return body;
  if (!type.starts_with("multipart/")) return {};
  const std::string lower = ascii::lower(body);
  const std::size_t part = lower.find("application/sdp");
  if (part == std::string::npos) return {};
  const std::size_t start = body.find("\r\n\r\n", part);
  if (start == std::string_view::npos) return {};
  const std::size_t end = body.find("\r\n--", start + 4);
  return body.substr(start + 4, end == std::string_view::npos ? end : end - start - 2);
}

void set_once(std::optional<std::int64_t>& when, std::int64_t time_ns) {
  if (!when) when = time_ns;
}

} // namespace

std::string_view to_string(Call::State state) {
  switch (state) {
    case Call::State::trying: return "trying";
    case Call::State::ringing: return "ringing";
    case Call::State::up: return "up";
    case Call::State::ended: return "ended";
    case Call::State::cancelled: return "cancelled";
    case Call::State::busy: return "busy";
    case Call::State::redirected: return "redirected";
    case Call::State::refused: return "refused";
    case Call::State::failed: return "failed";
  }
  return "";
}

std::string_view to_string(Call::Side side) {
  return side == Call::Side::caller ? "caller" : side == Call::Side::callee ? "callee" : "";
}

Call::State Call::state() const {
  if (up()) return ended_ns ? State::ended : State::up;
  if (cancelled_ns || final_code == 487) return State::cancelled;
  if (final_code == 0) return progress_ns ? State::ringing : State::trying;
  if (final_code < 400) return State::redirected;
  if (final_code == 486 || final_code == 600) return State::busy;
  const bool failure = final_code == 408 || (final_code >= 500 && final_code < 600);
  return failure ? State::failed : State::refused;
}

std::optional<std::int64_t> Call::post_dial_delay_ns() const {
  if (progress_ns) return *progress_ns - invite_ns;
  if (answered_ns) return *answered_ns - invite_ns;
  return std::nullopt;
}

std::optional<std::int64_t> Call::ringing_for_ns() const {
  if (!ringing_ns) return std::nullopt;
  if (answered_ns) return *answered_ns - *ringing_ns;
  if (ended_ns) return *ended_ns - *ringing_ns;
  return std::nullopt;
}

std::optional<std::int64_t> Call::talked_ns() const {
  if (!answered_ns || !ended_ns) return std::nullopt;
  return *ended_ns - *answered_ns;
}

Call::Leg Call::leg_of(const Stream& stream) const {
  if (contains(callee_media, stream.to) || contains(caller_media, stream.from)) return Leg::from_caller;
  if (contains(caller_media, stream.to) || contains(callee_media, stream.from)) return Leg::from_callee;
  return Leg::none;
}

const Call* CallTable::call_of(const Stream& stream) const {
  const Call* best = nullptr;
  for (const Endpoint* side : {&stream.from, &stream.to}) {
    const auto found = by_media_.find(*side);
    if (found == by_media_.end()) continue;
    for (const std::uint32_t index : found->second) {
      const Call& call = calls_[index];
      const bool had_begun = call.invite_ns <= stream.first_ns() || found->second.size() == 1;
      if (had_begun && (best == nullptr || call.number > best->number)) best = &call;
    }
  }
  return best;
}

bool CallTable::add(const file::Segment& segment) {
  current_ = nullptr;
  if (streams_.add(segment, [&](std::string_view text) { message(segment, text); })) return true;
  return read_announcement(segment, announcements_);
}

Call* CallTable::find_or_make(const file::Segment& segment) {
  const std::string id = printable(view_.call_id());
  if (const auto found = by_id_.find(id); found != by_id_.end()) return &calls_[found->second];
  if (id.empty() || calls_.size() >= kMaxCalls || !begins_call()) return nullptr;
  by_id_.emplace(id, calls_.size());
  Call& call = calls_.emplace_back();
  call.number = calls_.size();
  call.call_id = id;
  call.from = uri_of(view_.from());
  call.to = uri_of(view_.to());
  if (const auto from = view_.from()) call.from_name = printable(from->display_name());
  if (const auto to = view_.to()) call.to_name = printable(to->display_name());
  call.from_tags.emplace_back(view_.from_tag());
  const bool request = view_.is_request();
  call.caller = request ? segment.from : segment.to;
  call.callee = request ? segment.to : segment.from;
  call.begun_before = !request || !view_.to_tag().empty();
  call.was_up = request && call.begun_before && view_.method() != sip::Method::update;
  if (const auto cseq = view_.cseq(); !request && cseq) call.invite_cseq = cseq->number;
  call.over_tcp = segment.transport == file::Transport::tcp;
  call.invite_ns = segment.time_ns;
  return &call;
}

// Of a message whose Call-ID is new. An ACK says nothing (it also follows a refusal), nor do a CANCEL and the
// answer to anything but an INVITE.
bool CallTable::begins_call() const {
  if (view_.is_response()) return view_.method() == sip::Method::invite && !view_.to_tag().empty();
  switch (view_.method()) {
    case sip::Method::invite: return true;
    case sip::Method::bye:
    case sip::Method::update:
    case sip::Method::info:
    case sip::Method::refer: return !view_.to_tag().empty();
    default: return false;
  }
}

void CallTable::message(const file::Segment& segment, std::string_view text) {
  if (!view_.assign(text)) return;
  ++messages_;
  Call* found = find_or_make(segment);
  if (found == nullptr) {
    requests_.add(view_, segment, uri_of(view_.from()), uri_of(view_.to()));
    return;
  }
  Call& call = *found;
  current_ = &call;
  call.last_ns = segment.time_ns;
  ++call.messages;
  // Responses carry the From of their request. An INVITE outside a dialog is the caller's, whatever its tag.
  const std::string from_tag(view_.from_tag());
  bool own_tag = std::find(call.from_tags.begin(), call.from_tags.end(), from_tag) != call.from_tags.end();
  if (!own_tag && view_.is_request() && view_.method() == sip::Method::invite && view_.to_tag().empty() &&
      call.from_tags.size() < Call::kMaxTags) {
    call.from_tags.push_back(from_tag);
    own_tag = true;
  }
  const bool by_caller = view_.is_request() == own_tag;
  std::string_view sdp = description_in(view_);
  const std::uint64_t hash = std::hash<std::string_view>{}(view_.bytes()) ^
                             (std::hash<Endpoint>{}(segment.from) * 31 + std::hash<Endpoint>{}(segment.to));
  const bool again = call.seen.contains(hash);
  if (!again && call.seen.size() < Call::kMaxSeen) call.seen.insert(hash);
  if (again) ++call.retransmissions;
  if (call.ladder.size() < Call::kMaxLadder) {
    std::string line = view_.is_request() ? fmt::format("{} {}", view_.method_text(), view_.request_uri())
                                          : fmt::format("{} {}", view_.status(), view_.reason());
    if (view_.is_response() && view_.method() != sip::Method::invite)
      line += fmt::format(" ({})", view_.method_text());
    if (!sdp.empty()) line += " (SDP)";
    if (again) line += " (again)";
    call.ladder.push_back({segment.time_ns, segment.from, segment.to, printable(line)});
  }
  std::string& agent = by_caller ? call.caller_agent : call.callee_agent;
  if (agent.empty()) {
    const std::string_view software =
        view_.value(view_.has(sip::HeaderId::user_agent) ? sip::HeaderId::user_agent : sip::HeaderId::server);
    agent = printable(software);
  }
  if (again) return;
  if (!sdp.empty()) describe(call, segment, by_caller, sdp);
  if (view_.is_request()) {
    request(call, segment, by_caller);
  } else {
    response(call, segment, by_caller);
  }
}

void CallTable::request(Call& call, const file::Segment& segment, bool by_caller) {
  const auto cseq = view_.cseq();
  const auto note_cause = [&] {
    if (const auto reason = view_.find("Reason")) call.cause = printable(*reason);
  };
  switch (view_.method()) {
    case sip::Method::invite:
      if (!view_.to_tag().empty()) {
        call.was_up = call.was_up || (call.begun_before && !call.answered_ns);
        ++call.reinvites;
      } else if (by_caller && cseq && cseq->number != call.invite_cseq) {
        // The first, or again after a challenge or a redirection.
        if (call.final_code == 401 || call.final_code == 407) ++call.challenges;
        if (call.final_code >= 300 && call.final_code < 400) ++call.redirects;
        call.invite_cseq = cseq->number;
        if (!call.up()) {
          call.final_code = 0;
          call.final_reason.clear();
          call.ended_ns.reset();
          call.ended_by = Call::Side::none;
        }
      }
      break;
    case sip::Method::ack:
      if (call.answered_ns && cseq && cseq->number == call.invite_cseq)
        set_once(call.acknowledged_ns, segment.time_ns);
      break;
    case sip::Method::cancel:
      if (call.up() || !by_caller) break; // of a re-INVITE, or crossing the answer
      set_once(call.cancelled_ns, segment.time_ns);
      call.ended_by = Call::Side::caller;
      note_cause();
      break;
    case sip::Method::bye:
      if (call.ended_ns) break;
      call.was_up = call.was_up || (call.begun_before && !call.answered_ns);
      call.ended_ns = segment.time_ns;
      call.ended_by = by_caller ? Call::Side::caller : Call::Side::callee;
      note_cause();
      close(call, segment.time_ns);
      break;
    case sip::Method::update: ++call.updates; break;
    case sip::Method::refer: ++call.refers; break;
    case sip::Method::info: info(call, segment.time_ns, by_caller); break;
    default: break;
  }
}

void CallTable::response(Call& call, const file::Segment& segment, bool by_caller) {
  const auto cseq = view_.cseq();
  if (call.begun_before && !call.up() && call.invite_cseq == 0 && cseq) call.invite_cseq = cseq->number;
  if (view_.method() != sip::Method::invite || by_caller || !cseq || cseq->number != call.invite_cseq) return;
  const int status = view_.status();
  if (status == 100) {
    set_once(call.trying_ns, segment.time_ns);
    return;
  }
  const std::string tag(view_.to_tag());
  auto branch = std::find_if(call.branches.begin(), call.branches.end(),
                             [&](const Call::Branch& b) { return b.tag == tag; });
  if (branch == call.branches.end()) {
    if (call.branches.size() >= Call::kMaxBranches) return;
    branch = call.branches.insert(branch, {tag, segment.from, segment.time_ns, {}, {}, 0, {}});
  }
  branch->code = status;
  branch->reason = printable(view_.reason());
  if (status < 200) {
    set_once(call.progress_ns, segment.time_ns);
    if (status == 180) {
      set_once(call.ringing_ns, segment.time_ns);
      set_once(branch->ringing_ns, segment.time_ns);
    }
    if (!view_.body().empty()) set_once(call.early_media_ns, segment.time_ns);
    return;
  }
  if (status < 300) set_once(branch->answered_ns, segment.time_ns);
  answer(call, segment);
}

// A final answer to the INVITE. Of a forked one the first 2xx counts, else the last that came.
void CallTable::answer(Call& call, const file::Segment& segment) {
  const int status = view_.status();
  if (call.up()) return;
  call.final_code = status;
  call.final_reason = printable(view_.reason());
  if (status < 300) {
    call.answered_ns = segment.time_ns;
    return;
  }
  if (status == 401 || status == 407) return; // the INVITE comes again with credentials
  call.ended_ns = segment.time_ns;
  if (call.ended_by == Call::Side::none) call.ended_by = Call::Side::callee;
  if (const auto reason = view_.find("Reason"); reason && call.cause.empty()) call.cause = printable(*reason);
  if (status >= 400) close(call, segment.time_ns);
}

void CallTable::close(Call& call, std::int64_t time_ns) {
  for (const auto* list : {&call.caller_media, &call.callee_media}) {
    for (const Endpoint& receiver : *list)
      announcements_.withdraw(receiver, call.number, time_ns + kRestNs);
  }
  for (Call::Hold& hold : call.holds) {
    if (!hold.to_ns) hold.to_ns = time_ns;
  }
}

void CallTable::describe(Call& call, const file::Segment& segment, bool by_caller, std::string_view body) {
  const auto session = sdp::Session::parse(body);
  if (!session) return;
  auto& lines = by_caller ? call.caller_lines : call.callee_lines;
  const auto& other = by_caller ? call.callee_lines : call.caller_lines;
  lines.assign(session->media.size(), Endpoint{});
  for (std::size_t i = 0; i < session->media.size(); ++i) {
    const sdp::Media& media = session->media[i];
    if (media.port == 0) { // refused: nothing will come to the other side either
      if (i < other.size() && other[i].port != 0)
        announcements_.withdraw(other[i], call.number, segment.time_ns);
      continue;
    }
    const auto connection = session->connection_of(media);
    const bool rtp = media.protocol.find("RTP/") != std::string_view::npos;
    if (!rtp || !connection || !connection->ip || connection->ip->is_unspecified()) continue;
    lines[i] = {*connection->ip, media.port};
    announce(call, lines[i], media, by_caller);
    for (const sdp::Attribute& attribute : media.attributes) {
      if (ascii::iequals(attribute.name, "crypto")) announcements_.add_crypto(lines[i], attribute.value);
    }
  }
  hold(call, segment.time_ns, by_caller, *session);
}

void CallTable::announce(Call& call, const Endpoint& receiver, const sdp::Media& media, bool by_caller) {
  auto& list = by_caller ? call.caller_media : call.callee_media;
  if (media.type == "audio" && !contains(list, receiver) && list.size() < Call::kMaxMedia) {
    list.push_back(receiver);
    auto& index = by_media_[receiver];
    const auto number = static_cast<std::uint32_t>(call.number - 1);
    if (index.empty() || index.back() != number) index.push_back(number);
  }
  announcements_.expect(receiver, call.number);
  announcements_.add(receiver, media);
}

void CallTable::hold(Call& call, std::int64_t time_ns, bool by_caller, const sdp::Session& session) {
  const auto audio = std::find_if(session.media.begin(), session.media.end(),
                                  [](const sdp::Media& m) { return m.type == "audio" && m.port != 0; });
  if (audio == session.media.end() || !call.up()) return;
  const auto connection = session.connection_of(*audio);
  // Whoever holds sends no more than music: sendonly, inactive, or no address. The other's answer (recvonly)
  // is not a hold of its own.
  const sdp::Direction direction = session.direction_of(*audio);
  const bool held = !sdp::receives(direction) || (connection && connection->is_hold());
  const Call::Side by = by_caller ? Call::Side::caller : Call::Side::callee;
  const auto open = std::find_if(call.holds.begin(), call.holds.end(),
                                 [&](const Call::Hold& h) { return h.by == by && !h.to_ns; });
  const bool other_holds = std::any_of(call.holds.begin(), call.holds.end(),
                                       [&](const Call::Hold& h) { return h.by != by && !h.to_ns; });
  if (held && open == call.holds.end()) {
    const bool answers = direction == sdp::Direction::inactive && other_holds && view_.is_response();
    if (!answers && call.holds.size() < Call::kMaxHolds) call.holds.push_back({by, time_ns, {}});
  } else if (!held && open != call.holds.end()) {
    open->to_ns = time_ns;
  }
}

// "Signal=5\r\nDuration=160" (application/dtmf-relay), or the digit alone (application/dtmf).
void CallTable::info(Call& call, std::int64_t time_ns, bool by_caller) {
  const std::string type = ascii::lower(view_.value(sip::HeaderId::content_type));
  if (!type.starts_with("application/dtmf")) return;
  Call::Digit digit;
  digit.by = by_caller ? Call::Side::caller : Call::Side::callee;
  digit.time_ns = time_ns;
  std::string_view signal = type.starts_with("application/dtmf-relay") ? "" : ascii::trim(view_.body());
  std::string_view rest = view_.body();
  while (!rest.empty()) {
    const std::size_t end = rest.find_first_of("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = ascii::trim(line.substr(0, equals));
    const std::string_view value = ascii::trim(line.substr(equals + 1));
    if (ascii::iequals(name, "signal")) signal = value;
    if (ascii::iequals(name, "duration"))
      digit.duration_ms = ascii::to_number<std::uint32_t>(value).value_or(0);
  }
  // Some write 10 and 11 for * and #, and 12 to 15 for A to D.
  if (signal.size() == 1)
    digit.digit = static_cast<char>(signal[0] >= 'a' ? signal[0] - 'a' + 'A' : signal[0]);
  if (const auto code = ascii::to_number<std::uint8_t>(signal); signal.size() == 2 && code && *code <= 16)
    digit.digit = "0123456789*#ABCD!"[*code];
  if (ascii::iequals(signal, "hf") || ascii::iequals(signal, "flash")) digit.digit = '!';
  if (std::string_view("0123456789*#ABCD!").find(digit.digit) == std::string_view::npos) return;
  if (call.digits.size() < Call::kMaxDigits) call.digits.push_back(digit);
}

} // namespace talky::capture
