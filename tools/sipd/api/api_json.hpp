// The bodies of the API: what clients send, taken apart, and the usual answers.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/ascii.hpp"
#include "core/endpoint.hpp"
#include "core/error.hpp"
#include "http/message.hpp"
#include "sipd/messages/call_command.hpp"
#include "sipd/messages/call_out.hpp"

namespace talky::sipd {

// The error is a sentence for the client.
template <class T>
using Parsed = tl::expected<T, std::string>;

Parsed<SendDigits> parse_digits(std::string_view body); // {"digits": "12#", "duration_ms": 100}
// {"to": "sip:200@192.0.2.7" or "alice", "connect": "100", "voice": "Emma", "ring_seconds": 30}; a `to`
// without a scheme is somebody at `ours`.
Parsed<CallOut> parse_call_out(std::string_view body, const Endpoint& ours);
// {"text": "One moment, please.", "voice": "Emma", "interruptible": false, "clear": true}
Parsed<ipc::Say> parse_say(std::string_view body);
Parsed<TransferTo> parse_transfer(std::string_view body); // {"to": "sip:200@192.0.2.7"}
// A whole sound file of any kind that talky reads (WAV, FLAC, Ogg ...), at most two minutes of it, mixed down
// to one channel at 16 kHz.
Parsed<audio::Samples> decode_audio(std::string_view body);

bool is_on(const std::optional<std::string>& query_value); // ?now, ?now=1, ?now=true

http::Response json_answer(int status, std::string body);
http::Response no_such_call();
http::Response refusal_of(const Error& error); // of a command

} // namespace talky::sipd
