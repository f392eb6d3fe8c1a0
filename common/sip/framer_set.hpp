// The framers of many connections, and which of these have stopped inside a message: a peer that sends half
// of one and waits must not hold its buffer for ever.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/time.hpp"
#include "sip/framer.hpp"

namespace talky::sip {

class FramerSet {
 public:
  // A message must be complete that long after its first byte: 64 T1, the time that a transaction has.
  explicit FramerSet(Duration limit = std::chrono::seconds(32)) : limit_(limit) {}

  // Feeds, and gives the framer to be drained; then call drained(). Made at the first bytes of a connection.
  Framer& feed(std::uint64_t connection, std::string_view bytes);
  // `whole`: a message came out, so that what waits now began later.
  void drained(std::uint64_t connection, bool whole, Time now);

  // The connections whose message has waited too long. Each is told once, and forgotten.
  std::vector<std::uint64_t> expire(Time now);
  std::optional<Time> deadline() const { return next_; } // not later than the first of these

  void erase(std::uint64_t connection) { streams_.erase(connection); }
  bool contains(std::uint64_t connection) const { return streams_.contains(connection); }
  std::size_t size() const { return streams_.size(); }

 private:
  struct Stream {
    Framer framer;
    std::optional<Time> until;
  };
  Duration limit_;
  std::unordered_map<std::uint64_t, Stream> streams_;
  std::optional<Time> next_;
};

} // namespace talky::sip
