#include "rtpdump/report/report.hpp"

#include <algorithm>
#include <ctime>

#include "rtp/emodel.hpp"
#include "rtpdump/report/report_parts.hpp"

namespace talky::rtpdump {

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
  std::string safe = formula ? "'" + text : text;
  if (safe.find_first_of(",\"\n\r") == std::string::npos) return safe;
  std::string out = "\"";
  for (const char c : safe)
    out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::optional<double> mos_of(const capture::Stream& stream) {
  const auto codec = rtp::published_impairment_of(stream.format().name);
  const double unheard = stream.unheard();
  if (!codec || (unheard > 0 && !codec->bpl)) return std::nullopt;
  const double delay = 40 + 2 * stream.jitter_ms().mean;
  return rtp::mos(
      rtp::r_factor({unheard, stream.losses().burst_ratio, delay}, {codec->ie, codec->bpl.value_or(1)}));
}

std::string digits_of(const capture::Analysis& analysis, const capture::Stream& stream) {
  std::string digits;
  for (const capture::DtmfDigit& digit : stream.digits())
    digits += digit.digit;
  if (!digits.empty() || !analysis.levels) return digits;
  for (const capture::ToneDigit& tone : analysis.levels->tones_of(stream))
    digits += tone.digit;
  return digits;
}

std::vector<Key> keys_of(const capture::Analysis& analysis) {
  std::vector<Key> keys;
  for (const capture::Stream* stream : analysis.streams.streams()) {
    const capture::Call* call = analysis.calls.call_of(*stream);
    const std::string by = call != nullptr ? leg_name(call->leg_of(*stream)) : "";
    for (const capture::DtmfDigit& d : stream->digits())
      keys.push_back({d.time_ns, d.digit, d.duration_ms(), "event", d.ended, stream, call, by});
    if (!analysis.levels) continue;
    for (const capture::ToneDigit& tone : analysis.levels->tones_of(*stream))
      keys.push_back({tone.time_ns, tone.digit, tone.duration_ms, "tone", true, stream, call, by});
  }
  for (const capture::Call& call : analysis.calls.calls()) {
    for (const capture::Call::Digit& d : call.digits)
      keys.push_back({d.time_ns, d.digit, static_cast<double>(d.duration_ms), "info", true, nullptr, &call,
                      std::string(to_string(d.by))});
  }
  std::stable_sort(keys.begin(), keys.end(),
                   [](const Key& a, const Key& b) { return a.time_ns < b.time_ns; });
  return keys;
}

std::string stream_csv(const capture::Analysis& analysis) {
  std::string out =
      "start_s,duration_s,from,to,ssrc,payload_type,codec,packets,bytes,expected,lost,missing,duplicates,"
      "reordered,restarts,burst_ratio,delta_min_ms,delta_mean_ms,delta_max_ms,jitter_min_ms,jitter_mean_ms,"
      "jitter_max_ms,skew_ppm,mos,dtmf,call_id,late,bursts,burst_density,gap_density,sending_s,pauses,talk_s,"
      "active_dbov\n";
  for (const capture::Stream* stream : analysis.streams.streams()) {
    const capture::Call* call = analysis.calls.call_of(*stream);
    const auto jitter = [&](double value) {
      return stream->has_jitter() ? fmt::format("{:.6f}", value) : std::string();
    };
    const auto losses = stream->losses();
    const auto level = analysis.levels ? analysis.levels->loudness_of(*stream) : std::nullopt;
    out += fmt::format(
        "{:.6f},{:.6f},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.3f},{:.6f},{:.6f},{:.6f},{},{},{},{},{},"
        "{},{},{},{},{:.6f},{:.6f},{:.3f},{},{},{}\n",
        seconds_since(analysis, stream->first_ns()), seconds(stream->last_ns() - stream->first_ns()),
        stream->from.to_string(), stream->to.to_string(), ssrc_of(*stream), stream->payload_type(),
        csv_cell(stream->format().name), stream->packets(), stream->bytes(), stream->expected(),
        stream->lost(), stream->missing(), stream->duplicates(), stream->reordered(), stream->restarts(),
        losses.burst_ratio, finite(stream->delta_ms().low), stream->delta_ms().mean, stream->delta_ms().high,
        jitter(stream->jitter_ms().low), jitter(stream->jitter_ms().mean), jitter(stream->jitter_ms().high),
        stream->skew_ppm() ? fmt::format("{:.3f}", *stream->skew_ppm()) : "",
        mos_of(*stream) ? fmt::format("{:.3f}", *mos_of(*stream)) : "", digits_of(analysis, *stream),
        csv_cell(call != nullptr ? call->call_id : ""), stream->late(), losses.bursts, losses.burst_density,
        losses.gap_density, stream->sending_ms() / 1000, stream->pauses(),
        level ? fmt::format("{:.3f}", level->talk_s) : "",
        level && level->heard ? fmt::format("{:.2f}", level->speech.active_dbfs) : "");
  }
  return out;
}

std::string call_csv(const capture::Analysis& analysis) {
  std::string out =
      "invite,from,to,caller,callee,ringing_s,answered_s,ended_s,final_code,ended_by,call_id,state,"
      "post_dial_delay_s,talked_s,cause\n";
  for (const capture::Call& call : analysis.calls.calls()) {
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

std::string digit_csv(const capture::Analysis& analysis) {
  std::string out = "time_s,digit,duration_ms,means,by,ssrc,call_id\n";
  for (const Key& key : keys_of(analysis)) {
    out += fmt::format("{:.6f},{},{:.0f},{},{},{},{}\n", seconds_since(analysis, key.time_ns), key.digit,
                       key.duration_ms, key.means, key.by, key.stream != nullptr ? ssrc_of(*key.stream) : "",
                       csv_cell(key.call != nullptr ? key.call->call_id : ""));
  }
  return out;
}

std::string rtcp_csv(const capture::Analysis& analysis) {
  std::string out =
      "ssrc,packets,sr_packets,lost,rr_lost,rr_worst_fraction,jitter_mean_ms,rr_jitter_ms,"
      "rr_max_jitter_ms,rtt_ms,rtt_min_ms,rtt_max_ms,bye_s,cname\n";
  for (const capture::Stream* stream : analysis.streams.streams()) {
    const capture::Reception* told = analysis.rtcp.reception_of(*stream);
    const capture::Sending* sent = analysis.rtcp.sending_of(*stream);
    const double unit = stream->format().clock_rate == 0 ? 0 : 1000.0 / stream->format().clock_rate;
    const auto text = [](bool is, auto value, const char* format) {
      return is ? fmt::format(fmt::runtime(format), value) : std::string();
    };
    const bool timed = told != nullptr && told->round_trips > 0;
    const capture::Reception none;
    const capture::Reception& r = told != nullptr ? *told : none;
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

} // namespace talky::rtpdump
