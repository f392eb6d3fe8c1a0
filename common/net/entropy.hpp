// Chance from the system, for what common/core/random.hpp is seeded with and for keys.
#pragma once
#include <cstddef>
#include <string>

#include "core/random.hpp"

namespace talky::net {

Random::Seed entropy_seed();
std::string entropy_hex(std::size_t bytes); // for nonces and keys: nobody can guess it

} // namespace talky::net
