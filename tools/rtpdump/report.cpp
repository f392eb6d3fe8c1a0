#include "report.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>

#include "report_parts.hpp"
#include "rtp/emodel.hpp"

namespace talky::rtpdump {

namespace {

namespace json = boost::json;

json::object spread_json(const Spread& spread) {
  return {{"min", finite(spread.low)}, {"mean", spread.mean}, {"max", spread.high}};
}

json::value known(bool is, double value) {
  return is ? json::value(value) : json::value();
}

json::array types_json(const Stream& stream) {
  json::array out;
  for (const PayloadUse& use : stream.payload_types()) {
    out.push_back({{"payload_type", use.type},
                   {"codec", use.format.name.empty() ? json::value() : json::value(use.format.name)},
                   {"clock_rate", use.format.clock_rate},
                   {"packets", use.packets}});
  }
  return out;
}

json::array digits_json(const Analysis& analysis, const Stream& stream) {
  json::array out;
  for (const DtmfDigit& digit : stream.digits()) {
    out.push_back({{"digit", std::string(1, digit.digit)},
                   {"time_s", seconds_since(analysis, digit.time_ns)},
                   {"duration_ms", digit.duration_ms()},
                   {"ended", digit.ended}});
  }
  return out;
}

json::object losses_json(const Stream& stream) {
  const auto losses = stream.losses();
  const double packet = stream.packet_ms();
  return {{"unheard", losses.lost},
          {"bursts", losses.bursts},
          {"burst_density", losses.burst_density},
          {"gap_density", losses.gap_density},
          {"burst_ms", known(packet > 0, losses.burst_packets * packet)},
          {"gap_ms", known(packet > 0, losses.gap_packets * packet)},
          {"burst_ratio", losses.burst_ratio}};
}

json::value rtcp_json(const Analysis& analysis, const Stream& stream) {
  const Reception* told = analysis.rtcp.reception_of(stream);
  const Sending* sent = analysis.rtcp.sending_of(stream);
  if (told == nullptr && sent == nullptr) return nullptr;
  json::object out;
  if (told != nullptr) {
    const double unit = stream.format().clock_rate == 0 ? 0 : 1000.0 / stream.format().clock_rate;
    const bool timed = told->round_trips > 0;
    out["reception"] = {{"reports", told->reports},
                        {"lost", told->lost},
                        {"worst_fraction", told->worst_fraction},
                        {"jitter_ms", known(unit > 0, told->jitter * unit)},
                        {"max_jitter_ms", known(unit > 0, told->highest_jitter * unit)},
                        {"round_trip_ms", timed ? json::value({{"min", told->least_ms},
                                                               {"mean", told->round_trip_ms},
                                                               {"max", told->greatest_ms},
                                                               {"count", told->round_trips}})
                                                : json::value()}};
  }
  if (sent != nullptr) {
    out["sender"] = {
        {"reports", sent->reports},
        {"packets", sent->packets},
        {"octets", sent->octets},
        {"cname", sent->cname.empty() ? json::value() : json::value(sent->cname)},
        {"bye_s", sent->bye_ns ? json::value(seconds_since(analysis, *sent->bye_ns)) : json::value()},
        {"bye_reason", sent->bye_reason}};
  }
  return out;
}

json::value level_json(const Analysis& analysis, const Stream& stream) {
  const auto level = analysis.levels ? analysis.levels->loudness_of(stream) : std::nullopt;
  if (!level) return nullptr;
  const bool heard = level->heard;
  return {{"active_dbov", known(heard, level->speech.active_dbfs)},
          {"active_dbm0", known(heard, level->speech.active_dbfs + level->dbm0_offset)},
          {"long_term_dbov", known(heard, level->speech.long_term_dbfs)},
          {"peak_dbov", known(heard, level->peak_dbfs)},
          {"activity", heard ? level->speech.activity : 0.0},
          {"talk_s", level->talk_s}};
}

json::object stream_json(const Analysis& analysis, const Stream& stream) {
  const Call* call = analysis.calls.call_of(stream);
  json::object out{
      {"number", analysis.number_of(stream)},
      {"from", stream.from.to_string()},
      {"to", stream.to.to_string()},
      {"ssrc", ssrc_of(stream)},
      {"payload_type", stream.payload_type()},
      {"codec", stream.format().name.empty() ? json::value() : json::value(stream.format().name)},
      {"payload_types", types_json(stream)},
      {"announced", stream.announced},
      {"start_s", seconds_since(analysis, stream.first_ns())},
      {"duration_s", seconds(stream.last_ns() - stream.first_ns())},
      {"packets", stream.packets()},
      {"bytes", stream.bytes()},
      {"expected", stream.expected()},
      {"lost", stream.lost()},
      {"missing", stream.missing()},
      {"duplicates", stream.duplicates()},
      {"reordered", stream.reordered()},
      {"late", stream.late()},
      {"strays", stream.strays()},
      {"restarts", stream.restarts()},
      {"marked", stream.marked()},
      {"losses", losses_json(stream)},
      {"burst_ratio", stream.losses().burst_ratio},
      {"delta_ms", spread_json(stream.delta_ms())},
      {"jitter_ms", stream.has_jitter() ? json::value(spread_json(stream.jitter_ms())) : json::value()},
      {"skew_ppm", stream.skew_ppm() ? json::value(*stream.skew_ppm()) : json::value()},
      {"packet_ms", known(stream.packet_ms() > 0, stream.packet_ms())},
      {"sending_s", known(stream.packet_ms() > 0, stream.sending_ms() / 1000)},
      {"pauses", stream.pauses()},
      {"mos", mos_of(stream)},
      {"dtmf", digits_json(analysis, stream)},
      {"rtcp", rtcp_json(analysis, stream)}};
  if (analysis.levels) {
    out["level"] = level_json(analysis, stream);
    json::array tones;
    for (const ToneDigit& tone : analysis.levels->tones_of(stream)) {
      tones.push_back({{"digit", std::string(1, tone.digit)},
                       {"time_s", seconds_since(analysis, tone.time_ns)},
                       {"duration_ms", tone.duration_ms}});
    }
    out["tones"] = std::move(tones);
  }
  out["call_id"] = call != nullptr ? json::value(call->call_id) : json::value();
  if (call != nullptr) out["leg"] = leg_name(call->leg_of(stream));
  return out;
}

json::value since(const Call& call, const std::optional<std::int64_t>& when) {
  return when ? json::value(seconds(*when - call.invite_ns)) : json::value();
}
json::value lasting(const std::optional<std::int64_t>& ns) {
  return ns ? json::value(seconds(*ns)) : json::value();
}

json::object call_json(const Analysis& analysis, const Call& call) {
  json::array ssrcs, branches, holds, digits;
  for (const Stream* stream : analysis.streams.streams()) {
    if (analysis.calls.call_of(*stream) == &call) ssrcs.push_back(ssrc_of(*stream).c_str());
  }
  for (const Call::Branch& branch : call.branches) {
    branches.push_back({{"from", branch.from.to_string()},
                        {"tag", branch.tag},
                        {"code", branch.code},
                        {"reason", branch.reason},
                        {"ringing_s", since(call, branch.ringing_ns)},
                        {"answered_s", since(call, branch.answered_ns)}});
  }
  for (const Call::Hold& hold : call.holds)
    holds.push_back({{"by", to_string(hold.by)},
                     {"from_s", since(call, hold.from_ns)},
                     {"to_s", since(call, hold.to_ns)}});
  for (const Call::Digit& digit : call.digits) {
    digits.push_back({{"digit", std::string(1, digit.digit)},
                      {"by", to_string(digit.by)},
                      {"time_s", seconds_since(analysis, digit.time_ns)},
                      {"duration_ms", digit.duration_ms}});
  }
  return {{"number", call.number},
          {"call_id", call.call_id},
          {"from", call.from},
          {"to", call.to},
          {"from_name", call.from_name},
          {"to_name", call.to_name},
          {"caller", call.caller.to_string()},
          {"callee", call.callee.to_string()},
          {"caller_agent", call.caller_agent},
          {"callee_agent", call.callee_agent},
          {"transport", call.over_tcp ? "tcp" : "udp"},
          {"invite", wall_time(call.invite_ns)},
          {"invite_s", seconds_since(analysis, call.invite_ns)},
          {"trying_s", since(call, call.trying_ns)},
          {"progress_s", since(call, call.progress_ns)},
          {"ringing_s", since(call, call.ringing_ns)},
          {"early_media_s", since(call, call.early_media_ns)},
          {"answered_s", since(call, call.answered_ns)},
          {"acknowledged_s", since(call, call.acknowledged_ns)},
          {"cancelled_s", since(call, call.cancelled_ns)},
          {"ended_s", since(call, call.ended_ns)},
          {"post_dial_delay_s", lasting(call.post_dial_delay_ns())},
          {"ringing_for_s", lasting(call.ringing_for_ns())},
          {"talked_s", lasting(call.talked_ns())},
          {"state", to_string(call.state())},
          {"final_code", call.final_code},
          {"final_reason", call.final_reason},
          {"ended_by", to_string(call.ended_by)},
          {"cause", call.cause},
          {"branches", branches},
          {"holds", holds},
          {"info_digits", digits},
          {"messages", call.messages},
          {"retransmissions", call.retransmissions},
          {"challenges", call.challenges},
          {"redirects", call.redirects},
          {"reinvites", call.reinvites},
          {"updates", call.updates},
          {"refers", call.refers},
          {"ssrcs", ssrcs}};
}

} // namespace

std::string wall_time(std::int64_t ns) {
  const auto whole = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ns % 1'000'000'000 / 1000);
}

// RFC 4180. A spreadsheet takes what begins with =, +, - or @ for a formula: such a text gets a quote in
// front.
std::string csv_cell(const std::string& text) {
  const bool formula = !text.empty() && std::string_view("=+-@").find(text[0]) != std::string_view::npos;
  const std::string safe = formula ? "'" + text : text;
  if (safe.find_first_of(",\"\n\r") == std::string::npos) return safe;
  std::string out = "\"";
  for (const char c : safe)
    out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

double mos_of(const Stream& stream) {
  const double delay = 40 + 2 * stream.jitter_ms().mean;
  return rtp::mos(rtp::r_factor({stream.unheard(), stream.losses().burst_ratio, delay},
                                rtp::impairment_of(stream.format().name)));
}

std::string digits_of(const Analysis& analysis, const Stream& stream) {
  std::string digits;
  for (const DtmfDigit& digit : stream.digits())
    digits += digit.digit;
  if (!digits.empty() || !analysis.levels) return digits;
  for (const ToneDigit& tone : analysis.levels->tones_of(stream))
    digits += tone.digit;
  return digits;
}

std::vector<Key> keys_of(const Analysis& analysis) {
  std::vector<Key> keys;
  for (const Stream* stream : analysis.streams.streams()) {
    const Call* call = analysis.calls.call_of(*stream);
    const std::string by = call != nullptr ? leg_name(call->leg_of(*stream)) : "";
    for (const DtmfDigit& d : stream->digits())
      keys.push_back({d.time_ns, d.digit, d.duration_ms(), "event", d.ended, stream, call, by});
    if (!analysis.levels) continue;
    for (const ToneDigit& tone : analysis.levels->tones_of(*stream))
      keys.push_back({tone.time_ns, tone.digit, tone.duration_ms, "tone", true, stream, call, by});
  }
  for (const Call& call : analysis.calls.calls()) {
    for (const Call::Digit& d : call.digits)
      keys.push_back({d.time_ns, d.digit, static_cast<double>(d.duration_ms), "info", true, nullptr, &call,
                      std::string(to_string(d.by))});
  }
  std::stable_sort(keys.begin(), keys.end(),
                   [](const Key& a, const Key& b) { return a.time_ns < b.time_ns; });
  return keys;
}

std::string stream_csv(const Analysis& analysis) {
  std::string out =
      "start_s,duration_s,from,to,ssrc,payload_type,codec,packets,bytes,expected,lost,missing,duplicates,"
      "reordered,restarts,burst_ratio,delta_min_ms,delta_mean_ms,delta_max_ms,jitter_min_ms,jitter_mean_ms,"
      "jitter_max_ms,skew_ppm,mos,dtmf,call_id,late,bursts,burst_density,gap_density,sending_s,pauses,talk_s,"
      "active_dbov\n";
  for (const Stream* stream : analysis.streams.streams()) {
    const Call* call = analysis.calls.call_of(*stream);
    const auto jitter = [&](double value) {
      return stream->has_jitter() ? fmt::format("{:.6f}", value) : std::string();
    };
    const auto losses = stream->losses();
    const auto level = analysis.levels ? analysis.levels->loudness_of(*stream) : std::nullopt;
    out += fmt::format(
        "{:.6f},{:.6f},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.3f},{:.6f},{:.6f},{:.6f},{},{},{},{},{:.3f},"
        "{},{},{},{},{:.6f},{:.6f},{:.3f},{},{},{}\n",
        seconds_since(analysis, stream->first_ns()), seconds(stream->last_ns() - stream->first_ns()),
        stream->from.to_string(), stream->to.to_string(), ssrc_of(*stream), stream->payload_type(),
        csv_cell(stream->format().name), stream->packets(), stream->bytes(), stream->expected(),
        stream->lost(), stream->missing(), stream->duplicates(), stream->reordered(), stream->restarts(),
        losses.burst_ratio, finite(stream->delta_ms().low), stream->delta_ms().mean, stream->delta_ms().high,
        jitter(stream->jitter_ms().low), jitter(stream->jitter_ms().mean), jitter(stream->jitter_ms().high),
        stream->skew_ppm() ? fmt::format("{:.3f}", *stream->skew_ppm()) : "", mos_of(*stream),
        digits_of(analysis, *stream), csv_cell(call != nullptr ? call->call_id : ""), stream->late(),
        losses.bursts, losses.burst_density, losses.gap_density, stream->sending_ms() / 1000,
        stream->pauses(), level ? fmt::format("{:.3f}", level->talk_s) : "",
        level && level->heard ? fmt::format("{:.2f}", level->speech.active_dbfs) : "");
  }
  return out;
}

std::string call_csv(const Analysis& analysis) {
  std::string out =
      "invite,from,to,caller,callee,ringing_s,answered_s,ended_s,final_code,ended_by,call_id,state,"
      "post_dial_delay_s,talked_s,cause\n";
  for (const Call& call : analysis.calls.calls()) {
    const auto when = [&](const std::optional<std::int64_t>& at) {
      return at ? fmt::format("{:.3f}", seconds(*at - call.invite_ns)) : std::string();
    };
    const auto lasted = [&](const std::optional<std::int64_t>& ns) {
      return ns ? fmt::format("{:.3f}", seconds(*ns)) : std::string();
    };
    out +=
        fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", wall_time(call.invite_ns),
                    csv_cell(call.from), csv_cell(call.to), call.caller.to_string(), call.callee.to_string(),
                    when(call.ringing_ns), when(call.answered_ns), when(call.ended_ns), call.final_code,
                    to_string(call.ended_by), csv_cell(call.call_id), to_string(call.state()),
                    lasted(call.post_dial_delay_ns()), lasted(call.talked_ns()), csv_cell(call.cause));
  }
  return out;
}

std::string digit_csv(const Analysis& analysis) {
  std::string out = "time_s,digit,duration_ms,means,by,ssrc,call_id\n";
  for (const Key& key : keys_of(analysis)) {
    out += fmt::format("{:.6f},{},{:.0f},{},{},{},{}\n", seconds_since(analysis, key.time_ns), key.digit,
                       key.duration_ms, key.means, key.by, key.stream != nullptr ? ssrc_of(*key.stream) : "",
                       csv_cell(key.call != nullptr ? key.call->call_id : ""));
  }
  return out;
}

std::string rtcp_csv(const Analysis& analysis) {
  std::string out =
      "ssrc,packets,sr_packets,lost,rr_lost,rr_worst_fraction,jitter_mean_ms,rr_jitter_ms,"
      "rr_max_jitter_ms,rtt_ms,rtt_min_ms,rtt_max_ms,bye_s,cname\n";
  for (const Stream* stream : analysis.streams.streams()) {
    const Reception* told = analysis.rtcp.reception_of(*stream);
    const Sending* sent = analysis.rtcp.sending_of(*stream);
    const double unit = stream->format().clock_rate == 0 ? 0 : 1000.0 / stream->format().clock_rate;
    const auto text = [](bool is, auto value, const char* format) {
      return is ? fmt::format(fmt::runtime(format), value) : std::string();
    };
    const bool timed = told != nullptr && told->round_trips > 0;
    const Reception none;
    const Reception& r = told != nullptr ? *told : none;
    out += fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", ssrc_of(*stream), stream->packets(),
        text(sent != nullptr && sent->reports > 0, sent != nullptr ? sent->packets : 0, "{}"), stream->lost(),
        text(told != nullptr, r.lost, "{}"), text(told != nullptr, r.worst_fraction, "{:.4f}"),
        text(stream->has_jitter(), stream->jitter_ms().mean, "{:.3f}"),
        text(told != nullptr, r.jitter * unit, "{:.3f}"),
        text(told != nullptr, r.highest_jitter * unit, "{:.3f}"), text(timed, r.round_trip_ms, "{:.3f}"),
        text(timed, r.least_ms, "{:.3f}"), text(timed, r.greatest_ms, "{:.3f}"),
        sent != nullptr && sent->bye_ns ? fmt::format("{:.6f}", seconds_since(analysis, *sent->bye_ns)) : "",
        csv_cell(sent != nullptr ? sent->cname : ""));
  }
  return out;
}

