// Past calls over HTTP (man talky-api): the call records, filtered and page by page, and the files of a call,
// whether it is over or not. Databases and journals are read on a thread of its own, never on a loop.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>
#include "sipd/api/reader_thread.hpp"
#include "sipd/api/route_table.hpp"
#include "store/query.hpp"

namespace talky::sipd {

class History {
 public:
  // `recordings`: their folder; "" if nothing is recorded. `is_up` says whether a call goes on.
  History(net::Loop& loop, std::optional<store::Location> place, std::string recordings,
          std::function<bool(std::string_view uuid)> is_up);
  void add_routes(RouteTable& routes);

 private:
  void list(const http::Request& request, const http::Reply& reply);
  void one(const http::Request& request, const http::Reply& reply);
  void recording(const http::Request& request, const http::Reply& reply);

  bool keeps_records_;
  std::string recordings_;
  std::function<bool(std::string_view)> is_up_;
  ReaderThread reader_;
};

// What the query of GET /api/v1/sip/history asks for; the error is a sentence for the client. `csv` is what
// ?format= says.
struct HistoryQuery {
  store::Query query;
  std::optional<bool> csv;
};
tl::expected<HistoryQuery, std::string> parse_history_query(std::string_view query, std::int64_t now_ms);

} // namespace talky::sipd
