#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "net/loop.hpp"

namespace talky::replay {

namespace {

double seconds(std::uint64_t samples) {
  return static_cast<double>(samples) / kRate;
}

double ms_between(Time from, Time to) {
  return static_cast<double>((to - from).count()) / 1000;
}

boost::json::value seconds_or_null(const std::optional<std::uint64_t>& samples) {
  return samples ? boost::json::value(seconds(*samples)) : boost::json::value();
}

boost::json::object stream_json(const media::StreamQuality& quality) {
  return {{"packets", quality.packets},           {"lost", quality.lost},
          {"loss_percent", quality.loss_percent}, {"burst_ratio", quality.burst_ratio},
          {"jitter_ms", quality.jitter_ms},       {"mos", quality.mos},
          {"level_dbov", quality.level_dbov},     {"peak_dbov", quality.peak_dbov}};
}

std::string quoted(const std::vector<std::string>& texts, std::size_t index) {
  return index < texts.size() && !texts[index].empty() ? fmt::format("\"{}\"", texts[index]) : "";
}

// The first packet with sound behind which there is more of it: one alone is a click.
std::optional<Time> first_sound(const std::vector<Packet>& packets, Time from) {
  auto at = std::partition_point(packets.begin(), packets.end(),
                                 [from](const Packet& packet) { return packet.at < from; });
  for (; at != packets.end(); ++at) {
    if (at->dbfs <= kSpeechDbfs) continue;
    const auto end = at + std::min<std::ptrdiff_t>(4, packets.end() - at);
    if (std::any_of(at + 1, end, [](const Packet& packet) { return packet.dbfs > kSpeechDbfs; }))
      return at->at;
  }
  return std::nullopt;
}

} // namespace

std::vector<std::string> Outcome::faults() const {
  std::vector<std::string> faults;
  if (!answered) {
    if (ended && ended->status != 0) {
      faults.push_back(fmt::format("refused: {} {}", ended->status, ended->reason));
    } else {
      faults.push_back(anything_came ? "not answered"
                                     : fmt::format("nobody is there: no reply from {}", target));
    }
    return faults;
  }
  const bool normal = ended && ended->cause == call::EndCause::hangup;
  if (!normal) {
    faults.push_back(
        fmt::format("ended by {}", ended ? call::to_string(ended->cause) : std::string_view("nothing")));
  }
  const bool has_speech =
      std::any_of(turns.begin(), turns.end(), [](const Turn& turn) { return turn.speech; });
  if (has_speech && !heard_us) faults.emplace_back("none of the caller's sound was sent");
  if (!heard_them) faults.emplace_back("the agent was not heard");
  if (steps_done < steps && !limit) {
    faults.push_back(fmt::format("the call ended after {} of {} steps", steps_done, steps));
  }
  return faults;
}

// Between the packet with the caller's last sound and the one with the agent's first, as the wire saw them.
struct Response {
  Time left, came;
  double ms() const { return ms_between(left, came); }
};

std::optional<Response> response(const Turn& turn, const Phone& phone) {
  if (!turn.answer_begin || turn.overlap) return std::nullopt;
  const auto left = phone.left_at(turn.speech_end);
  if (!left) return std::nullopt;
  const auto came = first_sound(phone.received(), *left);
  if (!came) return std::nullopt;
  return Response{*left, *came};
}

// Microseconds since 1970, to be laid beside the times of a capture.
std::int64_t wall_clock_us(Time time) {
  return net::wall_clock_us() - to_us(net::now()) + to_us(time);
}

boost::json::object to_json(const Outcome& outcome, const Phone& phone) {
  boost::json::array turns;
  for (std::size_t i = 0; i < outcome.turns.size(); ++i) {
    const Turn& turn = outcome.turns[i];
    const auto answer = response(turn, phone);
    boost::json::object entry{
        {"name", turn.name},
        {"speech_start_s", seconds(turn.speech_begin)},
        {"speech_end_s", seconds(turn.speech_end)},
        {"answer_start_s", seconds_or_null(turn.answer_begin)},
        {"answer_end_s", seconds_or_null(turn.answer_end)},
        {"latency_ms", answer ? boost::json::value(answer->ms()) : boost::json::value()},
        {"overlap", turn.overlap}};
    if (answer) {
      entry["speech_left_us"] = wall_clock_us(answer->left);
      entry["answer_came_us"] = wall_clock_us(answer->came);
    }
    if (i < outcome.said.size()) entry["said"] = outcome.said[i];
    if (i < outcome.answers.size()) entry["answer"] = outcome.answers[i];
    turns.push_back(std::move(entry));
  }
  boost::json::object call{
      {"target", outcome.target},
      {"transport", outcome.transport},
      {"answered", outcome.answered.has_value()},
      {"ringing_ms", outcome.ringing ? boost::json::value(ms_between(outcome.dialled, *outcome.ringing))
                                     : boost::json::value()},
      {"answer_ms", outcome.answered ? boost::json::value(ms_between(outcome.dialled, *outcome.answered))
                                     : boost::json::value()},
      {"codec", outcome.plan.codec}};
  if (outcome.ended) {
    call["duration_s"] = outcome.answered ? ms_between(*outcome.answered, outcome.ended->ended) / 1000 : 0.0;
    call["status"] = outcome.ended->status;
    call["cause"] = std::string(call::to_string(outcome.ended->cause));
    call["ended_by"] = outcome.ended->by_peer ? "agent" : "caller";
    call["reason"] = outcome.ended->reason;
  }
  boost::json::value greeting;
  if (outcome.greeting && outcome.answered) {
    const auto came = first_sound(phone.received(), *outcome.answered);
    boost::json::object entry{
        {"start_s", seconds(outcome.greeting->begin)},
        {"end_s", seconds(outcome.greeting->end)},
        {"after_answer_ms",
         came ? boost::json::value(ms_between(*outcome.answered, *came)) : boost::json::value()}};
    if (!outcome.greeting_text.empty()) entry["text"] = outcome.greeting_text;
    greeting = std::move(entry);
  }
  boost::json::value quality;
  if (outcome.ended && outcome.ended->quality) {
    const media::MediaQuality& media = *outcome.ended->quality;
    quality = boost::json::object{
        {"received", stream_json(media.in)},
        {"sent", stream_json(media.out)},
        {"late", media.late},
        {"duplicates", media.duplicates},
        {"reordered", media.reordered},
        {"late_ticks", media.late_ticks},
        {"unsent_ticks", media.unsent_ticks},
        {"jitter_buffer_ms", media.jitter_buffer_ms},
        {"rtt_ms", media.rtt_ms ? boost::json::value(*media.rtt_ms) : boost::json::value()}};
  }
  const auto faults = outcome.faults();
  boost::json::array reasons;
  for (const std::string& fault : faults)
    reasons.emplace_back(fault);
  boost::json::object out{{"success", faults.empty()}, {"faults", reasons}, {"call", call},
                          {"greeting", greeting},      {"turns", turns},    {"dtmf", outcome.digits},
                          {"quality", quality}};
  out["recording"] = outcome.recording.empty() ? boost::json::value() : boost::json::value(outcome.recording);
  if (!outcome.transcription_fault.empty()) out["transcription_fault"] = outcome.transcription_fault;
  return out;
}

std::string to_text(const Outcome& outcome, const Phone& phone) {
  std::string out;
  if (outcome.answered) {
    out += fmt::format("answered after {:.0f} ms, {} over {}\n",
                       ms_between(outcome.dialled, *outcome.answered), outcome.plan.codec, outcome.transport);
  }
  if (outcome.greeting) {
    out += fmt::format("{:8.2f}  agent   {}\n", seconds(outcome.greeting->begin),
                       quoted({outcome.greeting_text}, 0));
  }
  std::vector<double> latencies;
  for (std::size_t i = 0; i < outcome.turns.size(); ++i) {
    const Turn& turn = outcome.turns[i];
    out += fmt::format("{:8.2f}  caller  {} ({})\n", seconds(turn.speech_begin), quoted(outcome.said, i),
                       turn.name);
    const auto answer = response(turn, phone);
    if (answer) latencies.push_back(answer->ms());
    if (turn.answer_begin) {
      out += fmt::format("{:8.2f}  agent   {}{}\n", seconds(*turn.answer_begin), quoted(outcome.answers, i),
                         answer ? fmt::format(" after {:.0f} ms", answer->ms()) : "");
    } else {
      out += fmt::format("          agent   {}\n", turn.overlap ? "was speaking already" : "says nothing");
    }
  }
  if (outcome.ended && outcome.answered) {
    out += fmt::format("{:8.2f}  hung up by the {}\n",
                       ms_between(*outcome.answered, outcome.ended->ended) / 1000,
                       outcome.ended->by_peer ? "agent" : "caller");
  }
  if (!latencies.empty()) {
    std::sort(latencies.begin(), latencies.end());
    out += fmt::format("end of speech to first audio: median {:.0f} ms, worst {:.0f} ms, {} turns\n",
                       latencies[(latencies.size() - 1) / 2], latencies.back(), latencies.size());
  }
  if (!outcome.transcription_fault.empty())
    out += fmt::format("no transcript: {}\n", outcome.transcription_fault);
  if (!outcome.recording.empty()) out += fmt::format("recorded in {}\n", outcome.recording);
  for (const std::string& fault : outcome.faults())
    out += fmt::format("fault: {}\n", fault);
  return out;
}

} // namespace talky::replay
