// The SQL of the tables, as text and parameters.
#pragma once
#include <string>
#include <vector>

#include "store/connection.hpp"
#include "store/query.hpp"

namespace talky::store {

struct Statement {
  std::string sql;
  std::vector<Value> parameters;

  // Adds a parameter and gives its name, "$3".
  std::string parameter(Value value);
};

// "uuid, sip_call_id, ..." and the record from a row of these.
const std::string& call_columns();
CallRecord call_of(const std::vector<Value>& row);

Statement put_call(const CallRecord& record);
// One row more than query.limit is asked for: it shows that there is a next page. Errors: invalid (limit,
// page token).
Outcome<Statement> list_calls(const Query& query);
Statement count_calls(const Filter& filter);
// What Query::after takes to go on behind `row`, which list_calls gave: a call and the value it was sorted
// by.
std::string page_token(const Query& query, const std::vector<Value>& row);

} // namespace talky::store
