#include "sip/digest.hpp"

#include <openssl/evp.h>

#include <array>

#include "core/ascii.hpp"

namespace talky::sip {

namespace {

const EVP_MD* evp(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::md5 ? EVP_md5() : EVP_sha256();
}

} // namespace

std::string_view to_string(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::md5 ? "MD5" : "SHA-256";
}

std::optional<DigestAlgorithm> to_digest_algorithm(std::string_view name) {
  if (name.empty() || ascii::iequals(name, "MD5")) return DigestAlgorithm::md5;
  if (ascii::iequals(name, "SHA-256")) return DigestAlgorithm::sha256;
  return std::nullopt;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte / 16]);
    out.push_back(kDigits[byte % 16]);
  }
  return out;
}

std::string digest_hash(DigestAlgorithm algorithm, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  // Fails only where the library was built without the algorithm; then nothing matches.
  if (EVP_Digest(text.data(), text.size(), hash.data(), &size, evp(algorithm), nullptr) != 1) return {};
  std::string raw(size, '\0');
  for (unsigned int i = 0; i < size; ++i)
    raw[i] = static_cast<char>(hash[i]);
  return to_hex(raw);
}

std::string digest_ha1(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                       std::string_view password) {
  std::string text(user);
  text.append(":").append(realm).append(":").append(password);
  return digest_hash(algorithm, text);
}

std::string digest_response(const DigestInput& input) {
  std::string a2(input.method);
  a2.append(":").append(input.uri);
  std::string text(input.ha1);
  text.append(":").append(input.nonce).append(":");
  if (!input.qop.empty()) {
    text.append(input.nc).append(":").append(input.cnonce).append(":").append(input.qop).append(":");
  }
  text.append(digest_hash(input.algorithm, a2));
  return digest_hash(input.algorithm, text);
}

// --- the client
// -------------------------------------------------------------------------------------------------------

namespace {

bool offers_auth(std::string_view qop) {
  for (const std::string_view value : Values(qop)) {
    if (ascii::iequals(value, "auth")) return true;
  }
  return false;
}

} // namespace

Result<> DigestClient::receive(const MessageView& response, bool answered) {
  const HeaderId offered =
      response.status() == 407 ? HeaderId::proxy_authenticate : HeaderId::www_authenticate;
  std::optional<AuthParams> best;
  DigestAlgorithm best_algorithm = DigestAlgorithm::md5;
  for (const Header& header : response.headers()) {
    if (header.id != offered) continue;
    const auto challenge = AuthParams::parse(header.value);
    if (!challenge || !ascii::iequals(challenge->scheme, "Digest")) continue;
    const auto algorithm = to_digest_algorithm(challenge->get("algorithm"));
    const std::string qop = challenge->get("qop");
    if (!algorithm || challenge->get("nonce").empty() || (!qop.empty() && !offers_auth(qop))) continue;
    if (best && best_algorithm >= *algorithm) continue;
    best = *challenge;
    best_algorithm = *algorithm;
  }
  if (!best) return fail(Errc::unsupported, 0, "a Digest challenge with MD5 or SHA-256");

  // A refusal of a nonce that had served before may be its end; that of a fresh one is that of the password.
  const bool stale = ascii::iequals(best->get("stale"), "true");
  if (answered && !stale && nc_ <= 1) return fail(Errc::closed, 0, "credentials that are accepted");

  field_ = response.status() == 407 ? HeaderId::proxy_authorization : HeaderId::authorization;
  algorithm_ = best_algorithm;
  named_algorithm_ = best->params.has("algorithm");
  realm_ = best->get("realm");
  nonce_ = best->get("nonce");
  opaque_ = best->get("opaque");
  qop_ = best->params.has("qop");
  nc_ = 0;
  ha1_ = digest_ha1(algorithm_, user_, realm_, password_);
  return {};
}

std::string DigestClient::authorization(std::string_view method, std::string_view uri,
                                        std::string_view cnonce) {
  ++nc_;
  std::string nc;
  for (int shift = 28; shift >= 0; shift -= 4)
    nc.push_back("0123456789abcdef"[(nc_ >> shift) & 0xf]);
  const DigestInput input{algorithm_, ha1_, nonce_, nc, cnonce, qop_ ? "auth" : "", method, uri};

  std::string out = "Digest username=" + quote(user_) + ", realm=" + quote(realm_) +
                    ", nonce=" + quote(nonce_) + ", uri=" + quote(uri) + ", response=\"" +
                    digest_response(input) + "\"";
  if (named_algorithm_) out.append(", algorithm=").append(to_string(algorithm_));
  if (qop_) out.append(", qop=auth, nc=").append(nc).append(", cnonce=").append(quote(cnonce));
  if (!opaque_.empty()) out.append(", opaque=").append(quote(opaque_));
  return out;
}

} // namespace talky::sip
