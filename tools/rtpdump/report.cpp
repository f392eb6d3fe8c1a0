#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <ctime>

#include "rtp/emodel.hpp"

namespace talky::rtpdump {

namespace {

// UTC, RFC 3339 with microseconds.
std::string wall(std::int64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ns % 1'000'000'000 / 1000);
}

double seconds_since(const Analysis& analysis, std::int64_t ns) {
  return static_cast<double>(ns - analysis.start_ns.value_or(ns)) * 1e-9;
}

std::string codec_of(const Stream& stream) {
  return stream.format().name.empty() ? fmt::format("pt {}", stream.payload_type()) : stream.format().name;
}

double loss_of(const Stream& stream) {
  return stream.expected() == 0
             ? 0
             : static_cast<double>(stream.missing()) / static_cast<double>(stream.expected());
}

double finite(double value) {
  return std::isfinite(value) ? value : 0;
}

std::string digits_of(const Stream& stream) {
  std::string digits;
  for (const DtmfDigit& digit : stream.digits())
    digits += digit.digit;
  return digits;
}

// Columns as wide as their widest cell; numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string str() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i)
        widths[i] = std::max(widths[i], row[i].size());
    }
    std::string out;
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const bool number = !row[i].empty() && (row[i][0] == '-' || (row[i][0] >= '0' && row[i][0] <= '9')) &&
                            rows_.size() > 1;
        const bool right = &row == &rows_.front() ? numeric(i) : number && numeric(i);
        line +=
            right ? fmt::format("{:>{}}  ", row[i], widths[i]) : fmt::format("{:<{}}  ", row[i], widths[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + "\n";
    }
    return out;
  }

 private:
  bool numeric(std::size_t column) const {
    return std::all_of(rows_.begin() + 1, rows_.end(), [column](const auto& row) {
      return row[column].find_first_not_of("-0123456789.%") == std::string::npos;
    });
  }
  std::vector<std::vector<std::string>> rows_;
};

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text)
    out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

boost::json::object spread_json(const Spread& spread) {
  return {{"min", finite(spread.low)}, {"mean", spread.mean}, {"max", spread.high}};
}

boost::json::object stream_json(const Analysis& analysis, const Stream& stream) {
  boost::json::array digits;
  for (const DtmfDigit& digit : stream.digits()) {
    digits.push_back(
        {{"digit", std::string(1, digit.digit)},
         {"time_s", seconds_since(analysis, digit.time_ns)},
         {"duration_ms",
          stream.format().clock_rate == 0 ? 0.0 : digit.duration * 1000.0 / stream.format().clock_rate},
         {"ended", digit.ended}});
  }
  const Call* call = analysis.calls.call_of(stream);
  boost::json::object out{
      {"from", stream.from.to_string()},
      {"to", stream.to.to_string()},
      {"ssrc", fmt::format("0x{:08x}", stream.ssrc)},
      {"payload_type", stream.payload_type()},
      {"codec",
       stream.format().name.empty() ? boost::json::value() : boost::json::value(stream.format().name)},
      {"start_s", seconds_since(analysis, stream.first_ns())},
      {"duration_s", static_cast<double>(stream.last_ns() - stream.first_ns()) * 1e-9},
      {"packets", stream.packets()},
      {"bytes", stream.bytes()},
      {"expected", stream.expected()},
      {"lost", stream.lost()},
      {"missing", stream.missing()},
      {"duplicates", stream.duplicates()},
      {"reordered", stream.reordered()},
      {"restarts", stream.restarts()},
      {"marked", stream.marked()},
      {"burst_ratio", stream.losses().burst_ratio},
      {"delta_ms", spread_json(stream.delta_ms())},
      {"jitter_ms",
       stream.has_jitter() ? boost::json::value(spread_json(stream.jitter_ms())) : boost::json::value()},
      {"skew_ppm", stream.skew_ppm() ? boost::json::value(*stream.skew_ppm()) : boost::json::value()},
      {"mos", mos_of(stream)},
      {"dtmf", digits}};
  out["call_id"] = call != nullptr ? boost::json::value(call->call_id) : boost::json::value();
  if (call != nullptr) out["leg"] = call->leg_of(stream) == Call::Leg::from_caller ? "caller" : "callee";
  return out;
}

boost::json::value since(const Call& call, const std::optional<std::int64_t>& when) {
  if (!when) return nullptr;
  return static_cast<double>(*when - call.invite_ns) * 1e-9;
}

