#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"
#include "sip/builder.hpp"
#include "sip/digest.hpp"
#include "sip/uri.hpp"

namespace talky::sip {

namespace {

// A nonce: 16 hex digits of time in microseconds, 4 of a counter, 32 of an HMAC over these and the realm.
constexpr std::size_t kTimeDigits = 16;
constexpr std::size_t kCounterDigits = 4;
constexpr std::size_t kMacDigits = 32;
constexpr std::size_t kNonceDigits = kTimeDigits + kCounterDigits + kMacDigits;

std::string fixed_hex(std::uint64_t value, std::size_t digits) {
  std::string out(digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 4)
    out[i] = "0123456789abcdef"[value & 0xf];
  return out;
}

std::string mac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  std::size_t size = 0;
  const void* const key_bytes = key.data();
  const void* const text_bytes = text.data();
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key_bytes, key.size(),
                static_cast<const unsigned char*>(text_bytes), text.size(), out.data(), out.size(),
                &size) == nullptr) {
    return {};
  }
  std::string raw(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    raw[i] = static_cast<char>(out[i]);
  return to_hex(raw).substr(0, kMacDigits);
}

bool same_secret(std::string_view a, std::string_view b) { // in constant time
  return a.size() == b.size() && !a.empty() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// RFC 3261 22.4: the digest-uri is to be the Request-URI, so that credentials for one place open no other.
// Phones leave out parameters and the default port.
bool same_target(std::string_view digest_uri, std::string_view request_uri) {
  if (digest_uri == request_uri) return true;
  const auto a = Uri::parse(digest_uri);
  const auto b = Uri::parse(request_uri);
  if (!a || !b || !a->is_sip() || !b->is_sip()) return false;
  return unescape(a->user) == unescape(b->user) && ascii::iequals(a->host, b->host) &&
         a->port_or_default() == b->port_or_default();
}

constexpr std::size_t kMaxNcDigits = 8;

} // namespace

std::string_view without_realm(std::string_view user, std::string_view realm) {
  if (user.size() <= realm.size() + 1) return user;
  const std::size_t at = user.size() - realm.size() - 1;
  return user[at] == '@' && ascii::iequals(user.substr(at + 1), realm) ? user.substr(0, at) : user;
}

DigestServer::DigestServer(Config config) : config_(std::move(config)) {}

std::string DigestServer::make_nonce(Time now) const {
  std::string head = fixed_hex(static_cast<std::uint64_t>(to_us(now)), kTimeDigits) +
                     fixed_hex(counter_++ & 0xffff, kCounterDigits);
  return head + mac(config_.key, head + config_.realm);
}

std::optional<Time> DigestServer::nonce_time(std::string_view nonce) const {
  if (nonce.size() != kNonceDigits) return std::nullopt;
  const std::string head(nonce.substr(0, kTimeDigits + kCounterDigits));
  if (!same_secret(mac(config_.key, head + config_.realm), nonce.substr(head.size()))) return std::nullopt;
  const auto us = ascii::to_number<std::uint64_t>(nonce.substr(0, kTimeDigits), 16);
  return us ? std::optional(Time(Duration(static_cast<std::int64_t>(*us)))) : std::nullopt;
}

// Each count of a nonce serves once, in any order within 64 (RFC 7616 3.3, 5.5): requests may overtake each
// other.
bool DigestServer::use(std::string_view nonce, std::uint32_t nc, Time made, Time now) {
  while (!used_.empty() &&
         (used_.size() > config_.max_nonces || now - used_.begin()->second.made > config_.nonce_lifetime)) {
    // What has been forgotten must not be accepted again.
    forgotten_ = std::max(forgotten_, used_.begin()->second.made);
    used_.erase(used_.begin());
  }
  auto entry = used_.find(nonce);
  if (entry == used_.end()) {
    if (made <= forgotten_) return false;
    entry = used_.emplace(std::string(nonce), Use{}).first;
    entry->second.made = made;
  }
  Use& use = entry->second;
  if (nc > use.highest) {
    const std::uint32_t step = nc - use.highest;
    use.window = step < 64 ? use.window << step : 0;
    use.window |= 1;
    use.highest = nc;
    return true;
  }
  const std::uint32_t age = use.highest - nc;
  if (age >= 64 || ((use.window >> age) & 1) != 0) return false;
  use.window |= std::uint64_t{1} << age;
  return true;
}

