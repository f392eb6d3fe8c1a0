#include "capture/srtp.hpp"

#include <doctest/doctest.h>
#include <srtp2/srtp.h>

#include <memory>
#include <set>
#include <string>

#include "rtp/packet.hpp"
#include "rtp/rtcp.hpp"

using namespace talky;
using namespace talky::capture;

namespace {

const Endpoint kFrom = *Endpoint::parse("192.0.2.1:4000");
const Endpoint kTo = *Endpoint::parse("192.0.2.2:5004");
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(Bytes bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::byte byte : bytes) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(byte);
    for (count += 8; count >= 6; count -= 6)
      out += kBase64[bits >> (count - 6) & 63];
  }
  if (count > 0) out += kBase64[bits << (6 - count) & 63];
  while (out.size() % 4 != 0)
    out += '=';
  return out;
}

std::vector<std::byte> key_of(const SrtpSuiteInfo& suite, unsigned seed) {
  std::vector<std::byte> key(suite.key_bytes + suite.salt_bytes);
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<std::byte>(std::size_t{seed} * 37 + i * 11 + 5);
  return key;
}

std::string crypto_line(const SrtpSuiteInfo& suite, Bytes key, std::string_view more = "") {
  return "1 " + std::string(suite.name) + " inline:" + base64(key) + std::string(more);
}

// What a telephone does before it sends: libsrtp's own side of the same suite.
class Sender {
 public:
  Sender(SrtpSuite suite, std::vector<std::byte> key, std::vector<std::byte> mki = {})
      : key_(std::move(key)), mki_(std::move(mki)) {
    static const bool kStarted = srtp_init() == srtp_err_status_ok;
    REQUIRE(kStarted);
    srtp_policy_t policy{};
    switch (suite) {
      case SrtpSuite::aes_cm_128_hmac_sha1_80: set(policy, srtp_crypto_policy_set_rtp_default); break;
      case SrtpSuite::aes_cm_128_hmac_sha1_32:
        set(policy, srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32);
        break;
      case SrtpSuite::aes_192_cm_hmac_sha1_80:
        set(policy, srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80);
        break;
      case SrtpSuite::aes_192_cm_hmac_sha1_32:
        set(policy, srtp_crypto_policy_set_aes_cm_192_hmac_sha1_32);
        break;
      case SrtpSuite::aes_256_cm_hmac_sha1_80:
        set(policy, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80);
        break;
      case SrtpSuite::aes_256_cm_hmac_sha1_32:
        set(policy, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32);
        break;
      case SrtpSuite::aead_aes_128_gcm: set(policy, srtp_crypto_policy_set_aes_gcm_128_16_auth); break;
      case SrtpSuite::aead_aes_256_gcm: set(policy, srtp_crypto_policy_set_aes_gcm_256_16_auth); break;
    }
    if (info(suite).name.ends_with("_32"))
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp), fix_rtcp(suite, policy);
    policy.ssrc.type = ssrc_any_outbound;
    policy.allow_repeat_tx = 1;
    srtp_master_key_t master{uchars(key_), uchars(mki_), static_cast<unsigned>(mki_.size())};
    srtp_master_key_t* masters[] = {&master};
    if (mki_.empty()) {
      policy.key = uchars(key_);
    } else {
      policy.keys = masters;
      policy.num_master_keys = 1;
    }
    supported_ = srtp_create(&session_, &policy) == srtp_err_status_ok;
  }
  ~Sender() {
    if (supported_) srtp_dealloc(session_);
  }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  bool supported() const { return supported_; }

  std::vector<std::byte> rtp(std::uint16_t sequence, std::string_view text, std::uint32_t ssrc = 0x1234) {
    rtp::Header header;
    header.sequence = sequence;
    header.timestamp = sequence * 160U;
    header.ssrc = ssrc;
    std::vector<std::byte> plain;
    rtp::build(header, as_bytes(text), plain);
    return protect(plain, false);
  }
  std::vector<std::byte> rtcp(std::uint32_t ssrc = 0x1234) {
    std::vector<std::byte> plain;
    rtp::Report report;
    report.ssrc = ssrc;
    report.sender.emplace();
    report.sender->packets = 77;
    rtp::append_report(report, plain);
    rtp::append_cname(ssrc, "someone", plain);
    return protect(plain, true);
  }

 private:
  template <class Set>
  static void set(srtp_policy_t& policy, Set&& each) {
    each(&policy.rtp);
    each(&policy.rtcp);
  }
  // The tag of RTCP is always the long one.
  static void fix_rtcp(SrtpSuite suite, srtp_policy_t& policy) {
    if (suite == SrtpSuite::aes_192_cm_hmac_sha1_32)
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80(&policy.rtcp);
    if (suite == SrtpSuite::aes_256_cm_hmac_sha1_32)
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
  }
  static unsigned char* uchars(std::vector<std::byte>& bytes) {
    return static_cast<unsigned char*>(static_cast<void*>(bytes.data()));
  }
  std::vector<std::byte> protect(const std::vector<std::byte>& plain, bool rtcp) {
    std::vector<std::byte> out(plain);
    out.resize(plain.size() + SRTP_MAX_TRAILER_LEN + 4);
    int length = static_cast<int>(plain.size());
    const unsigned mki = mki_.empty() ? 0 : 1;
    const auto status = rtcp ? srtp_protect_rtcp_mki(session_, out.data(), &length, mki, 0)
                             : srtp_protect_mki(session_, out.data(), &length, mki, 0);
    REQUIRE(status == srtp_err_status_ok);
    out.resize(static_cast<std::size_t>(length));
    return out;
  }

  std::vector<std::byte> key_, mki_;
  srtp_t session_ = nullptr;
  bool supported_ = false;
};

