// For the tests of Database, whatever stands behind it.
#pragma once
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/connection.hpp"
#include "store/database.hpp"
#include "store/kit.hpp"

namespace talky::store::test {

inline std::unique_ptr<Database> open(const Location& location, Access access = Access::write) {
  auto made = open_database(location, access);
  if (!made) FAIL(made.error().text);
  return std::move(*made);
}

inline Outcome<std::unique_ptr<Connection>> connect(const Location& location) {
  const auto* file = std::get_if<SqliteFile>(&location.where);
  return file ? connect_sqlite(file->path, true)
              : connect_postgres(std::get<PostgresUrl>(location.where).url, true);
}

inline std::vector<std::uint64_t> numbers(const Page& page) {
  std::vector<std::uint64_t> out;
  for (const CallRecord& call : page.calls)
    out.push_back(std::stoull(call.uuid.substr(24), nullptr, 16));
  return out;
}

using Numbers = std::vector<std::uint64_t>;

} // namespace talky::store::test
