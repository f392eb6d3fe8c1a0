// What a call is connected to, as one writes it: the value of --bridge and the right side of a --route.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "sipd/bridge/destination.hpp"

namespace talky::sipd {

struct Target {
  std::string text;           // as it was written
  DestinationPtr destination; // never null

  // echo | tone:HZ | play:FILE | exec:CMD | unix:PATH[,talky] | tcp:HOST:PORT[,talky] | ws://URL | wss://URL
  // | reject:CODE | agent. nullopt: none of these. Looks host names up, which may block: at start-up only.
  static std::optional<Target> parse(std::string_view text);
};

// The forms above, for messages.
std::string target_forms();

} // namespace talky::sipd