file::Segment segment(const std::vector<std::byte>& packet) {
  file::Segment out;
  out.from = kFrom;
  out.to = kTo;
  out.payload = packet;
  out.payload_length = static_cast<std::uint32_t>(packet.size());
  return out;
}

std::string text_of(const file::Segment& of) {
  const auto view = rtp::PacketView::parse(of.payload);
  return view ? std::string(as_text(view->payload())) : "?";
}

const SrtpSuite kAll[] = {SrtpSuite::aes_cm_128_hmac_sha1_80, SrtpSuite::aes_cm_128_hmac_sha1_32,
                          SrtpSuite::aes_192_cm_hmac_sha1_80, SrtpSuite::aes_192_cm_hmac_sha1_32,
                          SrtpSuite::aes_256_cm_hmac_sha1_80, SrtpSuite::aes_256_cm_hmac_sha1_32,
                          SrtpSuite::aead_aes_128_gcm,        SrtpSuite::aead_aes_256_gcm};

} // namespace

TEST_CASE("srtp: every suite, RTP and RTCP, with the key of an a=crypto line") {
  std::size_t tried = 0;
  for (const SrtpSuite suite : kAll) {
    const auto key = key_of(info(suite), 1);
    Sender sender(suite, key);
    if (!sender.supported()) { // a libsrtp2 that was built without this cipher
      MESSAGE("not in this libsrtp2: " << info(suite).name);
      continue;
    }
    ++tried;
    Announcements announcements;
    announcements.add_crypto(kFrom, crypto_line(info(suite), key, "|2^20"));
    SrtpDecryptor decryptor({}, announcements);
    REQUIRE(!decryptor.idle());
    for (std::uint16_t n = 0; n < 20; ++n) {
      const auto packet = sender.rtp(n, "speech " + std::to_string(n));
      auto received = segment(packet);
      REQUIRE(decryptor.open(received).value_or(false));
      CHECK(text_of(received) == "speech " + std::to_string(n));
    }
    const auto packet = sender.rtcp();
    auto received = segment(packet);
    REQUIRE(decryptor.open(received).value_or(false));
    const auto parsed = rtp::parse_rtcp(received.payload);
    REQUIRE(parsed);
    CHECK(std::get<rtp::Report>(parsed->front()).sender->packets == 77);
    const auto flows = decryptor.flows();
    REQUIRE(flows.size() == 2);
    CHECK(flows[0].suite == suite);
    CHECK(flows[0].decrypted == 20);
    CHECK(flows[1].rtcp);
    CHECK(flows[0].failed + flows[1].failed == 0);
  }
  CHECK(tried >= 4);
}

TEST_CASE("srtp: duplicates are decrypted once more, damage is counted and held back") {
  const auto suite = SrtpSuite::aes_cm_128_hmac_sha1_80;
  const auto key = key_of(info(suite), 2);
  Sender sender(suite, key);
  Announcements announcements;
  SrtpKey given;
  given.suite = suite;
  given.key = key;
  SrtpDecryptor decryptor({given}, announcements);
  const auto first = sender.rtp(7, "seven");
  const auto second = sender.rtp(8, "eight");
  for (const auto* packet : {&first, &second, &first}) {
    auto received = segment(*packet);
    CHECK(decryptor.open(received).value_or(false));
    CHECK(text_of(received) == (packet == &second ? "eight" : "seven"));
  }
  auto damaged = sender.rtp(9, "nine");
  damaged[13] ^= std::byte{1};
  auto received = segment(damaged);
  CHECK(!decryptor.open(received).value_or(true));
  CHECK(decryptor.flows().at(0).failed == 1);
  CHECK(decryptor.flows().at(0).decrypted == 3);
}

