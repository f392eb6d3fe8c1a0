// What a call is connected to, as one writes it: the value of --bridge and the right side of a --route.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http/websocket_client.hpp"
#include "net/stream.hpp"

namespace talky::sipd {

struct EchoTarget {};
struct ToneTarget {
  double hertz = 440;
};
struct PlayTarget {
  std::string path;
};
struct ExecTarget {
  std::string command; // for /bin/sh -c
};
struct SocketTarget {
  net::StreamAddress address;
  bool talky = false; // speaks ipc/control.hpp from the first byte; otherwise once it sends some itself
};
struct MediaStreamsTarget {
  http::WebSocketUrl url; // of an agent that speaks Twilio's Media Streams
};
struct RejectTarget {
  int status = 603;
};
struct AgentTarget {}; // talky-agent on the agent's socket, started and watched over by us

struct Target {
  std::string text; // as it was written
  std::variant<EchoTarget, ToneTarget, PlayTarget, ExecTarget, SocketTarget, MediaStreamsTarget, RejectTarget,
               AgentTarget>
      what;

  // echo | tone:HZ | play:FILE | exec:CMD | unix:PATH[,talky] | tcp:HOST:PORT[,talky] | ws://URL | wss://URL
  // | reject:CODE | agent. nullopt: none of these. Looks host names up, which may block: at start-up only.
  static std::optional<Target> parse(std::string_view text);

  template <class T>
  const T* as() const {
    return std::get_if<T>(&what);
  }
};

// The forms above, for messages.
extern const char* const target_forms;

} // namespace talky::sipd
