// PostgreSQL through libpq, which is loaded when the first URL is opened: who keeps calls in SQLite need not
// have it, nor wait for the dozen libraries behind it.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <unordered_map>

#include "dynamic/library.hpp"
#include "store/connection.hpp"
#include "store/database.hpp"

namespace talky::store {
namespace {

constexpr std::size_t kMaxStatements = 32; // kept prepared
// pg_type.h: the types of our columns. Any other is taken as text.
constexpr Oid kTypeInt8 = 20;
constexpr Oid kTypeInt4 = 23;
constexpr Oid kTypeFloat8 = 701;

#define TALKY_LIBPQ(symbol)                                                                          \
  symbol(connect, PQconnectdbParams) symbol(finish, PQfinish) symbol(status, PQstatus)               \
      symbol(message, PQerrorMessage) symbol(exec, PQexec) symbol(prepare, PQprepare)                \
          symbol(run, PQexecPrepared) symbol(result_status, PQresultStatus)                          \
              symbol(field, PQresultErrorField) symbol(clear, PQclear) symbol(rows, PQntuples)       \
                  symbol(columns, PQnfields) symbol(is_null, PQgetisnull) symbol(value, PQgetvalue)  \
                      symbol(length, PQgetlength) symbol(type, PQftype) symbol(changed, PQcmdTuples) \
                          symbol(on_notice, PQsetNoticeProcessor)
struct Libpq {
  TALKY_DYNAMIC_TABLE(TALKY_LIBPQ)
};

const Result<Libpq>& loaded_libpq() {
  static const auto kLoaded = dynamic::load<Libpq>(
      {"libpq.so.5"}, "PostgreSQL's client library, libpq.so.5 (package libpq5)", "a newer libpq.so.5");
  return kLoaded;
}
// Once it is known to be there.
const Libpq& libpq() {
  return *loaded_libpq();
}

struct Finish {
  void operator()(PGconn* connection) const { libpq().finish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { libpq().clear(result); }
};
using Handle = std::unique_ptr<PGconn, Finish>;
using ResultPtr = std::unique_ptr<PGresult, Clear>;

// By SQLSTATE (PostgreSQL, appendix A).
Fault fault_of(std::string_view state) {
  if (state == "53100" || state == "54000") return Fault::full; // disk_full, program_limit_exceeded
  if (state == "55P03" || state == "57014" || state == "40001" || state == "40P01") return Fault::busy;
  // Data exceptions and violated constraints: of the record itself.
  if (state.starts_with("22") || state.starts_with("23")) return Fault::refused;
  return Fault::away;
}

std::string one_line(const char* message) {
  std::string out;
  for (const char* c = message; *c != '\0'; ++c)
    out += *c == '\n' || *c == '\r' || *c == '\t' ? ' ' : *c;
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

class PostgresConnection : public Connection {
 public:
  explicit PostgresConnection(Handle connection) : connection_(std::move(connection)) {}

  Outcome<Rows> run(const std::string& sql, std::span<const Value> parameters) override {
    const auto name = prepared(sql);
    if (!name) return tl::unexpected(name.error());
    std::vector<std::string> texts(parameters.size());
    std::vector<const char*> values(parameters.size(), nullptr);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (std::holds_alternative<std::nullptr_t>(parameters[i])) continue;
      texts[i] = std::visit(
          [](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::nullptr_t>) {
              return std::string();
            } else {
              return fmt::format("{}", value);
            }
          },
          parameters[i]);
      values[i] = texts[i].c_str();
    }
    const ResultPtr result(libpq().run(connection_.get(), name->c_str(), static_cast<int>(values.size()),
                                       values.data(), nullptr, nullptr, 0));
    if (auto done = check(result.get()); !done) return tl::unexpected(done.error());
    return rows_of(result.get());
  }

  Outcome<> execute(const std::string& sql) override {
    const ResultPtr result(libpq().exec(connection_.get(), sql.c_str()));
    return check(result.get());
  }

  bool sound() const override { return libpq().status(connection_.get()) == CONNECTION_OK; }

