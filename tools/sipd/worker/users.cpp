#include "sipd/worker/users.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <tuple>

#include "cli/exit_code.hpp"
#include "core/ascii.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t kMd5Digits = 32;
constexpr std::size_t kSha256Digits = 64;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return ascii::is_digit(c) || (ascii::to_lower(c) >= 'a' && ascii::to_lower(c) <= 'f');
  });
}

} // namespace

Users Users::load(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw cli::Failure(cli::ExitCode::no_input, fmt::format("--users {}: cannot be read", path));
  Users out;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = ascii::trim(line);
    if (text.empty() || text.front() == '#') continue;
    const std::size_t colon = text.find(':');
    const auto bad = [&](const char* expected) {
      return cli::Failure(cli::ExitCode::config, fmt::format("{}:{}: expected {}", path, number, expected));
    };
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == text.size()) {
      throw bad("user:password or user:ha1=HEX");
    }
    std::string_view secret = text.substr(colon + 1);
    const bool is_ha1 = secret.starts_with("ha1=");
    if (is_ha1) {
      secret.remove_prefix(4);
      if (!is_hex(secret) || (secret.size() != kMd5Digits && secret.size() != kSha256Digits)) {
        throw bad("32 (MD5) or 64 (SHA-256) hexadecimal digits after ha1=");
      }
    }
    out.secrets_.emplace(std::string(text.substr(0, colon)),
                         Secret{is_ha1, is_ha1 ? ascii::lower(secret) : std::string(secret)});
  }
  if (file.bad()) throw cli::Failure(cli::ExitCode::io, fmt::format("--users {}: reading failed", path));
  if (out.secrets_.empty())
    throw cli::Failure(cli::ExitCode::config, fmt::format("--users {}: names no user", path));
  return out;
}

std::optional<std::string> Users::ha1(std::string_view user, std::string_view realm,
                                      sip::DigestAlgorithm algorithm) const {
  const std::size_t digits = algorithm == sip::DigestAlgorithm::md5 ? kMd5Digits : kSha256Digits;
  auto [first, last] = secrets_.equal_range(user);
  if (first == last) std::tie(first, last) = secrets_.equal_range(sip::without_realm(user, realm));
  for (auto it = first; it != last; ++it) {
    if (!it->second.is_ha1) return sip::digest_ha1(algorithm, user, realm, it->second.text);
    if (it->second.text.size() == digits) return it->second.text;
  }
  return std::nullopt;
}

bool Users::is_able(std::string_view user, sip::DigestAlgorithm algorithm) const {
  const std::size_t digits = algorithm == sip::DigestAlgorithm::md5 ? kMd5Digits : kSha256Digits;
  const auto [first, last] = secrets_.equal_range(user);
  return std::any_of(first, last, [digits](const auto& entry) {
    return !entry.second.is_ha1 || entry.second.text.size() == digits;
  });
}

std::size_t Users::names() const {
  std::size_t count = 0;
  for (auto it = secrets_.begin(); it != secrets_.end(); it = secrets_.upper_bound(it->first))
    ++count;
  return count;
}

std::size_t Users::able(sip::DigestAlgorithm algorithm) const {
  std::size_t count = 0;
  for (auto it = secrets_.begin(); it != secrets_.end(); it = secrets_.upper_bound(it->first))
    count += is_able(it->first, algorithm) ? 1U : 0U;
  return count;
}

std::string Users::unable(sip::DigestAlgorithm algorithm) const {
  for (const auto& [user, secret] : secrets_) {
    if (!is_able(user, algorithm)) return user;
  }
  return {};
}

} // namespace talky::sipd
