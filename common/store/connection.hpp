// What SQLite and PostgreSQL have in common for us: one connection on which prepared statements run. The SQL
// is the same text for both; parameters are $1, $2 ...
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "store/error.hpp"

namespace talky::store {

using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

struct Rows {
  std::vector<std::vector<Value>> rows;
  std::int64_t changed = 0; // by INSERT, UPDATE, DELETE
};

class Connection {
 public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One statement; prepared at its first use and kept.
  virtual Outcome<Rows> run(const std::string& sql, std::span<const Value> parameters) = 0;
  // Statements without parameters and without rows: tables, transactions.
  virtual Outcome<> execute(const std::string& sql) = 0;
  // Whether it leads to the place that it was opened for: the server is there, the file is still the same.
  virtual bool sound() const = 0;

  // Where the two differ.
  virtual const char* begin() const = 0;       // a transaction that will write
  virtual const char* text_type() const = 0;   // a column of text in the order of its bytes
  virtual const char* lock_schema() const = 0; // inside a transaction; "" where it is locked already
};

Outcome<std::unique_ptr<Connection>> connect_sqlite(const std::string& path, bool write);
Outcome<std::unique_ptr<Connection>> connect_postgres(const std::string& url, bool write);

} // namespace talky::store
