#include "sipd/call/seat.hpp"

#include "sipd/call/session.hpp"

namespace talky::sipd {

Seat::Seat(Session& session, SeatLine line, std::uint64_t its_number)
    : bridge(*this, std::move(line), [&session] { session.vacate("the program has left"); }),
      number(its_number),
      session_(session) {}

net::Loop& Seat::loop() {
  return session_.loop();
}

const ipc::Start& Seat::about() const {
  return session_.about();
}

void Seat::failed(std::string_view why, int /*status*/) {
  constexpr std::uint16_t policy = 1008;
  bridge.dismiss(policy, why);
  session_.vacate(why);
}

std::size_t Seat::play(std::span<const std::int16_t> samples) {
  return session_.play_as(media::PlayoutLedger::Owner::program, samples);
}

std::uint64_t Seat::queued() const {
  return session_.leg_queued();
}

void Seat::clear() {
  session_.discard(media::PlayoutLedger::Owner::program);
}

void Seat::mark(const std::string& name) {
  session_.mark_as(number, name);
}

void Seat::send_dtmf(const ipc::SendDtmf& dtmf) {
  session_.press(dtmf);
}

void Seat::hangup(std::string_view reason) {
  session_.end_after_playout(reason);
}

void Seat::transfer(const std::string& to) {
  session_.refer(to);
}

void Seat::log(log::Level level, log::Line line) {
  session_.log(level, line.add("part", "program"));
}

} // namespace talky::sipd
