#include "sipd/daemon/calls_command.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <cstdio>

#include "cli/exit_code.hpp"
#include "core/ascii.hpp"
#include "json/json.hpp"
#include "net/loop.hpp"
#include "store/when.hpp"

namespace talky::sipd {
namespace {

using cli::ExitCode;
using cli::Failure;
using store::CallRecord;

Failure failure(const store::Error& error, const std::string& place) {
  const ExitCode code = error.fault == store::Fault::invalid ? ExitCode::usage
                        : error.fault == store::Fault::busy  ? ExitCode::temporary
                        : error.fault == store::Fault::newer ? ExitCode::data
                                                             : ExitCode::unavailable;
  const bool told =
      error.text.find(place.substr(place.find(':') + 1)) != std::string::npos; // SQLite names its file
  return {code, told ? error.text : fmt::format("{}: {}", place, error.text)};
}

// Nothing that came from the network may move the cursor of a terminal.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return out;
}

// "sip:alice@example.com;transport=udp" is alice@example.com.
std::string short_uri(const CallRecord& call) {
  std::string_view uri = call.from;
  for (const std::string_view scheme : {"sip:", "sips:"}) {
    if (uri.starts_with(scheme)) uri.remove_prefix(scheme.size());
  }
  return shown(uri.substr(0, uri.find_first_of(";?>")));
}

std::string length(const std::optional<std::int64_t>& ms) {
  if (!ms) return "-";
  const std::int64_t s = *ms / 1000;
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

template <class T>
std::string number(const std::optional<T>& value, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

std::string loss(const CallRecord& call) {
  if (!call.in_packets || !call.in_lost || *call.in_packets + *call.in_lost == 0) return "-";
  const auto lost = static_cast<double>(*call.in_lost);
  return fmt::format("{:.1f}%", 100 * lost / (lost + static_cast<double>(*call.in_packets)));
}

// Characters, as far as a terminal shows one for each.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}
std::string cut(const std::string& text, std::size_t width) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts && ++seen > width) return text.substr(0, i);
  }
  return text;
}

constexpr std::size_t kTableColumns = 11;
using Row = std::array<std::string, kTableColumns>;

Row row_of(const CallRecord& call) {
  const std::string when = store::to_iso8601(call.invited_ms);
  std::string cause = call.cause;
  if (!call.answered_ms && call.status) cause += fmt::format(" {}", *call.status);
  return {when.substr(0, 10) + ' ' + when.substr(11, 8),
          short_uri(call),
          shown(call.dialled),
          shown(call.route),
          length(call.duration_ms()),
          shown(cause),
          call.ended_by,
          shown(call.codec),
          number(call.in_mos, "{:.2f}") + ' ' + loss(call),
          number(call.response_p50_ms, "{:.0f}"),
          call.uuid};
}

class Table {
 public:
  void add(const CallRecord& call) { rows_.push_back(row_of(call)); }

  void print() const {
    const Row head{"TIME (UTC)", "FROM",  "TO",       "ROUTE",   "LENGTH", "CAUSE",
                   "ENDED BY",   "CODEC", "MOS LOSS", "RESP MS", "CALL"};
    // What people write may be long; the rest is as wide as it is.
    std::array<std::size_t, kTableColumns> limits{19, 32, 20, 24, 9, 20, 9, 10, 11, 7, 36};
    std::array<std::size_t, kTableColumns> widths{};
    for (std::size_t i = 0; i < kTableColumns; ++i) {
      widths[i] = columns(head[i]);
      for (const Row& row : rows_)
        widths[i] = std::max(widths[i], std::min(limits[i], columns(row[i])));
    }
    print(head, widths);
    for (const Row& row : rows_)
      print(row, widths);
  }

 private:
  static void print(const Row& row, const std::array<std::size_t, kTableColumns>& widths) {
    std::string line;
    for (std::size_t i = 0; i < kTableColumns; ++i) {
      const std::string text = cut(row[i], widths[i]);
      line += text;
      if (i + 1 < kTableColumns) line.append(widths[i] - columns(text) + 2, ' ');
    }
    fmt::print("{}\n", line);
  }

