// The tables, and the way to them from those of every earlier version.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/connection.hpp"

namespace talky::store {

// The statements that lead from one version to the next. {text} stands for the type of a text.
struct Migration {
  std::vector<std::string> statements;
};

// migrations()[0] leads from nothing to version 1. Once released, an entry is never changed: a new one
// follows.
std::span<const Migration> migrations();

// 0: there are no tables yet.
Outcome<std::int64_t> schema_version(Connection& connection);

// Carries out what is missing, each step in a transaction of its own together with its number. Two processes
// may start at once: one waits for the other. Errors: newer, and those of the connection.
Outcome<> migrate(Connection& connection, std::span<const Migration> steps);

} // namespace talky::store
