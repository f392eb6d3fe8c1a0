#include <boost/json.hpp>

#include "rtpdump/report/report.hpp"
#include "rtpdump/report/report_parts.hpp"

namespace talky::rtpdump {

namespace {

namespace json = boost::json;

json::object spread_json(const capture::Spread& spread) {
  return {{"min", finite(spread.low)}, {"mean", spread.mean}, {"max", spread.high}};
}

json::value known(bool is, double value) {
  return is ? json::value(value) : json::value();
}

json::array types_json(const capture::Stream& stream) {
  json::array out;
  for (const capture::PayloadUse& use : stream.payload_types()) {
    out.push_back({{"payload_type", use.type},
                   {"codec", use.format.name.empty() ? json::value() : json::value(use.format.name)},
                   {"clock_rate", use.format.clock_rate},
                   {"packets", use.packets}});
  }
  return out;
}

json::array digits_json(const capture::Analysis& analysis, const capture::Stream& stream) {
  json::array out;
  for (const capture::DtmfDigit& digit : stream.digits()) {
    out.push_back({{"digit", std::string(1, digit.digit)},
                   {"time_s", seconds_since(analysis, digit.time_ns)},
                   {"duration_ms", digit.duration_ms()},
                   {"ended", digit.ended}});
  }
  return out;
}

json::object losses_json(const capture::Stream& stream) {
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

json::value rtcp_json(const capture::Analysis& analysis, const capture::Stream& stream) {
  const capture::Reception* told = analysis.rtcp.reception_of(stream);
  const capture::Sending* sent = analysis.rtcp.sending_of(stream);
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

json::value level_json(const capture::Analysis& analysis, const capture::Stream& stream) {
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

json::object stream_json(const capture::Analysis& analysis, const capture::Stream& stream) {
  const capture::Call* call = analysis.calls.call_of(stream);
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
      {"mos", mos_of(stream) ? json::value(*mos_of(stream)) : json::value()},
      {"dtmf", digits_json(analysis, stream)},
      {"rtcp", rtcp_json(analysis, stream)}};
  if (analysis.levels) {
    out["level"] = level_json(analysis, stream);
    json::array tones;
    for (const capture::ToneDigit& tone : analysis.levels->tones_of(stream)) {
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

json::value since(const capture::Call& call, const std::optional<std::int64_t>& when) {
  return when ? json::value(seconds(*when - call.invite_ns)) : json::value();
}
json::value lasting(const std::optional<std::int64_t>& ns) {
  return ns ? json::value(seconds(*ns)) : json::value();
}

json::object call_json(const capture::Analysis& analysis, const capture::Call& call) {
  json::array ssrcs, branches, holds, digits;
  for (const capture::Stream* stream : analysis.streams.streams()) {
    if (analysis.calls.call_of(*stream) == &call) ssrcs.push_back(ssrc_of(*stream).c_str());
  }
  for (const capture::Call::Branch& branch : call.branches) {
    branches.push_back({{"from", branch.from.to_string()},
                        {"tag", branch.tag},
                        {"code", branch.code},
                        {"reason", branch.reason},
                        {"ringing_s", since(call, branch.ringing_ns)},
                        {"answered_s", since(call, branch.answered_ns)}});
  }
  for (const capture::Call::Hold& hold : call.holds)
    holds.push_back({{"by", to_string(hold.by)},
                     {"from_s", since(call, hold.from_ns)},
                     {"to_s", since(call, hold.to_ns)}});
  for (const capture::Call::Digit& digit : call.digits) {
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
          {"begun_before", call.begun_before},
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

json::object request_json(const capture::Analysis& analysis, const capture::Request& request) {
  const bool answered = request.answered_ns.has_value();
  return {{"method", request.method},
          {"call_id", request.call_id},
          {"from", request.from},
          {"to", request.to},
          {"source", request.source.to_string()},
          {"target", request.target.to_string()},
          {"first_s", seconds_since(analysis, request.first_ns)},
          {"last_s", seconds_since(analysis, request.last_ns)},
          {"requests", request.requests},
          {"retransmissions", request.retransmissions},
          {"challenges", request.challenges},
          {"final_code", request.final_code},
          {"final_reason", request.final_reason},
          {"took_ms", known(answered, static_cast<double>(request.took_ns()) * 1e-6)}};
}

} // namespace

json::value to_json(const capture::Analysis& analysis, const ReportOptions& options) {
  json::array streams, calls;
  for (const capture::Stream* stream : analysis.streams.streams())
    streams.push_back(stream_json(analysis, *stream));
  for (const capture::Call& call : analysis.calls.calls())
    calls.push_back(call_json(analysis, call));
  json::array requests;
  for (const capture::Request& request : analysis.calls.requests().requests())
    requests.push_back(request_json(analysis, request));
  json::array srtp;
  for (const capture::SrtpFlow& flow : options.srtp) {
    srtp.push_back({{"from", flow.from.to_string()},
                    {"to", flow.to.to_string()},
                    {"ssrc", fmt::format("0x{:08x}", flow.ssrc)},
                    {"rtcp", flow.rtcp},
                    {"suite", info(flow.suite).name},
                    {"decrypted", flow.decrypted},
                    {"not_authentic", flow.failed}});
  }
  const capture::Counts& counts = analysis.streams.counts();
  const capture::Crowd crowd = analysis.streams.crowd();
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
      {"requests", requests},
      {"srtp", srtp}};
}

} // namespace talky::rtpdump
