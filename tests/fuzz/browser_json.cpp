// What a browser that calls may say: any bytes give a message or an error, and what is taken is within its
// bounds.
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <span>
#include <variant>

#include "core/bytes.hpp"
#include "ipc/browser.hpp"

using namespace talky;
namespace browser = talky::ipc::browser;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  const auto message = browser::parse(as_text(bytes));
  if (!message) return 0;
  if (size > browser::kMaxText) std::abort();
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (const auto* played = std::get_if<browser::Played>(&*message); played && played->samples > kMost)
    std::abort();
  if (const auto* key = std::get_if<browser::Key>(&*message);
      key && std::string_view("0123456789*#ABCD").find(key->digit) == std::string_view::npos)
    std::abort();
  return 0;
}
