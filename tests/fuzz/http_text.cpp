// What a handler does with the text of a request: its path, its query, and the fields with a grammar of their
// own.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "http/message.hpp"
#include "http/router.hpp"

using namespace talky;
using namespace talky::http;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (const auto segments = split_path(text)) {
    std::string again;
    for (const std::string& segment : *segments) {
      require(!segment.empty() && segment != "." && segment != "..");
      require(segment.find('/') == std::string::npos && segment.find('\0') == std::string::npos);
      again += "/" + percent_encoded(segment);
    }
    require(split_path(again.empty() ? "/" : again) == segments);
  }
  Request request;
  request.query = std::string(text);
  (void)request.query_value("now");
  (void)request.query_value("port");
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}}) {
    const RangeChoice choice = choose_range(text, length);
    require(!choice.range || (choice.range->first <= choice.range->last && choice.range->last < length));
  }
  if (const auto host = authority_host(text)) require(host->find_first_of(" /@") == std::string::npos);
  if (const auto time = parse_http_date(text)) require(http_date(*time) == text);
  (void)etag_matches(text, "\"1\"");
  require(problem(400, text).body.find('\n') + 1 == problem(400, text).body.size());
  if (const auto decoded = percent_decoded(text))
    require(percent_decoded(percent_encoded(*decoded)) == decoded);
  return 0;
}
