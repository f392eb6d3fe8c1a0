// FNV-1a, 64 bits (draft-eastlake-fnv 2): the same in every build and on every machine. To find the same
// content again, not to keep anybody out.
#pragma once
#include <cstdint>
#include <string_view>

namespace talky {

class Fnv1a {
 public:
  constexpr Fnv1a() = default;
  explicit constexpr Fnv1a(std::uint64_t basis) : hash_(basis) {}

  // The lowest eight bits.
  constexpr void byte(unsigned value) { hash_ = (hash_ ^ (value & 0xffU)) * kPrime; }
  constexpr void text(std::string_view text) {
    for (const char c : text)
      byte(static_cast<unsigned char>(c));
  }
  constexpr std::uint64_t value() const { return hash_; }

 private:
  static constexpr std::uint64_t kPrime = 0x100000001b3;

  std::uint64_t hash_ = 0xcbf29ce484222325; // the offset basis
};

constexpr std::uint64_t fnv1a(std::string_view text) {
  Fnv1a hash;
  hash.text(text);
  return hash.value();
}

} // namespace talky
