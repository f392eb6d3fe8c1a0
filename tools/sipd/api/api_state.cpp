#include "sipd/api/api_state.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <ctime>
#include <utility>

#include "json/json.hpp"
#include "sipd/api/call_event_json.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t kEptEvents = 1'000;
constexpr std::size_t kEptTurns = 100; // of a call

json::value rounded(double value) {
  return std::round(value * 100) / 100;
}

json::object stream_json(const media::StreamQuality& q) {
  return {{"packets", q.packets},
          {"bytes", q.bytes},
          {"lost", q.lost},
          {"loss_percent", rounded(q.loss_percent)},
          {"jitter_ms", rounded(q.jitter_ms)},
          {"mos", rounded(q.mos)},
          {"level_dbov", rounded(q.level_dbov)},
          {"peak_dbov", rounded(q.peak_dbov)}};
}

json::value quality_json(const std::optional<media::MediaQuality>& quality) {
  if (!quality) return nullptr;
  const media::MediaQuality& q = *quality;
  json::object out{{"in", stream_json(q.in)},        {"out", stream_json(q.out)},
                   {"out_reported", q.out_reported}, {"late", q.late},
                   {"duplicates", q.duplicates},     {"reordered", q.reordered},
                   {"foreign", q.foreign},           {"late_ticks", q.late_ticks},
                   {"unsent_ticks", q.unsent_ticks}, {"jitter_buffer_ms", rounded(q.jitter_buffer_ms)}};
  out["rtt_ms"] = q.rtt_ms ? rounded(*q.rtt_ms) : json::value(nullptr);
  return out;
}

json::object turn_json(const telemetry::TurnMeasure& measure) {
  const auto in_ms = [](Duration d) { return rounded(static_cast<double>(d.count()) / 1e3); };
  json::object stages;
  for (std::size_t i = 0; i < telemetry::kStageCount; ++i)
    stages[telemetry::kStageNames[i]] = in_ms(measure.stages[i]);
  return {{"turn", measure.turn}, {"response_ms", in_ms(measure.response)}, {"stages_ms", std::move(stages)}};
}

json::object call_object(const ApiState::Call& call, std::int64_t now_us) {
  const bool calling = call.facts.out && !call.rings;
  const char* state = !call.answered                      ? (calling ? "calling" : "ringing")
                      : call.now.held || call.now.on_hold ? "held"
                                                          : "active";
  json::object out{{"id", call.facts.uuid},
                   {"state", state},
                   {"direction", call.facts.out ? "out" : "in"},
                   {"from", call.facts.party.from},
                   {"to", call.facts.party.dialled},
                   {"bridge", call.facts.route},
                   {"peer", call.facts.party.flow.remote.to_string()},
                   {"transport", call.facts.transport},
                   {"user_agent", call.facts.party.user_agent},
                   {"sip_call_id", call.facts.party.call_id},
                   {"worker", call.facts.worker},
                   {"started_at", rfc3339(call.began_us)}};
  out["answered_at"] = call.answered ? json::value(rfc3339(call.answered->at_us)) : json::value(nullptr);
  out["codec"] = call.answered ? json::value(call.answered->codec) : json::value(nullptr);
  out["duration_s"] =
      call.answered ? rounded(static_cast<double>(now_us - call.answered->at_us) / 1e6) : json::value(0.0);
  out["held_by_caller"] = call.now.held;
  out["on_hold"] = call.now.on_hold;
  out["queued_ms"] = call.now.queued / 16;
  out["first_audio_ms"] =
      call.first_audio_us ? rounded(static_cast<double>(*call.first_audio_us) / 1e3) : json::value(nullptr);
  out["quality"] = quality_json(call.now.quality);
  out["echo"] = call.now.echo ? json::value(echo_json(*call.now.echo)) : json::value(nullptr);
  json::array turns;
  turns.reserve(call.turns.size());
  for (const telemetry::TurnMeasure& measure : call.turns)
    turns.push_back(turn_json(measure));
  out["turns"] = std::move(turns);
  return out;
}

// Members of an object as text, for an event.
std::string members(const json::object& object) {
  const std::string text = json::compact(object);
  return text.substr(1, text.size() - 2);
}

} // namespace

std::string rfc3339(std::int64_t us) {
  const auto seconds = static_cast<std::time_t>(us / 1'000'000);
  std::tm tm{};
  if (::gmtime_r(&seconds, &tm) == nullptr) return {};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, us / 1000 % 1000);
}

void ApiState::began(const CallFacts& facts, std::int64_t at_us) {
  const json::object details{{"from", facts.party.from},
                             {"to", facts.party.dialled},
                             {"bridge", facts.route},
                             {"peer", facts.party.flow.remote.to_string()}};
  Call& call = calls_[facts.uuid];
  call.facts = facts;
  call.began_us = at_us;
  call.now.uuid = facts.uuid;
  tell(facts.out ? "call.outgoing" : "call.incoming", facts.uuid, members(details), at_us);
}

void ApiState::answered(const std::string& uuid, Answer answer) {
  const auto call = calls_.find(uuid);
  if (call == calls_.end()) return;
  tell("call.start", uuid, members({{"codec", answer.codec}}), answer.at_us);
  call->second.answered = std::move(answer);
}

