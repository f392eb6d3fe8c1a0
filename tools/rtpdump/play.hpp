// Sends the packets of a recording again, as rtpplay of rtptools does.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"

namespace talky::rtpdump {

struct PlayOptions {
  Endpoint to;      // RTP; RTCP goes to the next port
  double speed = 1; // 2: twice as fast; 0: without any wait
};

// Where --play points: "udp:HOST:PORT". Throws cli::Failure (usage, no_host).
Endpoint play_target(const std::string& text);
// What --speed says: a number above 0, or "max" (0 as well). Throws cli::Failure (usage).
double play_speed(const std::string& text);

// Two sockets and a clock. Packets are never sent before they are due. SIGINT and SIGTERM are held back from
// its making to its end, and end what it does.
class Player {
 public:
  struct Summary {
    std::uint64_t rtp = 0, rtcp = 0, bytes = 0;
    std::uint64_t failed = 0; // the system would not take them
    double seconds = 0;       // from the first packet to the last
    // How much later than due the packets went out, in microseconds.
    double late_median_us = 0, late_p99_us = 0, late_max_us = 0;
    bool stopped = false; // by a signal
  };

  explicit Player(const PlayOptions& options);
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // Waits until `due_ns` after the first packet of all, by the recording's clock, and sends. False if a
  // signal came meanwhile: nothing is to be sent any more.
  bool send(std::int64_t due_ns, bool rtcp, Bytes packet);
  Summary finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::rtpdump