TEST_CASE("srtp: the right one of many keys is found, also in the middle of a call and after a new offer") {
  const auto suite = SrtpSuite::aes_cm_128_hmac_sha1_32;
  Announcements announcements;
  for (unsigned i = 0; i < 10; ++i)
    announcements.add_crypto(*Endpoint::parse("192.0.2." + std::to_string(50 + i) + ":4000"),
                             crypto_line(info(suite), key_of(info(suite), 20 + i)));
  announcements.add_crypto(kFrom,
                           crypto_line(info(SrtpSuite::aes_cm_128_hmac_sha1_80), key_of(info(suite), 3)));
  announcements.add_crypto(kFrom, crypto_line(info(suite), key_of(info(suite), 3)));
  SrtpDecryptor decryptor({}, announcements);
  Sender sender(suite, key_of(info(suite), 3));
  // The sequence number wraps twice before the capture begins.
  for (std::uint32_t n = 65'000; n < 65'000 + 140'000; n += 20'000)
    (void)sender.rtp(static_cast<std::uint16_t>(n), "unheard");
  for (std::uint16_t n = 9'000; n < 9'010; ++n) {
    const auto packet = sender.rtp(n, "in the middle");
    auto received = segment(packet);
    CHECK(decryptor.open(received).value_or(false));
    CHECK(text_of(received) == "in the middle");
  }
  Sender renewed(suite, key_of(info(suite), 4));
  announcements.add_crypto(kFrom, crypto_line(info(suite), key_of(info(suite), 4)));
  const auto packet = renewed.rtp(9'010, "new key");
  auto received = segment(packet);
  CHECK(decryptor.open(received).value_or(false));
  CHECK(text_of(received) == "new key");
  CHECK(decryptor.flows().size() == 1);
}

TEST_CASE("srtp: a master key identifier, and packets that no key fits stay as they are") {
  const auto suite = SrtpSuite::aes_cm_128_hmac_sha1_80;
  const auto key = key_of(info(suite), 5);
  Sender sender(suite, key, {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{9}});
  Announcements announcements;
  announcements.add_crypto(kFrom, crypto_line(info(suite), key, "|2^31|9:4"));
  SrtpDecryptor decryptor({}, announcements);
  const auto packet = sender.rtp(1, "with an identifier");
  auto received = segment(packet);
  CHECK(decryptor.open(received).value_or(false));
  CHECK(text_of(received) == "with an identifier");
  Sender stranger(suite, key_of(info(suite), 6));
  const auto other = stranger.rtp(1, "not for us", 0x9999);
  received = segment(other);
  CHECK(decryptor.open(received).value_or(false));
  CHECK(received.payload.data() == other.data());
  CHECK(decryptor.flows().size() == 1);
}

TEST_CASE("srtp: lines of keys") {
  const auto& suite = info(SrtpSuite::aes_cm_128_hmac_sha1_80);
  const std::string key = base64(key_of(suite, 1));
  const std::string text = "# ours\n\n0x1234abcd AES_CM_128_HMAC_SHA1_80 inline:" + key +
                           "\n192.0.2.1:4000 aes_cm_128_hmac_sha1_32 inline:" + key +
                           "|2^20|1:4\r\na=crypto:1 " + std::string(suite.name) + " inline:" + key +
                           ";inline:" + key + "|5:1\n" + std::string(suite.name) +
                           " hex:" + std::string(60, 'a');
  const auto keys = parse_srtp_keys(text);
  REQUIRE(keys);
  REQUIRE(keys->size() == 5);
  CHECK(keys->at(0).ssrc == 0x1234abcd);
  CHECK(keys->at(0).key == key_of(suite, 1));
  CHECK(keys->at(1).sender == kFrom);
  CHECK(keys->at(1).suite == SrtpSuite::aes_cm_128_hmac_sha1_32);
  CHECK(keys->at(1).mki.size() == 4);
  CHECK(keys->at(3).mki == std::vector<std::byte>{std::byte{5}});
  CHECK(keys->at(4).key == std::vector<std::byte>(30, std::byte{0xaa}));

  const auto refused = [](const std::string& line) {
    const auto parsed = parse_srtp_keys(line);
    REQUIRE(!parsed);
    return parsed.error();
  };
  CHECK(refused("AES_CM_128_HMAC_SHA1_80 inline:AAAA").offset == 31);
  CHECK(refused("AES_CM_128_HMAC_SHA1_80 " + key).offset == 24);
  CHECK(refused("F8_128_HMAC_SHA1_80 inline:" + key).code == Errc::unsupported);
  CHECK(refused("AES_CM_128_HMAC_SHA1_80").code == Errc::malformed);
  CHECK(refused("nobody AES_CM_128_HMAC_SHA1_80 inline:" + key).offset == 0);
  CHECK(refused("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + " UNENCRYPTED_SRTP").code ==
        Errc::unsupported);
  CHECK(refused("AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:400").code == Errc::malformed);
  CHECK(!parse_crypto(""));
  CHECK(!parse_crypto("x AES_CM_128_HMAC_SHA1_80 inline:" + key));
}