  std::vector<Row> rows_;
};

// Prints each call as it comes, so that a year of them needs no memory.
class Printer {
 public:
  explicit Printer(const CallsOptions& options) : options_(options) {
    if (options_.csv) fmt::print("{}\n", store::csv_header());
    if (options_.json) fmt::print("[");
  }
  void add(const CallRecord& call) {
    if (options_.csv) {
      fmt::print("{}\n", store::to_csv(call));
    } else if (options_.json) {
      fmt::print("{}\n  {}", count_ > 0 ? "," : "", json::compact(store::to_json(call, true)));
    } else {
      table_.add(call);
    }
    ++count_;
  }
  void end() {
    if (options_.json) fmt::print("{}]\n", count_ > 0 ? "\n" : "");
    if (!options_.json && !options_.csv) table_.print();
  }

 private:
  const CallsOptions& options_;
  Table table_;
  std::size_t count_ = 0;
};

void line(const char* name, const std::string& value) {
  if (!value.empty()) fmt::print("{:<15} {}\n", name, shown(value));
}
void point(const char* name, const std::optional<std::int64_t>& ms, std::int64_t from) {
  if (ms)
    fmt::print("{:<15} {}  {:+.3f} s\n", name, store::to_iso8601(*ms),
               static_cast<double>(*ms - from) / 1000);
}

void print_one(const CallRecord& c) {
  line("call", c.uuid);
  line("sip call-id", c.sip_call_id);
  line("from", c.from_display.empty() ? c.from : c.from_display + " " + c.from);
  line("to", c.dialled.empty() ? c.to : c.dialled + " (" + c.to + ")");
  line("route", c.route);
  line("user", c.auth_user);
  line("peer", fmt::format("{} {} {}", c.peer, c.transport, c.user_agent));
  point("invite", c.invited_ms, c.invited_ms);
  point("ringing", c.ringing_ms, c.invited_ms);
  point("answer", c.answered_ms, c.invited_ms);
  point("caller's audio", c.caller_audio_ms, c.invited_ms);
  point("agent's audio", c.agent_audio_ms, c.invited_ms);
  point("end", c.ended_ms, c.invited_ms);
  line("ended by", fmt::format("{}: {} {} {}", c.ended_by, c.cause, number(c.status, "{}"), c.reason));
  if (c.in_packets) {
    fmt::print("{:<15} {} packets, {} lost, {} late, jitter {} ms, MOS {}\n",
               "heard (" + shown(c.codec) + ")", *c.in_packets, number(c.in_lost, "{}"),
               number(c.in_late, "{}"), number(c.in_jitter_ms, "{:.2f}"), number(c.in_mos, "{:.2f}"));
    fmt::print("{:<15} {} packets, {} lost, jitter {} ms, MOS {}, round trip {} ms\n", "sent",
               number(c.out_packets, "{}"), number(c.out_lost, "{}"), number(c.out_jitter_ms, "{:.2f}"),
               number(c.out_mos, "{:.2f}"), number(c.rtt_ms, "{:.1f}"));
  }
  if (c.turns) {
    fmt::print("{:<15} {} turns, {} barge-ins, response {} / {} / {} ms (median, 95 %, longest)\n",
               "conversation", *c.turns, number(c.barge_ins, "{}"), number(c.response_p50_ms, "{:.0f}"),
               number(c.response_p95_ms, "{:.0f}"), number(c.response_max_ms, "{:.0f}"));
  }
  for (const store::RecordedFile& file : c.files) {
    fmt::print("{:<15} {}  {} bytes  sha256 {}{}\n", file.kind, shown(file.path), file.bytes,
               file.sha256.empty() ? "?" : file.sha256, file.repaired != 0 ? "  (repaired)" : "");
  }
  for (const store::Utterance& said : c.said) {
    fmt::print("{:>8.2f} {:<7} {}{}\n", static_cast<double>(said.begin_ms) / 1000, said.who + ":",
               shown(said.text), said.cut != 0 ? " --" : "");
  }
}

