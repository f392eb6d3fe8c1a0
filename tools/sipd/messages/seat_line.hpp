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
struct SeatSound { // mono s16 at 16 kHz
  std::vector<std::int16_t> samples;
};
struct SeatText { // JSON
  std::string json;
};
struct SeatAsk {};  // is the call's loop still with me?
struct SeatGone {}; // the client has left
using FromSeat = std::variant<SeatSound, SeatText, SeatAsk, SeatGone>;

// To the client.
struct SeatHere {}; // the answer to SeatAsk
struct SeatPause {  // more is queued than may be, or no longer
  bool paused = false;
};
struct SeatLost { // the part is taken from it
  std::uint16_t code = 1000;
  std::string why;
};
using ToSeat = std::variant<SeatText, SeatHere, SeatPause, SeatLost>;

using SeatBox = Mailbox<FromSeat>;
using ClientBox = Mailbox<ToSeat>;

struct SeatLine {
  std::shared_ptr<SeatBox> to_call;     // of the worker's loop; the session opens it
  std::shared_ptr<ClientBox> to_client; // of the API's loop, open
};

} // namespace talky::sipd