  const char* begin() const override { return "BEGIN"; }
  const char* text_type() const override { return "TEXT COLLATE \"C\""; }
  // A number of our own: the letters "talky".
  const char* lock_schema() const override { return "SELECT pg_advisory_xact_lock(499918269305)"; }

 private:
  Outcome<> check(const PGresult* result) const {
    const ExecStatusType status = result ? libpq().result_status(result) : PGRES_FATAL_ERROR;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return {};
    const std::string text = one_line(libpq().message(connection_.get()));
    const char* state = result ? libpq().field(result, PG_DIAG_SQLSTATE) : nullptr;
    if (!sound() || !state) return fail(Fault::away, text);
    return fail(fault_of(state), text);
  }

  Outcome<std::string> prepared(const std::string& sql) {
    if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
    if (statements_.size() >= kMaxStatements) {
      if (auto done = execute("DEALLOCATE ALL"); !done) return tl::unexpected(done.error());
      statements_.clear();
    }
    const std::string name = fmt::format("talky_{}", ++count_);
    const ResultPtr result(libpq().prepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr));
    if (auto done = check(result.get()); !done) return tl::unexpected(done.error());
    statements_.emplace(sql, name);
    return name;
  }

  static Rows rows_of(const PGresult* result) {
    Rows out;
    const std::string changed = libpq().changed(const_cast<PGresult*>(result)); // reads only
    std::from_chars(changed.data(), changed.data() + changed.size(), out.changed);
    const int columns = libpq().columns(result);
    for (int row = 0; row < libpq().rows(result); ++row) {
      std::vector<Value>& values = out.rows.emplace_back();
      for (int column = 0; column < columns; ++column)
        values.push_back(value_of(result, row, column));
    }
    return out;
  }

  static Value value_of(const PGresult* result, int row, int column) {
    if (libpq().is_null(result, row, column) != 0) return nullptr;
    const char* text = libpq().value(result, row, column);
    const std::string_view value(text, static_cast<std::size_t>(libpq().length(result, row, column)));
    const Oid type = libpq().type(result, column);
    if (type == kTypeInt8 || type == kTypeInt4) {
      std::int64_t number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      return number;
    }
    if (type == kTypeFloat8) return std::strtod(text, nullptr); // ends with a NUL, as libpq promises
    return std::string(value);
  }

  Handle connection_;
  std::unordered_map<std::string, std::string> statements_; // SQL -> name
  std::uint64_t count_ = 0;
};

} // namespace

Outcome<std::unique_ptr<Connection>> connect_postgres(const std::string& url, bool write) {
  if (!loaded_libpq()) return fail(Fault::away, "libpq.so.5 is not installed (package libpq5)");
  // The URL comes last: what it says itself counts.
  const std::string limits =
      fmt::format("-c statement_timeout={0} -c lock_timeout={1} -c default_transaction_read_only={2}",
                  std::chrono::milliseconds(Database::kServerLimit).count(), Database::kBusyLimit.count(),
                  write ? "off" : "on");
  const std::string seconds = fmt::format("{}", Database::kServerLimit.count());
  const std::string ms = fmt::format("{}", std::chrono::milliseconds(Database::kServerLimit).count());
  const std::array<const char*, 8> names{
      "connect_timeout", "tcp_user_timeout", "client_encoding", "application_name",
      "options",         "keepalives_idle",  "dbname",          nullptr};
  const std::array<const char*, 8> values{seconds.c_str(), ms.c_str(), "UTF8",      "talky",
                                          limits.c_str(),  "10",       url.c_str(), nullptr};
  Handle connection(libpq().connect(names.data(), values.data(), 1));
  if (!connection) return fail(Fault::away, "no memory");
  if (libpq().status(connection.get()) != CONNECTION_OK)
    return fail(Fault::away, one_line(libpq().message(connection.get())));
  // "relation already exists, skipping" and the like would go to standard error.
  libpq().on_notice(
      connection.get(), [](void* /*argument*/, const char* /*message*/) {}, nullptr);
  return std::make_unique<PostgresConnection>(std::move(connection));
}

} // namespace talky::store
