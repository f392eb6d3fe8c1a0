// Credentials and challenges as a peer may write them: the server never accepts what it did not make, the
// client's answer can always be read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "sip/builder.hpp"
#include "sip/digest.hpp"

using namespace talky;
using namespace talky::sip;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const Time now{std::chrono::seconds(1)};
  const auto lookup = [](std::string_view, std::string_view, DigestAlgorithm algorithm) {
    return std::optional(digest_ha1(algorithm, "alice", "talky", "secret"));
  };

  DigestServer server({.realm = "talky", .key = "a key that nobody knows"});
  const Message request =
      Builder::request(Method::register_, "sip:talky").header(HeaderId::authorization, text).build();
  if (const auto view = request.view()) {
    const auto verdict = server.verify(*view, lookup, now);
    if (verdict.outcome == DigestServer::Outcome::accepted) std::abort();
  }

  const Message challenge = Builder::response(401).header(HeaderId::www_authenticate, text).build();
  DigestClient client("alice", "secret");
  if (const auto view = challenge.view(); view && client.receive(*view, false)) {
    if (!AuthParams::parse(client.authorization("REGISTER", "sip:talky", "cnonce"))) std::abort();
  }
  return 0;
}
