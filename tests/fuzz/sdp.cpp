// Any text: parse it, answer it as a first offer and as a re-offer, and take it as an answer. What we write
// must be readable.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "core/bytes.hpp"
#include "sdp/offer_answer.hpp"

using namespace talky;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  sdp::Capabilities capabilities;
  capabilities.codecs = {{"PCMU", 8000, 0, "", 1}, {"PCMA", 8000, 8, "", 1}, {"L16", 16000, 96, "", 1}};
  const sdp::LocalMedia local{IpAddress::v4(127, 0, 0, 1), 20000, 0};

  const auto session = sdp::Session::parse(text);
  if (session) {
    for (const sdp::Media& media : session->media) {
      (void)media.rtcp();
      (void)media.milliseconds("ptime");
      (void)session->direction_of(media);
      if (const auto connection = session->connection_of(media)) (void)connection->is_hold();
      for (unsigned type = 0; type < 128; ++type)
        (void)media.rtpmap(static_cast<std::uint8_t>(type));
    }
  } else {
    require(session.error().offset <= size);
  }

  sdp::OfferAnswer callee(capabilities, local, 1);
  if (const auto answer = callee.accept_offer(text)) {
    const auto mine = sdp::Session::parse(*answer);
    require(session && mine && mine->media.size() == session->media.size());
    for (std::size_t i = 0; i < mine->media.size(); ++i)
      require(mine->media[i].type == session->media[i].type);
    require(callee.plan()->ptime >= 10 && callee.plan()->ptime <= 60);
    require(callee.accept_offer(text).value() == *answer); // the same again: the same version
    require(sdp::Session::parse(callee.make_offer()).has_value());
    (void)callee.accept_answer(text);
  }
  sdp::OfferAnswer caller(capabilities, local, 1);
  caller.make_offer();
  (void)caller.accept_answer(text);
  return 0;
}
