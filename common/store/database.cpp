#include "store/database.hpp"

#include <fmt/format.h>

#include <functional>
#include <unordered_map>
#include <utility>

#include "core/ascii.hpp"
#include "store/connection.hpp"
#include "store/schema.hpp"
#include "store/statements.hpp"

namespace talky::store {
namespace {

using Connect = std::function<Outcome<std::unique_ptr<Connection>>()>;

const std::string kInsertFile =
    "INSERT INTO talky_files (uuid, position, kind, path, bytes, sha256, repaired) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)";
const std::string kInsertUtterance =
    "INSERT INTO talky_utterances (uuid, position, who, begin_ms, said, cut) VALUES ($1, $2, $3, $4, $5, $6)";

std::string text_of(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text ? *text : std::string();
}
std::int64_t number_of(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number ? *number : 0;
}

class SqlDatabase : public Database {
 public:
  SqlDatabase(Connect connect, std::unique_ptr<Connection> connection)
      : connect_(std::move(connect)), connection_(std::move(connection)) {}

  Outcome<> put(std::span<const CallRecord> records) override {
    if (records.empty()) return {};
    return transaction([&]() -> Outcome<> {
      for (const CallRecord& record : records) {
        CallRecord tidied = record;
        tidy(tidied);
        if (auto done = put_one(tidied); !done) return done;
      }
      return {};
    });
  }

  Outcome<std::optional<CallRecord>> find(std::string_view uuid) override {
    if (auto done = ensure(); !done) return tl::unexpected(done.error());
    const std::vector<Value> key{std::string(uuid)};
    const auto calls =
        connection_->run(fmt::format("SELECT {} FROM talky_calls WHERE uuid = $1", call_columns()), key);
    if (!calls) return tl::unexpected(calls.error());
    if (calls->rows.empty()) return std::nullopt;
    std::vector<CallRecord> found{call_of(calls->rows[0])};
    if (auto done = add_files(found); !done) return tl::unexpected(done.error());
    const auto said = connection_->run(
        "SELECT who, begin_ms, said, cut FROM talky_utterances WHERE uuid = $1 ORDER BY position", key);
    if (!said) return tl::unexpected(said.error());
    for (const auto& row : said->rows)
      found[0].said.push_back({text_of(row[0]), number_of(row[1]), text_of(row[2]), number_of(row[3])});
    return std::move(found[0]);
  }

  Outcome<Page> list(const Query& query) override {
    if (auto done = ensure(); !done) return tl::unexpected(done.error());
    const auto statement = list_calls(query);
    if (!statement) return tl::unexpected(statement.error());
    const auto rows = connection_->run(statement->sql, statement->parameters);
    if (!rows) return tl::unexpected(rows.error());
    Page page;
    for (const auto& row : rows->rows) {
      if (page.calls.size() == query.limit) {
        page.next = page_token(query, rows->rows[query.limit - 1]);
        break;
      }
      page.calls.push_back(call_of(row));
    }
    if (auto done = add_files(page.calls); !done) return tl::unexpected(done.error());
    if (query.count) {
      const Statement count = count_calls(query.filter);
      const auto total = connection_->run(count.sql, count.parameters);
      if (!total) return tl::unexpected(total.error());
      page.total = number_of(total->rows[0][0]);
    }
    return page;
  }

  Outcome<std::int64_t> remove_before(std::int64_t ended_ms) override {
    if (auto done = ensure(); !done) return tl::unexpected(done.error());
    const std::vector<Value> limit{ended_ms};
    const auto done = connection_->run("DELETE FROM talky_calls WHERE ended_ms < $1", limit);
    if (!done) return tl::unexpected(done.error());
    return done->changed;
  }

  Outcome<> forget_files(std::span<const std::string> uuids) override {
    if (uuids.empty()) return {};
    return transaction([&]() -> Outcome<> {
      for (const std::string& uuid : uuids) {
        const std::vector<Value> key{uuid};
        if (auto done = connection_->run("DELETE FROM talky_files WHERE uuid = $1", key); !done)
          return tl::unexpected(done.error());
      }
      return {};
    });
  }

  Outcome<std::int64_t> schema_version() override {
    if (auto done = ensure(); !done) return tl::unexpected(done.error());
    return store::schema_version(*connection_);
  }

 private:
  // A connection that leads where it should; a broken one is made anew.
  Outcome<> ensure() {
    if (connection_ && connection_->sound()) return {};
    connection_.reset();
    auto made = connect_();
    if (!made) return tl::unexpected(made.error());
    connection_ = std::move(*made);
    return {};
  }

  template <class Body>
  Outcome<> transaction(const Body& body) {
    if (auto done = ensure(); !done) return done;
    auto done = connection_->execute(connection_->begin());
    if (!done && !connection_->sound()) { // it broke since it was last used: once more
      if (auto again = ensure(); !again) return again;
      done = connection_->execute(connection_->begin());
    }
    if (!done) return done;
    done = body();
    if (done) done = connection_->execute("COMMIT");
    if (!done) (void)connection_->execute("ROLLBACK"); // where the connection broke, the server does it
    return done;
  }