DigestServer::Verdict DigestServer::verify(const MessageView& request, const Ha1Lookup& lookup, Time now,
                                           HeaderId field) {
  for (const Header& header : request.headers()) {
    if (header.id != field) continue;
    const auto credentials = AuthParams::parse(header.value);
    if (!credentials) return {Outcome::malformed, {}};
    if (!ascii::iequals(credentials->scheme, "Digest")) continue; // an unknown scheme counts as none
    if (credentials->get("realm") != config_.realm) continue;
    return verify(request, *credentials, lookup, now);
  }
  return {Outcome::missing, {}};
}

DigestServer::Verdict DigestServer::verify(const MessageView& request, const AuthParams& credentials,
                                           const Ha1Lookup& lookup, Time now) {
  const std::string username = credentials.get("username");
  const std::string user(without_realm(username, config_.realm));
  const std::string nonce = credentials.get("nonce");
  const std::string uri = credentials.get("uri");
  const std::string response = ascii::lower(credentials.get("response"));
  const std::string qop = credentials.get("qop");
  const std::string nc = credentials.get("nc");
  const std::string cnonce = credentials.get("cnonce");
  if (user.empty() || nonce.empty() || uri.empty() || response.empty()) return {Outcome::malformed, user};
  const auto count = ascii::to_number<std::uint32_t>(nc, 16);
  if (!qop.empty() &&
      (!ascii::iequals(qop, "auth") || nc.size() > kMaxNcDigits || !count || cnonce.empty())) {
    return {Outcome::malformed, user};
  }
  if (!same_target(uri, request.request_uri())) return {Outcome::malformed, user};
  const auto algorithm = to_digest_algorithm(credentials.get("algorithm"));
  if (!algorithm || std::find(config_.algorithms.begin(), config_.algorithms.end(), *algorithm) ==
                        config_.algorithms.end()) {
    return {Outcome::missing, user};
  }

  const auto ha1 = lookup(username, config_.realm, *algorithm);
  const std::string expected = digest_response(
      {*algorithm, ha1.value_or(std::string(32, '0')), nonce, nc, cnonce, qop, request.method_text(), uri});
  if (!same_secret(expected, response) || !ha1) return {Outcome::rejected, user};

  const auto made = nonce_time(nonce);
  if (!made || *made > now || now - *made > config_.nonce_lifetime) return {Outcome::stale, user};
  // Without a count the nonce serves once.
  if (!use(nonce, qop.empty() ? 1 : *count, *made, now)) return {Outcome::stale, user};
  return {Outcome::accepted, user};
}

std::vector<std::string> DigestServer::challenges(Time now, bool stale) const {
  std::vector<std::string> out;
  for (const DigestAlgorithm algorithm : config_.algorithms) {
    std::string value = "Digest realm=" + quote(config_.realm) + ", nonce=\"" + make_nonce(now) +
                        "\", algorithm=" + std::string(to_string(algorithm)) + ", qop=\"auth\"";
    if (stale) value.append(", stale=true");
    out.push_back(std::move(value));
  }
  return out;
}

Message DigestServer::challenge(const Incoming& request, Time now, bool stale, std::string_view to_tag,
                                int status) const {
  Builder reply = Builder::reply(request, status, {.to_tag = to_tag});
  for (const std::string& value : challenges(now, stale)) {
    reply.header(status == 407 ? HeaderId::proxy_authenticate : HeaderId::www_authenticate, value);
  }
  return reply.build();
}

} // namespace talky::sip
