// Keys of SRTP as SDES writes them in SDP (RFC 4568, RFC 6188, RFC 7714), and files of them. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"

namespace talky::capture {

enum class SrtpSuite : std::uint8_t {
  aes_cm_128_hmac_sha1_80,
  aes_cm_128_hmac_sha1_32,
  aes_192_cm_hmac_sha1_80,
  aes_192_cm_hmac_sha1_32,
  aes_256_cm_hmac_sha1_80,
  aes_256_cm_hmac_sha1_32,
  aead_aes_128_gcm,
  aead_aes_256_gcm,
};

struct SrtpSuiteInfo {
  SrtpSuite suite;
  std::string_view name;
  std::size_t key_bytes;  // of the master key
  std::size_t salt_bytes; // of the master salt, behind the key
};
const SrtpSuiteInfo& info(SrtpSuite suite);
// By its name in any case; AES_256_CM_ and AES_CM_256_ (as some telephones write it) are the same.
const SrtpSuiteInfo* find_srtp_suite(std::string_view name);

// A master key, and for whose packets it is: nothing said means that it is tried on all.
struct SrtpKey {
  SrtpSuite suite = SrtpSuite::aes_cm_128_hmac_sha1_80;
  std::vector<std::byte> key; // key and salt
  std::vector<std::byte> mki; // master key identifier, which then stands in each packet
  std::optional<Endpoint> sender;
  std::optional<std::uint32_t> ssrc;

  bool operator==(const SrtpKey&) const = default;
};

// The value of an a=crypto line: "1 AES_CM_128_HMAC_SHA1_80 inline:BASE64|2^20|1:4". Several keys, separated
// by ";", are told apart by their MKI. Errors: malformed, with the offset; unsupported (suite, unencrypted or
// unauthenticated sessions).
Result<std::vector<SrtpKey>> parse_crypto(std::string_view value);

// A line a key: [SSRC|ADDRESS:PORT] SUITE inline:BASE64, or a line of SDP as it is: a=crypto:1 SUITE
// inline:... The key may also be hexadecimal, hex:.... Empty lines and what follows a # at the beginning of a
// line are passed over. Errors as of parse_crypto, with the offset in the text. At most 1,000 keys.
Result<std::vector<SrtpKey>> parse_srtp_keys(std::string_view text);

} // namespace talky::capture
