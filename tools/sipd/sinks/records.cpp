#include "sipd/sinks/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/overloaded.hpp"
#include "net/background_thread.hpp"
#include "net/loop.hpp"
#include "voice/journal.hpp"

namespace talky::sipd {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kMaxJournal = 64 << 20; // bytes; a longer one is kept, but not read
// A journal without its last entry, as a killed agent leaves it, has ended when it does not grow any more. A
// slow agent writes within that time.
constexpr auto kQuietAfter = std::chrono::seconds(30);
constexpr voice::Samples kSamplesPerMs = voice::kSampleRate / 1000;

std::int64_t wall_ms() {
  return net::wall_clock_us() / 1000;
}

std::optional<std::int64_t> count(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

double in_ms(voice::Samples samples) {
  return static_cast<double>(samples) / static_cast<double>(kSamplesPerMs);
}

// Nearest rank: a value that was measured, not one in between.
double percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

// Whose doing the end was.
std::string ended_by(const call::CallEnded& event, const std::string& direction) {
  if (event.by_peer) return direction == "out" ? "callee" : "caller";
  const bool asked = event.cause == call::EndCause::hangup || event.cause == call::EndCause::rejected;
  return asked ? "agent" : "system";
}

std::set<std::string> names_of(const std::vector<std::string>& paths) {
  std::set<std::string> out;
  for (const std::string& path : paths)
    out.insert(fs::path(path).filename().string());
  return out;
}

bool quiet(const std::string& path) {
  std::error_code error;
  const auto changed = fs::last_write_time(path, error);
  return error || fs::file_time_type::clock::now() - changed > kQuietAfter;
}

std::int64_t changed_ms(const std::string& path) {
  std::error_code error;
  const auto changed = fs::last_write_time(path, error);
  if (error) return 0;
  const auto age = fs::file_time_type::clock::now() - changed;
  return wall_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
}

} // namespace

std::optional<std::string> read_journal(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error || size > kMaxJournal) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

bool fold_journal(std::string_view text, store::CallRecord& record) {
  namespace journal = voice::journal;
  std::vector<journal::Entry> entries;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto entry = journal::parse_line(text.substr(0, end))) entries.push_back(std::move(*entry));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (entries.empty()) return false;
  std::int64_t turns = 0;
  std::int64_t barge_ins = 0;
  std::vector<double> responses;
  for (const journal::Entry& entry : entries) {
    if (std::holds_alternative<journal::Turn>(entry.what)) ++turns;
    const auto* reopened = std::get_if<journal::TurnReopened>(&entry.what);
    if (reopened && reopened->turn > 0) --turns;
    if (std::holds_alternative<journal::BargeIn>(entry.what)) ++barge_ins;
    const auto* latency = std::get_if<journal::Latency>(&entry.what);
    if (latency && latency->turn > 0) responses.push_back(in_ms(latency->total));
  }
  record.turns = turns;
  record.barge_ins = barge_ins;
  if (!responses.empty()) {
    std::sort(responses.begin(), responses.end());
    record.response_p50_ms = percentile(responses, 0.5);
    record.response_p95_ms = percentile(responses, 0.95);
    record.response_max_ms = responses.back();
  }
  record.said.clear();
  for (const journal::Said& said : journal::transcript(entries)) {
    record.said.push_back({said.who == journal::Said::Who::caller ? "caller" : "agent",
                           static_cast<std::int64_t>(said.begin / kSamplesPerMs), said.text,
                           said.cut ? 1 : 0});
  }
  return std::any_of(entries.begin(), entries.end(), [](const journal::Entry& e) {
    return std::holds_alternative<journal::Stopped>(e.what);
  });
}

Records::Records(Options options, log::Sink log)
    : options_(std::move(options)),
      mended_(names_of(options_.mended)),
      log_(std::move(log)),
      writer_(writer_options()) {}

store::Writer::Options Records::writer_options() {
  store::Writer::Options out;
  if (options_.database) {
    out.open = [location = *options_.database] {
      return store::open_database(location, store::Access::write);
    };
  }
  out.spool = options_.spool;
  out.retention = options_.retention;
  out.log = log_;
  out.begin = net::begin_background_thread;
  if (!options_.recordings.empty())
    out.complete = [this](const store::Writer::Completing& completing) { return complete(completing); };
  return out;
}

void Records::files_closed(const std::string& uuid, bool whole) {
  if (!whole) {
    const std::lock_guard lock(mutex_);
    partial_.insert(uuid);
  }
  writer_.files_closed(uuid);
}

bool Records::take_partial(const std::string& uuid) const {
  const std::lock_guard lock(mutex_);
  return partial_.erase(uuid) > 0;
}

