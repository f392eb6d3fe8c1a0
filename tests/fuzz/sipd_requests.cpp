// What clients of the HTTP API send: the first byte chooses the parser, the rest is the body or the query.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "core/bytes.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/api/history.hpp"
#include "store/query.hpp"

using namespace talky;

namespace {

constexpr std::int64_t kNowMs = 1'795'000'000'000;

void require(bool condition) {
  if (!condition) std::abort();
}

// A sentence for the client, never empty, and not one that gives all that was sent back.
template <class T>
void require_sentence(const tl::expected<T, std::string>& parsed) {
  require(parsed || (!parsed.error().empty() && parsed.error().size() < 300));
}

void history(std::string_view query) {
  const auto parsed = sipd::parse_history_query(query, kNowMs);
  require_sentence(parsed);
  if (!parsed) return;
  const store::Filter& filter = parsed->query.filter;
  require(parsed->query.limit >= 1 && parsed->query.limit <= store::Query::kMaxLimit);
  require(filter.min_duration_ms.value_or(0) >= 0 && filter.max_duration_ms.value_or(0) >= 0);
  require(filter.from.size() <= 256 && filter.to.size() <= 256 && filter.causes.size() <= 16);
}

void call_out(std::string_view body) {
  const auto parsed = sipd::parse_call_out(body, *Endpoint::parse("127.0.0.1:5060"));
  require_sentence(parsed);
  if (!parsed) return;
  require(parsed->to.find(':') != std::string::npos);
  require(parsed->to.find_first_of(std::string_view(" \r\n\0", 4)) == std::string::npos);
  require(parsed->ring.count() >= 1 && parsed->ring <= sipd::CallOut::kMaxRing);
}

void say(std::string_view body) {
  const auto parsed = sipd::parse_say(body);
  require_sentence(parsed);
  if (parsed) require(!parsed->text.empty() && parsed->text.find('\0') == std::string::npos);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size))).substr(1);
  switch ((data[0] + 2U) % 5) { // '0' to '4' in the corpus
    case 0: history(text); break;
    case 1: call_out(text); break;
    case 2: say(text); break;
    case 3: require_sentence(sipd::parse_digits(text)); break;
    default: require_sentence(sipd::parse_transfer(text)); break;
  }
  return 0;
}
