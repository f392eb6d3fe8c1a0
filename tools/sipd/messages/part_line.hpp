// The line between a WebSocket that takes part in a call (api_audio.hpp), on the API's loop, and the call's
// session: two mailboxes, and what is put into them. What the client hears comes by its AudioTap.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sipd/messages/mailbox.hpp"

namespace talky::sipd {

enum class Part : std::uint8_t {
  listen, // only hears
  talk,   // is heard by the caller, and not by the agent
  agent,  // stands in for the agent
};

// From the client, which has checked it.
struct PartSound { // mono s16 at 16 kHz
  std::vector<std::int16_t> samples;
};
struct PartText { // JSON
  std::string json;
};
struct PartAsk {};  // is the call's loop still with me?
struct PartGone {}; // the client has left
using FromPart = std::variant<PartSound, PartText, PartAsk, PartGone>;

// To the client.
struct PartHere {}; // the answer to PartAsk
struct PartPause {  // more is queued than may be, or no longer
  bool paused = false;
};
struct PartLost { // the part is taken from it
  std::uint16_t code = 1000;
  std::string why;
};
struct PartOverrun { // samples of who talks in that came too fast, and were thrown away
  std::uint64_t samples = 0;
};
using ToPart = std::variant<PartText, PartHere, PartPause, PartOverrun, PartLost>;

using PartBox = Mailbox<FromPart>;
using ClientBox = Mailbox<ToPart>;

struct PartLine {
  std::shared_ptr<PartBox> to_call;     // of the worker's loop; the session opens it
  std::shared_ptr<ClientBox> to_client; // of the API's loop, open
};

} // namespace talky::sipd
