// What is kept of a call when it is over: one CallRecord, which is one row of the database, one line of the
// spool, one object of the API and one line of CSV.
//
// Points in time are whole milliseconds since 1970-01-01T00:00:00Z, lengths are milliseconds. What was not
// measured, or did not happen, is nullopt, never 0.
#pragma once
#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace talky::store {

// A file of the call.
struct RecordedFile {
  std::string kind;          // "wav", "pcap" or "journal"
  std::string path;          // absolute
  std::int64_t bytes = 0;    // when it was hashed
  std::string sha256;        // 64 hexadecimal digits; "" if it could not be read
  std::int64_t repaired = 0; // 1: its writer died, and it was mended: its end may be missing
  bool operator==(const RecordedFile&) const = default;
};

// Something that one side said, as far as the other side heard it.
struct Utterance {
  std::string who;           // "caller" or "agent"
  std::int64_t begin_ms = 0; // since the answer
  std::string text;
  std::int64_t cut = 0; // 1: the agent was interrupted: the rest was not heard
  bool operator==(const Utterance&) const = default;
};

struct CallRecord {
  // Who and where.
  std::string uuid; // names the files, the log lines and the row
  std::string sip_call_id;
  std::string direction = "in"; // "in": we were called; "out"
  std::string from;             // URI
  std::string from_display;
  std::string to;         // URI of the To header
  std::string dialled;    // user part of the Request-URI: what the routes saw
  std::string route;      // the target, as it was written: "agent", "exec:..."
  std::string auth_user;  // who proved it by digest; "" without
  std::string peer;       // "192.0.2.7:5060"
  std::string transport;  // "UDP", "TCP", "TLS"
  std::string user_agent; // the peer's

  // When.
  std::int64_t invited_ms = 0;
  std::optional<std::int64_t> ringing_ms;
  std::optional<std::int64_t> answered_ms;
  std::optional<std::int64_t> caller_audio_ms; // first packet of the caller's voice
  std::optional<std::int64_t> agent_audio_ms;  // first audio of the agent's that left
  std::int64_t ended_ms = 0;

  // How it ended. `cause` is a call::EndCause as text, or "interrupted": talky itself died in the call.
  std::string cause;
  std::string ended_by;               // "caller", "callee", "agent" or "system"
  std::string reason;                 // phrase of the peer, the agent or the system
  std::optional<std::int64_t> status; // the final response of the INVITE

  // How it sounded. `in` is what we received, `out` what the peer's RTCP says of what we sent.
  std::string codec;
  std::optional<std::int64_t> in_packets, in_lost, in_late;
  std::optional<double> in_jitter_ms, in_mos;
  std::optional<std::int64_t> out_packets, out_lost;
  std::optional<double> out_jitter_ms, out_mos;
  std::optional<double> rtt_ms;
  // The agent's echo on the caller's side: how late it comes, and how loud relative to what was sent.
  std::optional<double> echo_ms, echo_db;

  // How it went: from the journal, where the agent keeps one.
  std::optional<std::int64_t> turns;     // of the caller
  std::optional<std::int64_t> barge_ins; // the caller stopped the agent
  std::optional<double> response_p50_ms; // silence between the caller's last and the agent's first sample
  std::optional<double> response_p95_ms;
  std::optional<double> response_max_ms;
  std::string transcript; // path of the journal that `said` was folded from; "" without

  std::vector<RecordedFile> files;
  std::vector<Utterance> said; // in the order of time

  std::optional<std::int64_t> duration_ms() const; // from the answer to the end
  bool operator==(const CallRecord&) const = default;
};

// Every scalar member with its name, in the order of columns: visit("uuid", record.uuid) ... The one list
// from which come the columns of the table, the keys of JSON and the header of CSV. The types are string,
// int64_t, optional<int64_t> and optional<double>.
template <class Record, class Visit>
void each_field(Record& r, Visit&& visit) {
  visit("uuid", r.uuid);
  visit("sip_call_id", r.sip_call_id);
  visit("direction", r.direction);
  visit("from_uri", r.from);
  visit("from_display", r.from_display);
  visit("to_uri", r.to);
  visit("dialled", r.dialled);
  visit("route", r.route);
  visit("auth_user", r.auth_user);
  visit("peer", r.peer);
  visit("transport", r.transport);
  visit("user_agent", r.user_agent);
  visit("invited_ms", r.invited_ms);
  visit("ringing_ms", r.ringing_ms);
  visit("answered_ms", r.answered_ms);
  visit("caller_audio_ms", r.caller_audio_ms);
  visit("agent_audio_ms", r.agent_audio_ms);
  visit("ended_ms", r.ended_ms);
  visit("cause", r.cause);
  visit("ended_by", r.ended_by);
  visit("reason", r.reason);
  visit("status", r.status);
  visit("codec", r.codec);
  visit("in_packets", r.in_packets);
  visit("in_lost", r.in_lost);
  visit("in_late", r.in_late);
  visit("in_jitter_ms", r.in_jitter_ms);
  visit("in_mos", r.in_mos);
  visit("out_packets", r.out_packets);
  visit("out_lost", r.out_lost);
  visit("out_jitter_ms", r.out_jitter_ms);
  visit("out_mos", r.out_mos);
  visit("rtt_ms", r.rtt_ms);
  visit("turns", r.turns);
  visit("barge_ins", r.barge_ins);
  visit("response_p50_ms", r.response_p50_ms);
  visit("response_p95_ms", r.response_p95_ms);
  visit("response_max_ms", r.response_max_ms);
  visit("transcript", r.transcript);
  visit("echo_ms", r.echo_ms);
  visit("echo_db", r.echo_db);
}

inline constexpr std::size_t kMaxText = 4096;       // bytes of one text
inline constexpr std::size_t kMaxUtterances = 5000; // of one call
inline constexpr std::size_t kMaxJson = 4 << 20;    // bytes of one record as JSON

// Makes every text storable in any database: valid UTF-8 (U+FFFD for what is not), no NUL, at most kMaxText
// bytes; at most kMaxUtterances; numbers that are not finite become nullopt. Texts of a call come from the
// network.
void tidy(CallRecord& record);

// {"uuid":...,"files":[{"kind":...}],"said":[{"who":...}]}; members that are nullopt or "" are left out,
// unless `all` asks for null.
boost::json::object to_json(const CallRecord& record, bool all = false);
// Total. Unknown members are ignored, so that an older talky reads what a newer one spooled. Errors:
// malformed (no JSON object, a member of another type, no uuid), too_large.
Result<CallRecord> from_json(std::string_view text);

// One line of RFC 4180 without its end, of the names or of the values; files and what was said are left out.
// A text that a spreadsheet would take for a formula (=, +, -, @ in front) gets a ' before it.
std::string csv_header();
std::string to_csv(const CallRecord& record);

// 36 characters, lower-case hexadecimal with dashes: what talky makes file names of.
bool is_uuid(std::string_view text);

// "2026-11-22T17:05:09.123Z"
std::string to_iso8601(std::int64_t ms);
// "2026-11-22", "2026-11-22T17:05", "2026-11-22 17:05:09.5", with or without Z or +01:00 behind a time. What
// has no zone is UTC. Gives milliseconds since 1970.
std::optional<std::int64_t> from_iso8601(std::string_view text);

} // namespace talky::store
