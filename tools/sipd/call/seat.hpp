// Who else has a part in a call beside its bridge: a person who talks in, a program that stands in for the
// agent. At most one of each; the API sees to that.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "media/media_playout.hpp"
#include "sipd/bridge/bridge.hpp"
#include "sipd/call/seat_bridge.hpp"
#include "sipd/messages/seat_line.hpp"

namespace talky::sipd {

class Session;

// The seat of a program. While it is taken, the call's bridge is held: it hears silence, and what it plays
// goes into `unheard`, a queue that runs at the pace of the call and into nobody's ear.
class Seat final : public BridgeHost {
 public:
  static constexpr std::size_t max_unheard = std::size_t{120} * 16'000; // samples, as in a call's own queue

  // `its_number` tells its marks from those of others: 1 for the first of a call.
  Seat(Session& session, SeatLine line, std::uint64_t its_number);

  SeatBridge bridge;
  media::MediaPlayout unheard{max_unheard};
  // What the agent wanted or came to, put off until the seat is free.
  std::optional<std::string> agent_bye;
  std::optional<std::pair<std::string, int>> agent_lost;
  const std::uint64_t number;

  // BridgeHost
  net::Loop& loop() override;
  const ipc::Start& about() const override;
  void ready() override {}
  void failed(std::string_view why, int status) override;
  std::size_t play(std::span<const std::int16_t> samples) override;
  std::uint64_t queued() const override;
  void clear() override;
  void mark(const std::string& name) override;
  void send_dtmf(const ipc::SendDtmf& dtmf) override;
  void hangup(std::string_view reason) override;
  void transfer(const std::string& to) override;
  void log(log::Level level, log::Line line) override;

 private:
  Session& session_;
};

// A person who talks in.
struct Talker {
  SeatLine line;
  std::uint64_t lost = 0; // samples that came too fast, and he has not been told of
  unsigned ticks = 0;     // since he was
};

} // namespace talky::sipd