boost::json::object call_json(const Analysis& analysis, const Call& call) {
  boost::json::array streams;
  for (const Stream* stream : analysis.streams.streams()) {
    if (analysis.calls.call_of(*stream) == &call)
      streams.push_back(fmt::format("0x{:08x}", stream->ssrc).c_str());
  }
  return {{"call_id", call.call_id},
          {"from", call.from},
          {"to", call.to},
          {"caller", call.caller.to_string()},
          {"callee", call.callee.to_string()},
          {"invite", wall(call.invite_ns)},
          {"ringing_s", since(call, call.ringing_ns)},
          {"answered_s", since(call, call.answered_ns)},
          {"ended_s", since(call, call.ended_ns)},
          {"final_code", call.final_code},
          {"final_reason", call.final_reason},
          {"ended_by", call.ended_by},
          {"ssrcs", streams}};
}

std::string state_of(const Call& call) {
  if (call.final_code == 0) return call.ended_by.empty() ? "no answer seen" : "cancelled";
  if (call.final_code >= 300) return "refused";
  return call.ended_ns ? fmt::format("ended by {}", call.ended_by.empty() ? "?" : call.ended_by) : "up";
}

std::string seconds_or_dash(const Call& call, const std::optional<std::int64_t>& when) {
  return when ? fmt::format("{:.3f}", static_cast<double>(*when - call.invite_ns) * 1e-9) : "-";
}

} // namespace

double mos_of(const Stream& stream) {
  // What a listener behind a jitter buffer of twice the mean jitter and two packets would get.
  const double delay = 40 + 2 * stream.jitter_ms().mean;
  return rtp::mos(rtp::r_factor({loss_of(stream), stream.losses().burst_ratio, delay},
                                rtp::impairment_of(stream.format().name)));
}

std::string stream_table(const Analysis& analysis) {
  Table table({"start", "length", "from", "to", "ssrc", "codec", "packets", "lost", "loss%", "dup", "reord",
               "max delta", "jitter", "max jitter", "skew ppm", "MOS", "DTMF"});
  for (const Stream* stream : analysis.streams.streams()) {
    table.add({fmt::format("{:.3f}", seconds_since(analysis, stream->first_ns())),
               fmt::format("{:.3f}", static_cast<double>(stream->last_ns() - stream->first_ns()) * 1e-9),
               stream->from.to_string(), stream->to.to_string(), fmt::format("0x{:08x}", stream->ssrc),
               codec_of(*stream), std::to_string(stream->packets()), std::to_string(stream->missing()),
               fmt::format("{:.2f}", loss_of(*stream) * 100), std::to_string(stream->duplicates()),
               std::to_string(stream->reordered()), fmt::format("{:.3f}", stream->delta_ms().high),
               stream->has_jitter() ? fmt::format("{:.3f}", stream->jitter_ms().mean) : "-",
               stream->has_jitter() ? fmt::format("{:.3f}", stream->jitter_ms().high) : "-",
               stream->skew_ppm() ? fmt::format("{:.1f}", *stream->skew_ppm()) : "-",
               fmt::format("{:.2f}", mos_of(*stream)), digits_of(*stream)});
  }
  return table.str();
}

std::string stream_csv(const Analysis& analysis) {
  std::string out =
      "start_s,duration_s,from,to,ssrc,payload_type,codec,packets,bytes,expected,lost,missing,duplicates,"
      "reordered,"
      "restarts,burst_ratio,delta_min_ms,delta_mean_ms,delta_max_ms,jitter_min_ms,jitter_mean_ms,jitter_max_"
      "ms,"
      "skew_ppm,mos,dtmf,call_id\n";
  for (const Stream* stream : analysis.streams.streams()) {
    const Call* call = analysis.calls.call_of(*stream);
    const auto jitter = [&](double value) {
      return stream->has_jitter() ? fmt::format("{:.6f}", value) : std::string();
    };
    out += fmt::format(
        "{:.6f},{:.6f},{},{},0x{:08x},{},{},{},{},{},{},{},{},{},{},{:.3f},{:.6f},{:.6f},{:.6f},{},{},{},{},{"
        ":.3f},{},{}\n",
        seconds_since(analysis, stream->first_ns()),
        static_cast<double>(stream->last_ns() - stream->first_ns()) * 1e-9, stream->from.to_string(),
        stream->to.to_string(), stream->ssrc, stream->payload_type(), csv_cell(stream->format().name),
        stream->packets(), stream->bytes(), stream->expected(), stream->lost(), stream->missing(),
        stream->duplicates(), stream->reordered(), stream->restarts(), stream->losses().burst_ratio,
        finite(stream->delta_ms().low), stream->delta_ms().mean, stream->delta_ms().high,
        jitter(stream->jitter_ms().low), jitter(stream->jitter_ms().mean), jitter(stream->jitter_ms().high),
        stream->skew_ppm() ? fmt::format("{:.3f}", *stream->skew_ppm()) : "", mos_of(*stream),
        digits_of(*stream), csv_cell(call != nullptr ? call->call_id : ""));
  }
  return out;
}

