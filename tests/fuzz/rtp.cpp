// Datagrams of a whole stream: the input is a row of them, each behind a byte of length and a byte that says
// how many milliseconds later it comes. What must hold: no crash, bounded memory, audio for ever.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "rtp/jitter_buffer.hpp"
#include "rtp/packet.hpp"
#include "rtp/statistics.hpp"
#include "rtp/telephone_event.hpp"

using namespace talky;
using namespace talky::rtp;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = std::as_bytes(std::span(data, size));
  (void)classify(input);
  if (const auto whole = PacketView::parse(input)) {
    require(whole->payload().size() + whole->padding() + kHeaderSize <= size);
    for (std::size_t i = 0; i < whole->csrc_count(); ++i)
      (void)whole->csrc(i);
  }

  JitterBuffer buffer({});
  Statistics statistics(8000);
  EventReceiver events(8000);
  Time now{};
  Time tick{};
  Reader reader(input);
  while (reader.remaining() > 2) {
    const std::size_t length = reader.u8().value_or(0);
    now += std::chrono::milliseconds(reader.u8().value_or(0));
    for (; tick <= now; tick += std::chrono::milliseconds(20)) {
      const auto slot = buffer.pop(tick, 160);
      require(slot.units > 0);
      require(slot.kind == JitterBuffer::Kind::packet || slot.units <= 160);
      if (const auto excess = buffer.excess(); excess != 0) buffer.adjusted(excess);
      events.expire(tick);
      while (const auto press = events.poll())
        require(press->duration >= Duration{0});
    }
    const auto datagram = reader.take(std::min(length, reader.remaining()));
    const auto packet = PacketView::parse(*datagram);
    if (!packet) continue;
    statistics.received(*packet, now);
    if (packet->payload_type() == 101) {
      buffer.push_other(*packet, now);
      (void)events.receive(packet->payload(), packet->timestamp(), packet->marker(), now);
    } else {
      buffer.push(*packet, static_cast<std::uint32_t>(packet->payload().size() + 1), now);
    }
    require(buffer.size() <= 128);
    const auto seen = statistics.snapshot();
    require(seen.received <= seen.expected);
    (void)statistics.fraction_lost();
  }
  return 0;
}