std::optional<std::int64_t> when(const char* flag, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto ms = store::parse_when(text, net::wall_clock_us() / 1000);
  if (!ms) {
    throw Failure(
        ExitCode::usage,
        fmt::format("--{}: \"{}\" is not a date (2026-11-22, 2026-11-22T17:05+01:00), a time of today "
                    "(17:05) or an age (90m, 12h, 7d)",
                    flag, text));
  }
  return ms;
}

} // namespace

void add_calls_command(cli::Options& options, CallsOptions& calls) {
  options.command("calls", "list past calls, or show one: talky-sipd calls --help");
  options.positional("UUID", calls.uuid, "one call, with what was said");
  options.group("Which calls");
  options.add("since", calls.since, "WHEN", "2026-11-22, 17:05 (today, UTC), 90m, 12h or 7d ago")
      .of_command();
  options.add("until", calls.until, "WHEN", "before that").of_command();
  options.add("from", calls.from, "TEXT", "part of the caller's URI or name, or a pattern with * and ?")
      .of_command();
  options.add("to", calls.to, "TEXT", "part of the number or URI, or a pattern").of_command();
  options.add("cause", calls.causes, "CAUSE", "hangup, cancelled, rejected, interrupted ...; several")
      .of_command();
  options.add("said", calls.text, "TEXT", "somebody said that").of_command();
  options.group("How");
  options.add("limit", calls.limit, "N", "at most; 0 all").of_command().alias('n');
  options.add("sort", calls.sort, "KEY", "what they are sorted by, the largest first")
      .of_command()
      .choices({"invited", "ended", "duration", "from", "to", "cause", "mos", "response"});
  options.flag("ascending", calls.ascending, "the smallest first").of_command();
  options.flag("json", calls.json, "a JSON array, with everything").of_command();
  options.flag("csv", calls.csv, "comma-separated values, with everything but files and words").of_command();
  options.example_of("calls", "talky-sipd calls --since 7d --cause lost --cause rtp_timeout",
                     "last week's broken calls");
  options.example_of("calls", "talky-sipd calls --sort response -n 10", "the slowest answers");
  options.example_of("calls", "talky-sipd calls --csv --limit 0 >calls.csv",
                     "all of them, for a spreadsheet");
}

int list_calls(const CallsOptions& calls, const std::optional<store::Location>& place) {
  if (!place) throw Failure(ExitCode::usage, "no call records are kept (--cdr '')");
  if (calls.json && calls.csv) throw Failure(ExitCode::usage, "--json or --csv, not both");
  const std::string name = place->to_string();
  const auto opened = store::open_database(*place, store::Access::read);
  if (!opened) throw failure(opened.error(), name);
  store::Database& database = **opened;
  if (!calls.uuid.empty()) {
    const auto found = database.find(ascii::lower(calls.uuid));
    if (!found) throw failure(found.error(), name);
    if (!*found) throw Failure(ExitCode::failed, fmt::format("{}: no call {}", name, shown(calls.uuid)));
    if (calls.json) {
      fmt::print("{}", json::pretty(store::to_json(**found, true)));
    } else if (calls.csv) {
      fmt::print("{}\n{}\n", store::csv_header(), store::to_csv(**found));
    } else {
      print_one(**found);
    }
    return 0;
  }
  store::Query query;
  query.filter.since_ms = when("since", calls.since);
  query.filter.until_ms = when("until", calls.until);
  query.filter.from = calls.from;
  query.filter.to = calls.to;
  query.filter.text = calls.text;
  query.filter.causes = calls.causes;
  query.sort = store::to_sort_key(calls.sort).value_or(store::SortKey::invited);
  query.descending = !calls.ascending;
  Printer printer(calls);
  std::uint64_t left = calls.limit == 0 ? UINT64_MAX : calls.limit;
  while (left > 0) {
    query.limit = static_cast<std::size_t>(std::min<std::uint64_t>(left, store::Query::kMaxLimit));
    const auto page = database.list(query);
    if (!page) throw failure(page.error(), name);
    for (const CallRecord& call : page->calls)
      printer.add(call);
    left -= page->calls.size();
    query.after = page->next;
    if (query.after.empty()) break;
  }
  printer.end();
  return 0;
}

} // namespace talky::sipd