std::string call_table(const Analysis& analysis) {
  Table table({"start", "from", "to", "answered", "ended", "code", "state", "call-id", "streams"});
  const auto streams = analysis.streams.streams();
  for (const Call& call : analysis.calls.calls()) {
    std::string ssrcs;
    for (const Stream* stream : streams) {
      if (analysis.calls.call_of(*stream) != &call) continue;
      ssrcs += fmt::format("{}0x{:08x} {}", ssrcs.empty() ? "" : ", ", stream->ssrc,
                           call.leg_of(*stream) == Call::Leg::from_caller ? "caller" : "callee");
    }
    table.add({fmt::format("{:.3f}", seconds_since(analysis, call.invite_ns)), call.from, call.to,
               seconds_or_dash(call, call.answered_ns), seconds_or_dash(call, call.ended_ns),
               call.final_code == 0 ? "-" : std::to_string(call.final_code), state_of(call), call.call_id,
               ssrcs});
  }
  return table.str();
}

std::string call_csv(const Analysis& analysis) {
  std::string out = "invite,from,to,caller,callee,ringing_s,answered_s,ended_s,final_code,ended_by,call_id\n";
  for (const Call& call : analysis.calls.calls()) {
    const auto when = [&](const std::optional<std::int64_t>& at) {
      return at ? seconds_or_dash(call, at) : std::string();
    };
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", wall(call.invite_ns), csv_cell(call.from),
                       csv_cell(call.to), call.caller.to_string(), call.callee.to_string(),
                       when(call.ringing_ns), when(call.answered_ns), when(call.ended_ns), call.final_code,
                       call.ended_by, csv_cell(call.call_id));
  }
  return out;
}

std::string call_ladder(const Analysis& analysis, std::string_view call_id) {
  const auto& calls = analysis.calls.calls();
  const auto found =
      std::find_if(calls.begin(), calls.end(), [&](const Call& call) { return call.call_id == call_id; });
  if (found == calls.end()) return "";
  std::vector<Endpoint> hosts;
  std::size_t widest = 20;
  for (const LadderLine& line : found->ladder) {
    for (const Endpoint& host : {line.from, line.to}) {
      if (std::find(hosts.begin(), hosts.end(), host) == hosts.end() && hosts.size() < 6)
        hosts.push_back(host);
    }
    widest = std::max(widest, std::min<std::size_t>(line.text.size(), 50));
  }
  const std::size_t gap = widest + 8;
  std::string out = fmt::format("{:>10}  ", "");
  for (const Endpoint& host : hosts)
    out += fmt::format("{:<{}}", host.to_string(), gap);
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
  for (const LadderLine& line : found->ladder) {
    const auto from =
        static_cast<std::size_t>(std::find(hosts.begin(), hosts.end(), line.from) - hosts.begin());
    const auto to = static_cast<std::size_t>(std::find(hosts.begin(), hosts.end(), line.to) - hosts.begin());
    std::string row(gap * hosts.size(), ' ');
    for (std::size_t i = 0; i < hosts.size(); ++i)
      row[i * gap] = '|';
    if (from < hosts.size() && to < hosts.size() && from != to) {
      const std::size_t left = std::min(from, to) * gap;
      const std::size_t right = std::max(from, to) * gap;
      std::fill(row.begin() + static_cast<std::ptrdiff_t>(left) + 1,
                row.begin() + static_cast<std::ptrdiff_t>(right), '-');
      row[from < to ? right - 1 : left + 1] = from < to ? '>' : '<';
      std::string text = " " + line.text.substr(0, right - left - 6) + " ";
      const std::size_t at = left + 1 + (right - left - 1 - text.size()) / 2;
      row.replace(at, text.size(), text);
    } else {
      row += line.text;
    }
    row.erase(row.find_last_not_of(' ') + 1);
    out += fmt::format("{:>10.3f}  {}\n", static_cast<double>(line.time_ns - found->invite_ns) * 1e-9, row);
  }
  return out;
}

boost::json::value to_json(const Analysis& analysis, const ReportOptions& options) {
  boost::json::array streams;
  for (const Stream* stream : analysis.streams.streams())
    streams.push_back(stream_json(analysis, *stream));
  boost::json::array calls;
  for (const Call& call : analysis.calls.calls())
    calls.push_back(call_json(analysis, call));
  const Counts& counts = analysis.streams.counts();
  return boost::json::object{
      {"file", options.file},
      {"start", analysis.start_ns ? boost::json::value(wall(*analysis.start_ns)) : boost::json::value()},
      {"duration_s", analysis.start_ns ? seconds_since(analysis, analysis.end_ns) : 0.0},
      {"truncated", options.truncated},
      {"packets",
       {{"all", analysis.packets},
        {"rtp", counts.rtp},
        {"rtcp", counts.rtcp},
        {"sip", analysis.calls.messages()}}},
      {"streams", streams},
      {"calls", calls}};
}

} // namespace talky::rtpdump