void ApiState::happened(const CallFacts& call, const CallEvent& event, const Moment& now) {
  if (std::holds_alternative<event::Began>(event)) return began(call, now.wall_us);
  if (const auto* answer = std::get_if<event::Answered>(&event))
    return answered(call.uuid, {answer->codec, now.wall_us});
  if (const auto* turn = std::get_if<event::TurnMeasured>(&event))
    return turned(call.uuid, turn->measure, now.wall_us);
  if (const auto* end = std::get_if<event::Ended>(&event)) return ended(call.uuid, *end, now.wall_us);
  const auto known = calls_.find(call.uuid);
  if (known == calls_.end()) return;
  Call& one = known->second;
  if (std::holds_alternative<event::Ringing>(event)) one.rings = true;
  if (const auto* hold = std::get_if<event::Held>(&event)) one.now.held = hold->held;
  if (std::holds_alternative<event::FirstAudio>(event) && one.answered)
    one.first_audio_us = now.wall_us - one.answered->at_us;
  const json::object details = event_details(event);
  tell(public_name(event), call.uuid, details.empty() ? "" : members(details), now.wall_us);
}

void ApiState::turned(const std::string& uuid, const telemetry::TurnMeasure& measure, std::int64_t at_us) {
  const auto call = calls_.find(uuid);
  if (call == calls_.end()) return;
  call->second.turns.push_back(measure);
  if (call->second.turns.size() > kEptTurns) call->second.turns.pop_front();
  tell("call.turn", uuid, members(turn_json(measure)), at_us);
}

void ApiState::ended(const std::string& uuid, const event::Ended& ended, std::int64_t at_us) {
  json::object details{{"cause", std::string(call::to_string(ended.end.cause))},
                       {"by", ended.end.by_peer ? "peer" : "us"},
                       {"reason", ended.reason()},
                       {"status", ended.end.status},
                       {"seconds", rounded(ended.seconds())},
                       {"quality", quality_json(ended.end.quality)}};
  if (ended.echo) details["echo"] = echo_json(*ended.echo);
  tell(ended.answered ? "call.end" : "call.refused", uuid, members(details), at_us);
  calls_.erase(uuid);
}

void ApiState::registered(const call::RegistrationChanged& change, std::int64_t at_us) {
  const std::string key = change.aor + " " + change.contact;
  if (change.expires_s > 0) {
    registrations_[key] = {change, at_us};
  } else {
    registrations_.erase(key);
  }
  tell(change.expires_s > 0 ? "register" : "unregister", "",
       members({{"aor", change.aor}, {"contact", change.contact}, {"expires_s", change.expires_s}}), at_us);
}

void ApiState::forget_registrations() {
  registrations_.clear();
}

void ApiState::snapshot(CallSnapshot now) {
  const auto call = calls_.find(now.uuid);
  if (call != calls_.end()) call->second.now = std::move(now);
}

const ApiState::Call* ApiState::find(std::string_view uuid) const {
  const auto call = calls_.find(uuid);
  return call == calls_.end() ? nullptr : &call->second;
}

std::size_t ApiState::registrations(std::int64_t now_us) {
  // The registrar tells of those that end; one that is over without a word has ended all the same.
  std::erase_if(registrations_, [&](const auto& item) {
    return item.second.at_us + std::int64_t{item.second.change.expires_s} * 1'000'000 <= now_us;
  });
  return registrations_.size();
}

std::optional<std::vector<ApiState::Event>> ApiState::since(std::uint64_t id) const {
  std::vector<Event> out;
  if (id == last_id_) return out;
  if (id > last_id_) return std::nullopt; // of an earlier life of the daemon
  if (events_.empty() || events_.front().id > id + 1) return std::nullopt;
  for (const Event& event : events_) {
    if (event.id > id) out.push_back(event);
  }
  return out;
}

void ApiState::tell(std::string_view type, std::string_view details, std::int64_t at_us) {
  tell(type, "", details, at_us);
}

void ApiState::tell(std::string_view type, std::string_view uuid, std::string_view details,
                    std::int64_t at_us) {
  std::string text = fmt::format(R"({{"id":{},"type":"{}","time":"{}")", ++last_id_, type, rfc3339(at_us));
  if (!uuid.empty()) text += fmt::format(R"(,"call":"{}")", uuid);
  if (!details.empty()) text.append(",").append(details);
  text += "}";
  events_.push_back({last_id_, std::string(type), std::string(uuid), std::move(text)});
  if (events_.size() > kEptEvents) events_.pop_front();
  on_event_(events_.back());
}

std::string ApiState::call_json(const Call& call, std::int64_t now_us) const {
  return json::compact(call_object(call, now_us)) + "\n";
}

std::string ApiState::calls_json(std::int64_t now_us) const {
  json::array list;
  for (const auto& [uuid, call] : calls_)
    list.push_back(call_object(call, now_us));
  return json::compact(json::object{{"calls", std::move(list)}}) + "\n";
}

std::string ApiState::registrations_json(std::int64_t now_us) {
  (void)registrations(now_us);
  json::array list;
  for (const auto& [key, item] : registrations_) {
    const std::int64_t ends = item.at_us + std::int64_t{item.change.expires_s} * 1'000'000;
    list.push_back({{"aor", item.change.aor},
                    {"contact", item.change.contact},
                    {"source", item.change.flow.remote.to_string()},
                    {"transport", std::string(sip::to_string(item.change.flow.transport))},
                    {"user_agent", item.change.user_agent},
                    {"expires_s", (ends - now_us + 999'999) / 1'000'000}});
  }
  return json::compact(json::object{{"registrations", std::move(list)}}) + "\n";
}

} // namespace talky::sipd
