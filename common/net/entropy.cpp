#include "net/entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <system_error>
#include <vector>

namespace talky::net {
namespace {

void fill(void* out, std::size_t size) {
  auto* at = static_cast<std::byte*>(out);
  while (size > 0) {
    const ssize_t count = ::getrandom(at, size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    at += count;
    size -= static_cast<std::size_t>(count);
  }
}

} // namespace

Random::Seed entropy_seed() {
  Random::Seed seed{};
  fill(seed.data(), sizeof seed);
  return seed;
}

std::string entropy_hex(std::size_t bytes) {
  std::vector<unsigned char> raw(bytes);
  fill(raw.data(), raw.size());
  std::string out;
  for (const unsigned char byte : raw) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

} // namespace talky::net
