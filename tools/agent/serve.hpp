// The agent at work: calls from a socket, or one call on standard input and output, until a signal or the end
// of input.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/moonshine.hpp"

namespace talky::agent {

struct ServeSettings {
  std::string listen;  // "": one call on standard input and output
  std::string flow;    // file; "": the built-in one
  std::string voice;   // "": the flow's
  std::string models;  // folder; "": the usual places
  std::string journal; // file, or with `listen` a folder; "": none
  std::string cassette;
  bool record = false, play = false; // the cassette; both false: none
  engine::MoonshineSize stt = engine::MoonshineSize::base;
  std::size_t threads = 0; // for recognition; 0: one a core
  std::size_t max_calls = 200;
  std::uint32_t drain_s = 20;
  bool lockstep = false;
  bool force = false;
  std::optional<std::uint64_t> seed;
  std::string log_level = "info";
};

// Gives the exit code. Throws cli::Failure for what is wrong at the start.
int serve(const ServeSettings& settings);

} // namespace talky::agent
