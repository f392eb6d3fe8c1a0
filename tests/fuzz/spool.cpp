// The spool's logs, as a crash or a bad disk may leave them: no crash, and what is read is what was written:
// put down again it reads the same, and no entry comes of bytes that are none.
#include "store/spool.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "core/bytes.hpp"
#include "store/record.hpp"

using namespace talky;
using namespace talky::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const SpoolText read = parse_spool(text);
  std::string again;
  for (const SpoolEntry& entry : read.entries) {
    std::string line = to_line(entry);
    line.pop_back(); // the last one's line end may have been torn off
    if (text.find(entry.body) == std::string_view::npos) std::abort();
    again += line + "\n";
    (void)uuid_of(entry);
    if (auto record = from_json(entry.body)) {
      if (!is_uuid(record->uuid)) std::abort();
      tidy(*record);
      (void)to_csv(*record);
    }
  }
  const SpoolText once_more = parse_spool(again);
  if (once_more.entries != read.entries || once_more.damaged != 0) std::abort();
  (void)from_json(text);
  (void)from_iso8601(text);
  return 0;
}
