#include "codec/g711.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>

#include "codec/g711_kernels.hpp"

namespace talky::codec::g711 {

namespace scalar {
namespace {

template <std::int16_t (*decode_one)(std::uint8_t)>
constexpr std::array<std::int16_t, 256> decode_table() {
  std::array<std::int16_t, 256> table{};
  for (unsigned code = 0; code < 256; ++code)
    table[code] = decode_one(static_cast<std::uint8_t>(code));
  return table;
}
constexpr auto kMuTable = decode_table<&g711::decode_mu>();
constexpr auto kATable = decode_table<&g711::decode_a>();

} // namespace

void encode_mu(const std::int16_t* in, std::byte* out, std::size_t count) {
  std::transform(in, in + count, out, [](std::int16_t x) { return std::byte{g711::encode_mu(x)}; });
}
void encode_a(const std::int16_t* in, std::byte* out, std::size_t count) {
  std::transform(in, in + count, out, [](std::int16_t x) { return std::byte{g711::encode_a(x)}; });
}
void decode_mu(const std::byte* in, std::int16_t* out, std::size_t count) {
  std::transform(in, in + count, out,
                 [](std::byte code) { return kMuTable[std::to_integer<std::size_t>(code)]; });
}
void decode_a(const std::byte* in, std::int16_t* out, std::size_t count) {
  std::transform(in, in + count, out,
                 [](std::byte code) { return kATable[std::to_integer<std::size_t>(code)]; });
}

} // namespace scalar

namespace {

constexpr Kernels kScalarKernels{"scalar", scalar::encode_mu, scalar::encode_a, scalar::decode_mu,
                                 scalar::decode_a};

// What this machine can run, the fastest last.
struct Choice {
  std::array<const Kernels*, 4> kernels{&kScalarKernels};
  std::array<const char*, 4> names{kScalarKernels.name};
  std::size_t count = 1;

  void add(const Kernels& more) {
    kernels[count] = &more;
    names[count] = more.name;
    ++count;
  }
  const Kernels& best() const { return *kernels[count - 1]; }
};

const Choice& choice() {
  static const Choice kMade = [] {
    Choice c;
#if defined(__x86_64__)
    c.add(kSse2Kernels); // part of the architecture
    if (__builtin_cpu_supports("avx2") != 0) c.add(kAvx2Kernels);
    if (__builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0)
      c.add(kAvx512Kernels);
#endif
    return c;
  }();
  return kMade;
}

const Kernels* by_name(std::string_view name) {
  const Choice& c = choice();
  for (std::size_t i = 0; i < c.count; ++i) {
    if (name == c.names[i]) return c.kernels[i];
  }
  return nullptr;
}

void run(const Kernels& k, Law law, std::span<const std::int16_t> in, std::span<std::byte> out) {
  assert(in.size() == out.size());
  const std::size_t count = std::min(in.size(), out.size());
  (law == Law::mu ? k.encode_mu : k.encode_a)(in.data(), out.data(), count);
}

void run(const Kernels& k, Law law, std::span<const std::byte> in, std::span<std::int16_t> out) {
  assert(in.size() == out.size());
  const std::size_t count = std::min(in.size(), out.size());
  (law == Law::mu ? k.decode_mu : k.decode_a)(in.data(), out.data(), count);
}

} // namespace

void encode(Law law, std::span<const std::int16_t> in, std::span<std::byte> out) {
  run(choice().best(), law, in, out);
}

void decode(Law law, std::span<const std::byte> in, std::span<std::int16_t> out) {
  run(choice().best(), law, in, out);
}

std::span<const char* const> implementations() {
  return std::span(choice().names).first(choice().count);
}

bool encode_with(const char* implementation, Law law, std::span<const std::int16_t> in,
                 std::span<std::byte> out) {
  const Kernels* k = by_name(implementation);
  if (k != nullptr) run(*k, law, in, out);
  return k != nullptr;
}

bool decode_with(const char* implementation, Law law, std::span<const std::byte> in,
                 std::span<std::int16_t> out) {
  const Kernels* k = by_name(implementation);
  if (k != nullptr) run(*k, law, in, out);
  return k != nullptr;
}

} // namespace talky::codec::g711
