#include "store/schema.hpp"

#include <fmt/format.h>

#include "store/record.hpp"

namespace talky::store {
namespace {

constexpr const char* kMakeVersions =
    "CREATE TABLE IF NOT EXISTS talky_schema (version BIGINT NOT NULL PRIMARY KEY)";

std::string with_types(std::string statement, const Connection& connection) {
  constexpr std::string_view kMark = "{text}";
  for (std::size_t at = statement.find(kMark); at != std::string::npos; at = statement.find(kMark, at))
    statement.replace(at, kMark.size(), connection.text_type());
  return statement;
}

std::vector<Migration> make_migrations() {
  // Version 1. The columns are written out, not made from each_field: a member that is added later needs a
  // migration of its own, and a test compares the two.
  return {Migration{{
              R"(CREATE TABLE talky_calls (
           uuid {text} NOT NULL PRIMARY KEY, sip_call_id {text} NOT NULL, direction {text} NOT NULL,
           from_uri {text} NOT NULL, from_display {text} NOT NULL, to_uri {text} NOT NULL,
           dialled {text} NOT NULL, route {text} NOT NULL, auth_user {text} NOT NULL, peer {text} NOT NULL,
           transport {text} NOT NULL, user_agent {text} NOT NULL,
           invited_ms BIGINT NOT NULL, ringing_ms BIGINT, answered_ms BIGINT, caller_audio_ms BIGINT,
           agent_audio_ms BIGINT, ended_ms BIGINT NOT NULL,
           cause {text} NOT NULL, ended_by {text} NOT NULL, reason {text} NOT NULL, status BIGINT,
           codec {text} NOT NULL, in_packets BIGINT, in_lost BIGINT, in_late BIGINT,
           in_jitter_ms DOUBLE PRECISION, in_mos DOUBLE PRECISION, out_packets BIGINT, out_lost BIGINT,
           out_jitter_ms DOUBLE PRECISION, out_mos DOUBLE PRECISION, rtt_ms DOUBLE PRECISION,
           turns BIGINT, barge_ins BIGINT, response_p50_ms DOUBLE PRECISION,
           response_p95_ms DOUBLE PRECISION, response_max_ms DOUBLE PRECISION, transcript {text} NOT NULL))",
              "CREATE INDEX talky_calls_invited ON talky_calls (invited_ms, uuid)",
              "CREATE INDEX talky_calls_ended ON talky_calls (ended_ms)",
              "CREATE INDEX talky_calls_sip ON talky_calls (sip_call_id)",
              R"(CREATE TABLE talky_files (
           uuid {text} NOT NULL REFERENCES talky_calls (uuid) ON DELETE CASCADE, position BIGINT NOT NULL,
           kind {text} NOT NULL, path {text} NOT NULL, bytes BIGINT NOT NULL, sha256 {text} NOT NULL,
           repaired BIGINT NOT NULL, PRIMARY KEY (uuid, position)))",
              R"(CREATE TABLE talky_utterances (
           uuid {text} NOT NULL REFERENCES talky_calls (uuid) ON DELETE CASCADE, position BIGINT NOT NULL,
           who {text} NOT NULL, begin_ms BIGINT NOT NULL, said {text} NOT NULL, cut BIGINT NOT NULL,
           PRIMARY KEY (uuid, position)))",
          }},
          // Version 2.
          Migration{{
              "ALTER TABLE talky_calls ADD COLUMN echo_ms DOUBLE PRECISION",
              "ALTER TABLE talky_calls ADD COLUMN echo_db DOUBLE PRECISION",
          }}};
}

Outcome<> step(Connection& connection, const Migration& migration, std::int64_t version) {
  for (const std::string& statement : migration.statements) {
    if (auto done = connection.execute(with_types(statement, connection)); !done) return done;
  }
  return connection.execute(fmt::format("INSERT INTO talky_schema (version) VALUES ({})", version));
}

// Inside a transaction: whether a step was carried out.
Outcome<bool> one_step(Connection& connection, std::span<const Migration> steps) {
  if (*connection.lock_schema() != '\0') {
    if (auto done = connection.execute(connection.lock_schema()); !done) return tl::unexpected(done.error());
  }
  if (auto done = connection.execute(kMakeVersions); !done) return tl::unexpected(done.error());
  const auto version = schema_version(connection);
  if (!version) return tl::unexpected(version.error());
  if (*version > static_cast<std::int64_t>(steps.size())) {
    return fail(Fault::newer,
                fmt::format("its schema has version {}, this talky knows {}", *version, steps.size()));
  }
  if (*version == static_cast<std::int64_t>(steps.size())) return false;
  if (auto done = step(connection, steps[static_cast<std::size_t>(*version)], *version + 1); !done)
    return tl::unexpected(done.error());
  return true;
}

} // namespace

std::span<const Migration> migrations() {
  static const std::vector<Migration> kAll = make_migrations();
  return kAll;
}

Outcome<std::int64_t> schema_version(Connection& connection) {
  const auto rows = connection.run("SELECT max(version) FROM talky_schema", {});
  if (!rows) return tl::unexpected(rows.error());
  const auto* version = rows->rows.empty() ? nullptr : std::get_if<std::int64_t>(&rows->rows[0][0]);
  return version ? *version : 0;
}

Outcome<> migrate(Connection& connection, std::span<const Migration> steps) {
  for (;;) {
    if (auto done = connection.execute(connection.begin()); !done) return done;
    const auto more = one_step(connection, steps);
    if (!more) {
      (void)connection.execute("ROLLBACK"); // a connection that broke has forgotten it by itself
      return tl::unexpected(more.error());
    }
    if (auto done = connection.execute("COMMIT"); !done) {
      (void)connection.execute("ROLLBACK");
      return done;
    }
    if (!*more) return {};
  }
}

} // namespace talky::store
