// The JSON of strangers: browsers that call, and agents that speak Media Streams. Any bytes give a message or
// an error; a payload that was taken comes back as it went.
#include <cstdlib>
#include <string>
#include <variant>

#include "core/base64.hpp"
#include "ipc/browser.hpp"
#include "ipc/media_streams.hpp"

using namespace talky;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  (void)ipc::browser::parse(as_text(bytes));
  const auto message = ipc::media_streams::parse(as_text(bytes));
  if (const auto* media = message ? std::get_if<ipc::media_streams::Media>(&*message) : nullptr) {
    std::string text;
    std::vector<std::byte> back;
    base64::encode(media->mulaw, text);
    if (!base64::decode(text, back) || back != media->mulaw) std::abort();
  }
  ipc::media_streams::Writer writer("f81d4fae-7dec-41d0-a765-00a0c91e6bf6");
  (void)writer.mark(as_text(bytes));
  (void)writer.start({{std::string(as_text(bytes)), ""}});
  return 0;
}
