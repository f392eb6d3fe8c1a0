// SQLite: write-ahead log, so that readers and the writer do not wait for each other; every commit is on the
// disk when it returns.
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <unordered_map>

#include "store/connection.hpp"
#include "store/database.hpp"

namespace talky::store {
namespace {

constexpr std::size_t kMaxStatements = 32; // kept prepared

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Fault fault_of(int code, int system) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Fault::busy;
    case SQLITE_FULL: return Fault::full;
    case SQLITE_IOERR:
      return system == ENOSPC || system == EDQUOT || system == EFBIG ? Fault::full : Fault::away;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_MISUSE:
    case SQLITE_RANGE: return Fault::refused;
    default: return Fault::away;
  }
}

class SqliteConnection : public Connection {
 public:
  SqliteConnection(Handle db, std::string path) : db_(std::move(db)), path_(std::move(path)) {
    sound_ = ::stat(path_.c_str(), &opened_) == 0;
  }

  Outcome<Rows> run(const std::string& sql, std::span<const Value> parameters) override {
    const auto statement = prepared(sql);
    if (!statement) return tl::unexpected(statement.error());
    struct Reset { // whatever happens, it holds no lock and no text of ours afterwards
      sqlite3_stmt* statement;
      ~Reset() {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
      }
    };
    const Reset reset{*statement};
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const int at = sqlite3_bind_parameter_index(*statement, fmt::format("${}", i + 1).c_str());
      if (at == 0 || bind(*statement, at, parameters[i]) != SQLITE_OK) return error();
    }
    Rows out;
    for (;;) {
      const int code = sqlite3_step(*statement);
      if (code == SQLITE_DONE) break;
      if (code != SQLITE_ROW) return error();
      std::vector<Value>& row = out.rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(*statement); ++i)
        row.push_back(column(*statement, i));
    }
    out.changed = sqlite3_changes(db_.get());
    return out;
  }

  Outcome<> execute(const std::string& sql) override {
    if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error();
    return {};
  }

  // A file that was removed or replaced can still be written, and nobody would ever see it.
  bool sound() const override {
    struct stat now {};
    return sound_ && ::stat(path_.c_str(), &now) == 0 && now.st_ino == opened_.st_ino &&
           now.st_dev == opened_.st_dev;
  }

  const char* begin() const override { return "BEGIN IMMEDIATE"; }
  const char* text_type() const override { return "TEXT"; }
  const char* lock_schema() const override { return ""; }

 private:
  tl::unexpected<Error> error() const {
    const int code = sqlite3_extended_errcode(db_.get());
    return fail(fault_of(code, sqlite3_system_errno(db_.get())),
                fmt::format("{}: {}", path_, sqlite3_errmsg(db_.get())));
  }

  Outcome<sqlite3_stmt*> prepared(const std::string& sql) {
    if (const auto found = statements_.find(sql); found != statements_.end()) return found->second.get();
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) return error();
    if (statements_.size() >= kMaxStatements) statements_.clear();
    statements_.emplace(sql, Statement(raw));
    return raw;
  }

  static int bind(sqlite3_stmt* statement, int at, const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value))
      return sqlite3_bind_int64(statement, at, *number);
    if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, at, *real);
    if (const auto* text = std::get_if<std::string>(&value)) {
      return sqlite3_bind_text64(statement, at, text->data(), text->size(), nullptr, SQLITE_UTF8);
    }
    return sqlite3_bind_null(statement, at);
  }

  static Value column(sqlite3_stmt* statement, int i) {
    switch (sqlite3_column_type(statement, i)) {
      case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, i)};
      case SQLITE_FLOAT: return sqlite3_column_double(statement, i);
      case SQLITE_NULL: return nullptr;
      default: break;
    }
    const void* text = sqlite3_column_blob(statement, i); // of a text: its bytes in UTF-8
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
    return size == 0 ? std::string() : std::string(static_cast<const char*>(text), size);
  }

  Handle db_;
  std::string path_;
  struct stat opened_ {};
  bool sound_ = false;
  std::unordered_map<std::string, Statement> statements_; // before db_ is closed: declared after it
};

} // namespace

Outcome<std::unique_ptr<Connection>> connect_sqlite(const std::string& path, bool write) {
  if (write) {
    std::error_code ignored; // what is wrong with the folder is what opening the file says
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  }
  sqlite3* raw = nullptr;
  const int flags = (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Handle db(raw);
  if (code != SQLITE_OK) {
    return fail(fault_of(code, raw ? sqlite3_system_errno(raw) : 0),
                fmt::format("{}: {}", path, raw ? sqlite3_errmsg(raw) : "no memory"));
  }
  sqlite3_busy_timeout(raw, static_cast<int>(Database::kBusyLimit.count()));
  auto connection = std::make_unique<SqliteConnection>(std::move(db), path);
  const char* settings = write ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"
                               : "PRAGMA query_only=ON";
  if (auto done = connection->execute(settings); !done) return tl::unexpected(done.error());
  return connection;
}

} // namespace talky::store
