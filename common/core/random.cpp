#include "core/random.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>

namespace talky {
namespace {

std::uint64_t splitmix64(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

using Block = std::array<std::uint32_t, 16>;

// RFC 8439 2.1
void quarter_round(Block& x, std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
  x[a] += x[b];
  x[d] = std::rotl(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = std::rotl(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = std::rotl(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = std::rotl(x[b] ^ x[c], 7);
}

// RFC 8439 2.3: block number 0 of a key that is used once, with a nonce of zeros.
Block chacha20(const Random::Seed& key) {
  Block start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (std::size_t i = 0; i < 4; ++i) {
    start[4 + 2 * i] = static_cast<std::uint32_t>(key[i]);
    start[5 + 2 * i] = static_cast<std::uint32_t>(key[i] >> 32);
  }
  Block x = start;
  for (int round = 0; round < 10; ++round) {
    for (std::size_t column = 0; column < 4; ++column)
      quarter_round(x, column, 4 + column, 8 + column, 12 + column);
    for (std::size_t column = 0; column < 4; ++column)
      quarter_round(x, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4);
  }
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] += start[i];
  return x;
}

} // namespace

Random::Random(const Seed& seed) : state_(seed) {}

Random::Random(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_)
    word = splitmix64(seed);
}

// ChaCha20 that replaces its key with every block ("fast key erasure"): whoever has seen any number of
// outputs can compute neither those before nor those after. The first half of a block is the next key.
std::uint64_t Random::operator()() {
  const Block block = chacha20(state_);
  for (std::size_t i = 0; i < state_.size(); ++i)
    state_[i] = block[2 * i] | std::uint64_t{block[2 * i + 1]} << 32;
  return block[8] | std::uint64_t{block[9]} << 32;
}

std::uint64_t Random::below(std::uint64_t limit) {
  const std::uint64_t unfair = (~std::uint64_t{0} - limit + 1) % limit; // 2^64 mod limit
  std::uint64_t value = (*this)();
  while (value < unfair)
    value = (*this)();
  return value % limit;
}

double Random::uniform() {
  return static_cast<double>((*this)() >> 11) * 0x1.0p-53;
}

std::string Random::token(std::size_t length) {
  static constexpr char kDigits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string out(length, '\0');
  for (char& c : out)
    c = kDigits[below(36)];
  return out;
}

std::string Random::uuid() {
  const std::uint64_t high = ((*this)() & 0xffffffffffff0fff) | 0x4000;
  const std::uint64_t low = ((*this)() & 0x3fffffffffffffff) | 0x8000000000000000;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff,
                     low >> 48, low & 0xffffffffffff);
}

} // namespace talky