  Outcome<> put_one(const CallRecord& record) {
    const Statement call = put_call(record);
    if (auto done = connection_->run(call.sql, call.parameters); !done) return tl::unexpected(done.error());
    const std::vector<Value> key{record.uuid};
    for (const char* sql :
         {"DELETE FROM talky_files WHERE uuid = $1", "DELETE FROM talky_utterances WHERE uuid = $1"}) {
      if (auto done = connection_->run(sql, key); !done) return tl::unexpected(done.error());
    }
    std::int64_t position = 0;
    for (const RecordedFile& file : record.files) {
      const std::vector<Value> values{record.uuid, position++,  file.kind,    file.path,
                                      file.bytes,  file.sha256, file.repaired};
      if (auto done = connection_->run(kInsertFile, values); !done) return tl::unexpected(done.error());
    }
    position = 0;
    for (const Utterance& said : record.said) {
      const std::vector<Value> values{record.uuid, position++, said.who, said.begin_ms, said.text, said.cut};
      if (auto done = connection_->run(kInsertUtterance, values); !done) return tl::unexpected(done.error());
    }
    return {};
  }

  Outcome<> add_files(std::vector<CallRecord>& calls) {
    if (calls.empty()) return {};
    Statement statement;
    std::string list;
    std::unordered_map<std::string, CallRecord*> by_uuid;
    for (CallRecord& call : calls) {
      list += (list.empty() ? "" : ", ") + statement.parameter(call.uuid);
      by_uuid[call.uuid] = &call;
    }
    const auto rows = connection_->run(
        fmt::format("SELECT uuid, kind, path, bytes, sha256, repaired FROM talky_files WHERE uuid IN ({}) "
                    "ORDER BY uuid, position",
                    list),
        statement.parameters);
    if (!rows) return tl::unexpected(rows.error());
    for (const auto& row : rows->rows) {
      by_uuid[text_of(row[0])]->files.push_back(
          {text_of(row[1]), text_of(row[2]), number_of(row[3]), text_of(row[4]), number_of(row[5])});
    }
    return {};
  }

  Connect connect_;
  std::unique_ptr<Connection> connection_;
};

Outcome<> check_schema(Connection& connection) {
  const auto version = schema_version(connection);
  if (!version) {
    if (version.error().fault == Fault::busy) return tl::unexpected(version.error());
    return fail(Fault::away, "there are no call records yet: " + version.error().text);
  }
  const auto known = static_cast<std::int64_t>(migrations().size());
  if (*version == known) return {};
  if (*version > known) {
    return fail(Fault::newer, fmt::format("its schema has version {}, this talky knows {}", *version, known));
  }
  return fail(Fault::away, fmt::format("its schema has version {}: talky-sipd brings it to {} when it starts",
                                       *version, known));
}

bool has_password(std::string_view url) {
  const std::size_t authority = url.find("://") + 3;
  const std::size_t end = std::min(url.find_first_of("/?", authority), url.size());
  const std::string_view hosts = url.substr(authority, end - authority);
  const std::size_t at = hosts.rfind('@');
  if (at != std::string_view::npos && hosts.substr(0, at).find(':') != std::string_view::npos) return true;
  const std::size_t question = url.find('?');
  if (question == std::string_view::npos) return false;
  const std::string parameters = "&" + ascii::lower(url.substr(question + 1));
  return parameters.find("&password=") != std::string::npos ||
         parameters.find("&sslpassword=") != std::string::npos;
}

} // namespace

Outcome<Location> Location::parse(std::string_view text) {
  if (text.starts_with("postgresql://") || text.starts_with("postgres://")) {
    if (has_password(text)) {
      return fail(Fault::invalid,
                  "no password belongs into the URL: PGPASSWORD, ~/.pgpass or ?passfile=FILE tell it");
    }
    return Location{PostgresUrl{std::string(text)}};
  }
  if (text.starts_with("sqlite:")) text.remove_prefix(std::string_view("sqlite:").size());
  if (text.find("://") != std::string_view::npos || text.empty() || text.ends_with('/'))
    return fail(Fault::invalid, "sqlite:FILE, FILE or postgresql://...");
  return Location{SqliteFile{std::string(text)}};
}

std::string Location::to_string() const {
  if (const auto* file = std::get_if<SqliteFile>(&where)) return "sqlite:" + file->path;
  return std::get<PostgresUrl>(where).url;
}

Outcome<std::unique_ptr<Database>> open_database(const Location& location, Access access) {
  Connect connect = [location, access]() -> Outcome<std::unique_ptr<Connection>> {
    const bool write = access == Access::write;
    const auto* file = std::get_if<SqliteFile>(&location.where);
    auto connection = file ? connect_sqlite(file->path, write)
                           : connect_postgres(std::get<PostgresUrl>(location.where).url, write);
    if (!connection) return connection;
    auto ready = write ? migrate(**connection, migrations()) : check_schema(**connection);
    if (!ready) return tl::unexpected(ready.error());
    return connection;
  };
  auto connection = connect();
  if (!connection) return tl::unexpected(connection.error());
  return std::make_unique<SqlDatabase>(std::move(connect), std::move(*connection));
}

} // namespace talky::store