// On the writer's thread.
bool Records::complete(const store::Writer::Completing& completing) const {
  store::CallRecord& record = completing.record;
  std::error_code error;
  const auto base = (fs::absolute(options_.recordings, error) / record.uuid).string();
  const std::string journal = base + ".jsonl";
  std::vector<std::pair<std::string, std::string>> paths;
  for (const auto& [kind, path] : {std::pair<std::string, std::string>{"wav", base + ".wav"},
                                   {"pcap", base + ".pcap"},
                                   {"journal", journal}}) {
    if (fs::exists(path, error)) paths.emplace_back(kind, path);
  }
  if (record.route == "agent" && options_.agent_keeps_journal) {
    const auto text = read_journal(journal);
    const bool whole = text && fold_journal(*text, record);
    const bool over = whole || completing.last || (text && quiet(journal));
    if (!over) return false;
    if (text) record.transcript = journal;
  }
  const bool partial = take_partial(record.uuid);
  record.files.clear();
  for (const auto& [kind, path] : paths) {
    bool mended = mended_.contains(fs::path(path).filename().string());
    // Nobody has seen the end of the call; the last that was written of it, not by mending, comes nearest.
    const std::int64_t written_ms = mended ? 0 : changed_ms(path);
    if (record.cause == "interrupted") record.ended_ms = std::max(record.ended_ms, written_ms);
    if (completing.recovered && kind != "wav") {
      const auto cut = kind == "pcap" ? store::mend_pcap(path) : store::mend_lines(path);
      mended = cut && *cut;
    }
    auto file = store::describe_file(kind, path);
    if (!file) {
      log_(log::Level::warn,
           log::Line("cdr.file").add("call", record.uuid).add("error", file.error().text).str());
      file = store::RecordedFile{kind, path, 0, "", 0};
    }
    file->repaired = mended || partial ? 1 : 0;
    record.files.push_back(std::move(*file));
  }
  return true;
}

// ---- One call

store::CallRecord begun_record(const CallFacts& call) {
  const call::IncomingCall& party = call.party;
  store::CallRecord record;
  record.uuid = call.uuid;
  record.sip_call_id = party.call_id;
  record.from = party.from;
  record.from_display = party.from_display;
  record.to = party.to;
  record.dialled = party.dialled;
  record.route = call.route;
  record.auth_user = party.user;
  record.peer = party.flow.remote.to_string();
  record.transport = call.transport;
  record.user_agent = party.user_agent;
  if (call.out) record.direction = "out";
  return record;
}

Records::Call::Call(Records& records, store::CallRecord begun, std::int64_t wall_us)
    : records_(records), record_(std::move(begun)) {
  record_.invited_ms = wall_us / 1000;
  records_.writer_.began(record_);
}

void Records::Call::happened(const CallEvent& event, std::int64_t wall_us, bool recorded) {
  const auto once = [at_ms = wall_us / 1000](std::optional<std::int64_t>& when) {
    if (when) return false;
    when = at_ms;
    return true;
  };
  std::visit(Overloaded{[&](const event::RingingSent&) { once(record_.ringing_ms); },
                        [&](const event::Ringing&) { once(record_.ringing_ms); },
                        [&](const event::Answered&) {
                          // So that a crash knows that it was answered.
                          if (once(record_.answered_ms)) records_.writer_.began(record_);
                        },
                        [&](const event::CallerHeard&) { once(record_.caller_audio_ms); },
                        // What is played before the answer leaves with it.
                        [&](const event::AgentPlayed&) { once(record_.agent_audio_ms); },
                        [&](const event::Ended& e) {
                          if (!std::exchange(over_, true)) ended(e, wall_us / 1000, recorded);
                        },
                        [](const auto&) {}},
             event);
}

void Records::Call::ended(const event::Ended& ended, std::int64_t wall_ms, bool recorded) {
  const call::CallEnded& event = ended.end;
  record_.ended_ms = wall_ms;
  if (record_.agent_audio_ms && !record_.answered_ms) record_.agent_audio_ms.reset(); // nobody has heard it
  if (record_.agent_audio_ms)
    record_.agent_audio_ms = std::max(*record_.agent_audio_ms, *record_.answered_ms);
  record_.cause = call::to_string(event.cause);
  record_.ended_by = ended_by(event, record_.direction);
  record_.reason = ended.reason();
  if (event.status > 0) record_.status = event.status;
  record_.codec = event.codec;
  if (event.quality) {
    const media::MediaQuality& q = *event.quality;
    record_.in_packets = count(q.in.packets);
    record_.in_lost = count(q.in.lost);
    record_.in_late = count(q.late);
    if (q.in.packets > 0) record_.in_jitter_ms = q.in.jitter_ms;
    if (q.in.mos > 0) record_.in_mos = q.in.mos;
    record_.out_packets = count(q.out.packets);
    if (q.out_reported) {
      record_.out_lost = count(q.out.lost);
      record_.out_jitter_ms = q.out.jitter_ms;
      if (q.out.mos > 0) record_.out_mos = q.out.mos;
    }
    record_.rtt_ms = q.rtt_ms;
  }
  if (ended.echo) {
    record_.echo_ms = static_cast<double>(ended.echo->delay.count()) / 1000;
    record_.echo_db = ended.echo->level_db;
  }
  records_.writer_.ended(record_, recorded);
}

} // namespace talky::sipd
