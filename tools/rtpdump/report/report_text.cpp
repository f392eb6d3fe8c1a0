#include <algorithm>

#include "rtpdump/report/report.hpp"
#include "rtpdump/report/report_parts.hpp"
#include "rtpdump/report/text_table.hpp"

namespace talky::rtpdump {

namespace {

std::string after(const capture::Call& call, const std::optional<std::int64_t>& when) {
  return when ? fmt::format("{:.3f}", seconds(*when - call.invite_ns)) : "-";
}
std::string length(const std::optional<std::int64_t>& ns) {
  return ns ? fmt::format("{:.3f}", seconds(*ns)) : "-";
}
std::string number_or_dash(bool known, double value, int digits = 3) {
  return known ? fmt::format("{:.{}f}", value, digits) : "-";
}

std::string mos_text(const capture::Stream& stream) {
  const auto mos = mos_of(stream);
  return number_or_dash(mos.has_value(), mos.value_or(0), 2);
}

std::string types_of(const capture::Stream& stream) {
  std::string out;
  for (const capture::PayloadUse& use : stream.payload_types()) {
    if (use.format.telephone_event) continue;
    out += fmt::format("{}{}", out.empty() ? "" : ",",
                       use.format.name.empty() ? fmt::format("pt{}", use.type) : use.format.name);
  }
  return out.empty() ? codec_of(stream) : out;
}

std::string short_table(const capture::Analysis& analysis) {
  const auto streams = analysis.streams.streams();
  const bool digits = std::any_of(streams.begin(), streams.end(),
                                  [&](const capture::Stream* s) { return !digits_of(analysis, *s).empty(); });
  std::vector<std::string> head{"#",       "start", "length", "from",   "to",    "ssrc", "codec",
                                "packets", "loss%", "late",   "jitter", "delta", "MOS"};
  if (analysis.levels) head.insert(head.end(), {"talk", "level"});
  if (digits) head.emplace_back("DTMF");
  TextTable table(head);
  for (const capture::Stream* stream : streams) {
    std::vector<std::string> row{std::to_string(analysis.number_of(*stream)),
                                 fmt::format("{:.2f}", seconds_since(analysis, stream->first_ns())),
                                 fmt::format("{:.2f}", seconds(stream->last_ns() - stream->first_ns())),
                                 stream->from.to_string(),
                                 stream->to.to_string(),
                                 ssrc_of(*stream),
                                 types_of(*stream),
                                 std::to_string(stream->packets()),
                                 fmt::format("{:.2f}", loss_of(*stream) * 100),
                                 std::to_string(stream->late()),
                                 number_or_dash(stream->has_jitter(), stream->jitter_ms().mean, 2),
                                 fmt::format("{:.1f}", stream->delta_ms().high),
                                 mos_text(*stream)};
    if (analysis.levels) {
      const auto level = analysis.levels->loudness_of(*stream);
      const capture::Loudness loud = level.value_or(capture::Loudness{});
      row.push_back(number_or_dash(level.has_value(), loud.talk_s, 1));
      row.push_back(number_or_dash(loud.heard, loud.speech.active_dbfs, 1));
    }
    if (digits) row.push_back(digits_of(analysis, *stream));
    table.add(std::move(row));
  }
  return table.str();
}

} // namespace

std::string stream_table(const capture::Analysis& analysis, bool wide) {
  if (!wide) return short_table(analysis);
  TextTable table({"#",        "start",   "length",     "from",     "to",        "ssrc",
                   "codec",    "packets", "lost",       "loss%",    "dup",       "reord",
                   "late",     "bursts",  "in burst%",  "in gap%",  "delta min", "mean",
                   "max",      "jitter",  "max jitter", "skew ppm", "sending",   "pauses",
                   "restarts", "talk",    "level dBov", "dBm0",     "MOS",       "DTMF"});
  for (const capture::Stream* stream : analysis.streams.streams()) {
    const auto losses = stream->losses();
    const auto level = analysis.levels ? analysis.levels->loudness_of(*stream) : std::nullopt;
    const capture::Loudness loud = level.value_or(capture::Loudness{});
    const auto delta = stream->delta_ms();
    const auto jitter = stream->jitter_ms();
    const auto skew = stream->skew_ppm();
    table.add({std::to_string(analysis.number_of(*stream)),
               fmt::format("{:.3f}", seconds_since(analysis, stream->first_ns())),
               fmt::format("{:.3f}", seconds(stream->last_ns() - stream->first_ns())),
               stream->from.to_string(),
               stream->to.to_string(),
               ssrc_of(*stream),
               types_of(*stream),
               std::to_string(stream->packets()),
               std::to_string(stream->missing()),
               fmt::format("{:.2f}", loss_of(*stream) * 100),
               std::to_string(stream->duplicates()),
               std::to_string(stream->reordered()),
               std::to_string(stream->late()),
               std::to_string(losses.bursts),
               fmt::format("{:.1f}", losses.burst_density * 100),
               fmt::format("{:.2f}", losses.gap_density * 100),
               fmt::format("{:.3f}", finite(delta.low)),
               fmt::format("{:.3f}", delta.mean),
               fmt::format("{:.3f}", delta.high),
               number_or_dash(stream->has_jitter(), jitter.mean),
               number_or_dash(stream->has_jitter(), jitter.high),
               number_or_dash(skew.has_value(), skew.value_or(0), 1),
               fmt::format("{:.2f}", stream->sending_ms() / 1000),
               std::to_string(stream->pauses()),
               std::to_string(stream->restarts()),
               number_or_dash(level.has_value(), loud.talk_s, 2),
               number_or_dash(loud.heard, loud.speech.active_dbfs, 1),
               number_or_dash(loud.heard, loud.speech.active_dbfs + loud.dbm0_offset, 1),
               mos_text(*stream),
               digits_of(analysis, *stream)});
  }
  return table.str();
}

namespace {

// What SIP did beside calls; "" where it did nothing.
std::string request_table(const capture::Analysis& analysis) {
  const auto& requests = analysis.calls.requests().requests();
  if (requests.empty()) return {};
  TextTable table({"request", "start", "from", "to", "source", "target", "times", "again", "challenged",
                   "code", "took ms", "call-id"});
  for (const capture::Request& request : requests) {
    table.add(
        {request.method, fmt::format("{:.3f}", seconds_since(analysis, request.first_ns)), request.from,
         request.to, request.source.to_string(), request.target.to_string(), std::to_string(request.requests),
         std::to_string(request.retransmissions), std::to_string(request.challenges),
         request.final_code == 0 ? "-" : std::to_string(request.final_code),
         number_or_dash(request.answered_ns.has_value(), static_cast<double>(request.took_ns()) * 1e-6, 1),
         request.call_id});
  }
  return "\n" + table.str();
}

} // namespace

std::string call_table(const capture::Analysis& analysis) {
  TextTable table(
      {"#", "start", "from", "to", "PDD", "ring", "answer", "talk", "code", "state", "legs", "call-id"});
  const auto streams = analysis.streams.streams();
  for (const capture::Call& call : analysis.calls.calls()) {
    std::string legs; // > the caller's streams, < the callee's
    for (const capture::Stream* stream : streams) {
      if (analysis.calls.call_of(*stream) != &call) continue;
      const bool caller = call.leg_of(*stream) == capture::Call::Leg::from_caller;
      legs += fmt::format("{}{}{}", legs.empty() ? "" : " ", caller ? ">" : "<", analysis.number_of(*stream));
    }
    std::string state(to_string(call.state()));
    if (call.ended_by != capture::Call::Side::none && call.state() == capture::Call::State::ended)
      state += fmt::format(" by {}", to_string(call.ended_by));
    table.add({std::to_string(call.number), fmt::format("{:.3f}", seconds_since(analysis, call.invite_ns)),
               call.from, call.to, length(call.post_dial_delay_ns()), length(call.ringing_for_ns()),
               call.was_up ? "before" : after(call, call.answered_ns), length(call.talked_ns()),
               call.final_code == 0 ? "-" : std::to_string(call.final_code), state, legs, call.call_id});
  }
  return table.str() + request_table(analysis);
}

std::string digit_table(const capture::Analysis& analysis) {
  TextTable table({"time", "digit", "ms", "means", "by", "stream", "call-id"});
  for (const Key& key : keys_of(analysis)) {
    table.add({fmt::format("{:.3f}", seconds_since(analysis, key.time_ns)), std::string(1, key.digit),
               key.duration_ms > 0 ? fmt::format("{:.0f}{}", key.duration_ms, key.ended ? "" : "+") : "-",
               key.means, key.by.empty() ? "-" : key.by, key.stream != nullptr ? ssrc_of(*key.stream) : "-",
               key.call != nullptr ? key.call->call_id : "-"});
  }
  return table.str();
}

std::string rtcp_table(const capture::Analysis& analysis) {
  TextTable table({"#", "ssrc", "packets", "SR said", "lost", "RR said", "jitter", "RR said", "max said",
                   "RTT", "min", "max", "BYE", "CNAME"});
  for (const capture::Stream* stream : analysis.streams.streams()) {
    const capture::Reception* told = analysis.rtcp.reception_of(*stream);
    const capture::Sending* sent = analysis.rtcp.sending_of(*stream);
    const double unit = stream->format().clock_rate == 0 ? 0 : 1000.0 / stream->format().clock_rate;
    const bool timed = told != nullptr && told->round_trips > 0;
    table.add({std::to_string(analysis.number_of(*stream)), ssrc_of(*stream),
               std::to_string(stream->packets()),
               sent != nullptr && sent->reports > 0 ? std::to_string(sent->packets) : "-",
               std::to_string(stream->lost()), told != nullptr ? std::to_string(told->lost) : "-",
               number_or_dash(stream->has_jitter(), stream->jitter_ms().mean, 2),
               number_or_dash(told != nullptr, told != nullptr ? told->jitter * unit : 0, 2),
               number_or_dash(told != nullptr, told != nullptr ? told->highest_jitter * unit : 0, 2),
               number_or_dash(timed, timed ? told->round_trip_ms : 0, 2),
               number_or_dash(timed, timed ? told->least_ms : 0, 2),
               number_or_dash(timed, timed ? told->greatest_ms : 0, 2),
               sent != nullptr && sent->bye_ns ? fmt::format("{:.3f}", seconds_since(analysis, *sent->bye_ns))
                                               : "-",
               sent != nullptr && !sent->cname.empty() ? sent->cname : "-"});
  }
  return table.str();
}

std::string call_ladder(const capture::Analysis& analysis, std::string_view call_id) {
  const auto& calls = analysis.calls.calls();
  const auto found = std::find_if(calls.begin(), calls.end(),
                                  [&](const capture::Call& call) { return call.call_id == call_id; });
  if (found == calls.end()) return "";
  std::vector<Endpoint> hosts;
  std::size_t gap = 20;
  for (const capture::LadderLine& line : found->ladder) {
    for (const Endpoint& host : {line.from, line.to}) {
      if (std::find(hosts.begin(), hosts.end(), host) == hosts.end() && hosts.size() < 6)
        hosts.push_back(host);
      gap = std::max(gap, host.to_string().size() + 2);
    }
  }
  // Wide enough for the longest message, as long as all of it stays below 120 columns or a message is cut.
  const std::size_t most = std::max<std::size_t>(28, hosts.size() > 1 ? 84 / (hosts.size() - 1) : 84);
  for (const capture::LadderLine& line : found->ladder)
    gap = std::max(gap, std::min(line.text.size() + 8, most));
  std::string out = fmt::format("{:>9}  ", "s");
  for (const Endpoint& host : hosts)
    out += fmt::format("{:<{}}", host.to_string(), gap);
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
  for (const capture::LadderLine& line : found->ladder) {
    const auto column = [&](const Endpoint& host) {
      return static_cast<std::size_t>(std::find(hosts.begin(), hosts.end(), host) - hosts.begin());
    };
    const std::size_t from = column(line.from);
    const std::size_t to = column(line.to);
    std::string row(gap * (hosts.size() - 1) + 1, ' ');
    for (std::size_t i = 0; i < hosts.size(); ++i)
      row[i * gap] = '|';
    if (from < hosts.size() && to < hosts.size() && from != to) {
      const std::size_t left = std::min(from, to) * gap;
      const std::size_t right = std::max(from, to) * gap;
      std::fill(row.begin() + static_cast<std::ptrdiff_t>(left) + 1,
                row.begin() + static_cast<std::ptrdiff_t>(right), '-');
      row[from < to ? right - 1 : left + 1] = from < to ? '>' : '<';
      std::string text = line.text;
      if (text.size() > right - left - 6) text = text.substr(0, right - left - 9) + "...";
      text = fmt::format(" {} ", text);
      row.replace(left + 1 + (right - left - 1 - text.size()) / 2, text.size(), text);
    } else {
      row += "  " + line.text;
    }
    out += fmt::format("{:>9.3f}  {}\n", seconds(line.time_ns - found->invite_ns), row);
  }
  if (found->ladder.size() >= capture::Call::kMaxLadder) out += "           (what follows was not kept)\n";
  return out;
}

} // namespace talky::rtpdump
