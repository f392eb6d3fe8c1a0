// Chance, passed in: the rim seeds one from the system's entropy, a test from a number.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace talky {

// ChaCha20 (RFC 8439 2.3) that replaces its key with every number: whoever has seen any of them can compute
// neither those before nor those after. So tags, branches and SSRCs of one that the system has seeded cannot
// be foretold.
class Random {
 public:
  using Seed = std::array<std::uint64_t, 4>;
  using result_type = std::uint64_t;

  explicit Random(const Seed& seed);
  explicit Random(std::uint64_t seed); // 64 bits, for what need not be secret

  std::uint64_t operator()();
  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

  std::uint32_t u32() { return static_cast<std::uint32_t>((*this)() >> 32); }
  std::uint16_t u16() { return static_cast<std::uint16_t>((*this)() >> 48); }
  std::uint64_t below(std::uint64_t limit); // uniform in [0, limit); limit > 0
  double uniform();                         // in [0, 1)
  // Lower-case letters and digits: for tags, branches, Call-IDs.
  std::string token(std::size_t length);
  // RFC 9562 version 4: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
  std::string uuid();

 private:
  Seed state_;
};

} // namespace talky
