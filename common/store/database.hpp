// Where the call records are: SQLite in a file, or PostgreSQL by URL, with the same tables and the same
// words.
//
//   talky_calls (one row a call, the columns of each_field), talky_files, talky_utterances, talky_schema
//
// One Database is one connection, for one thread at a time. Any number of processes may read while one
// writes. Every function may block: SQLite for `kBusyLimit`, PostgreSQL for `kServerLimit`. A connection that
// breaks is made again by the next call.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "store/error.hpp"
#include "store/query.hpp"
#include "store/record.hpp"

namespace talky::store {

struct SqliteFile {
  std::string path;
};
struct PostgresUrl {
  std::string url; // without a password
};

// What one writes behind --cdr.
struct Location {
  std::variant<SqliteFile, PostgresUrl> where;

  // "sqlite:PATH", "PATH", "postgresql://[USER@][HOST][:PORT][/DATABASE][?PARAMETERS]", "postgres://...". A
  // password in it is refused (Fault::invalid): libpq finds it in PGPASSWORD, in ~/.pgpass or PGPASSFILE, or
  // in the file of the parameter passfile=.
  static Outcome<Location> parse(std::string_view text);
  std::string to_string() const;
};

enum class Access : std::uint8_t {
  read, // there must be one already, of a schema we know
  write // makes file and tables, brings an older schema up to date
};

class Database {
 public:
  static constexpr auto kBusyLimit = std::chrono::milliseconds(2000);
  static constexpr auto kServerLimit = std::chrono::seconds(5);

  Database() = default;
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Writes all of them in one transaction. A record whose uuid is there takes its place: writing twice is
  // writing once. When it has returned they are on the disk.
  virtual Outcome<> put(std::span<const CallRecord> records) = 0;
  // The whole record, with what was said.
  virtual Outcome<std::optional<CallRecord>> find(std::string_view uuid) = 0;
  virtual Outcome<Page> list(const Query& query) = 0;

  // Removes the calls that ended before, with all that belongs to them; gives how many there were.
  virtual Outcome<std::int64_t> remove_before(std::int64_t ended_ms) = 0;
  // The files of these calls are gone; the calls stay.
  virtual Outcome<> forget_files(std::span<const std::string> uuids) = 0;

  virtual Outcome<std::int64_t> schema_version() = 0;
};

// Errors: away (no such file or server, no permission), busy, newer, invalid.
Outcome<std::unique_ptr<Database>> open_database(const Location& location, Access access);

} // namespace talky::store