json::value to_json(const Analysis& analysis, const ReportOptions& options) {
  json::array streams, calls;
  for (const Stream* stream : analysis.streams.streams())
    streams.push_back(stream_json(analysis, *stream));
  for (const Call& call : analysis.calls.calls())
    calls.push_back(call_json(analysis, call));
  json::array srtp;
  for (const SrtpFlow& flow : options.srtp) {
    srtp.push_back({{"from", flow.from.to_string()},
                    {"to", flow.to.to_string()},
                    {"ssrc", fmt::format("0x{:08x}", flow.ssrc)},
                    {"rtcp", flow.rtcp},
                    {"suite", info(flow.suite).name},
                    {"decrypted", flow.decrypted},
                    {"not_authentic", flow.failed}});
  }
  const Counts& counts = analysis.streams.counts();
  const Crowd crowd = analysis.streams.crowd();
  return json::object{
      {"file", options.file},
      {"start", analysis.start_ns ? json::value(wall_time(*analysis.start_ns)) : json::value()},
      {"duration_s", analysis.start_ns ? seconds_since(analysis, analysis.end_ns) : 0.0},
      {"truncated", options.truncated},
      {"packets",
       {{"all", analysis.packets},
        {"rtp", counts.rtp},
        {"rtcp", counts.rtcp},
        {"sip", analysis.calls.messages()},
        {"uncounted", crowd.packets + crowd.beyond}}},
      {"streams", streams},
      {"calls", calls},
      {"srtp", srtp}};
}

} // namespace talky::rtpdump
