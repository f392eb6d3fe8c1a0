#include "core/random.hpp"

#include <fmt/format.h>

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

} // namespace

Random::Random(const Seed& seed) : state_(seed) {
  if (state_ == Seed{}) state_[0] = 1; // all zero would stay all zero
}

Random::Random(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_)
    word = splitmix64(seed);
}

std::uint64_t Random::operator()() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
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
