#include "capture/srtp.hpp"

#include <fmt/format.h>
#include <srtp2/srtp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <unordered_map>

#include "dynamic/library.hpp"
#include "rtp/packet.hpp"

namespace talky::capture {

namespace {

constexpr std::size_t kMaxFlows = 4'096;
constexpr std::size_t kMaxKeys = 2'000;
constexpr unsigned kRollovers = 32;
constexpr unsigned kThoroughTries = 3; // packets of a flow on which everything is tried
constexpr unsigned kEagerTries = 32;   // on which the likely is tried; then one in 64
constexpr unsigned long kWindow = 1'024;

#define TALKY_SRTP(symbol)                                                                         \
  symbol(init, srtp_init) symbol(create, srtp_create) symbol(dealloc, srtp_dealloc)                \
      symbol(unprotect, srtp_unprotect_mki) symbol(unprotect_rtcp, srtp_unprotect_rtcp_mki)        \
          symbol(set_roc, srtp_set_stream_roc) symbol(get_roc, srtp_get_stream_roc)                \
              symbol(cm128_80, srtp_crypto_policy_set_rtp_default)                                 \
                  symbol(cm128_32, srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32)                 \
                      symbol(cm192_80, srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80)             \
                          symbol(cm192_32, srtp_crypto_policy_set_aes_cm_192_hmac_sha1_32)         \
                              symbol(cm256_80, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80)     \
                                  symbol(cm256_32, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32) \
                                      symbol(gcm128, srtp_crypto_policy_set_aes_gcm_128_16_auth)   \
                                          symbol(gcm256, srtp_crypto_policy_set_aes_gcm_256_16_auth)
struct Library {
  using SetPolicy = void(srtp_crypto_policy_t*);

  TALKY_DYNAMIC_TABLE(TALKY_SRTP)

  static Result<Library> load() {
    auto f = dynamic::load<Library>({"libsrtp2.so.1"}, "SRTP needs libsrtp2: install libsrtp2-1",
                                    "SRTP needs libsrtp2 2.2 or later");
    if (!f) return fail(Errc::not_found, 0, f.error().what);
    // It refuses to be started twice, which somebody else in this process may have done: a session tells.
    (void)f->init();
    if (!f->works()) return fail(Errc::not_found, 0, "SRTP: libsrtp2 does not start");
    return f;
  }

  bool works() const {
    std::array<unsigned char, 30> key{};
    srtp_policy_t policy{};
    set(SrtpSuite::aes_cm_128_hmac_sha1_80, policy);
    policy.ssrc = {ssrc_specific, 1};
    policy.key = key.data();
    srtp_t session = nullptr;
    return create(&session, &policy) == srtp_err_status_ok && dealloc(session) == srtp_err_status_ok;
  }

  // RTCP always has the long tag (RFC 4568 6.2).
  void set(SrtpSuite suite, srtp_policy_t& policy) const {
    const auto both = [&](SetPolicy* rtp, SetPolicy* rtcp) {
      rtp(&policy.rtp);
      rtcp(&policy.rtcp);
    };
    switch (suite) {
      case SrtpSuite::aes_cm_128_hmac_sha1_80: return both(cm128_80, cm128_80);
      case SrtpSuite::aes_cm_128_hmac_sha1_32: return both(cm128_32, cm128_80);
      case SrtpSuite::aes_192_cm_hmac_sha1_80: return both(cm192_80, cm192_80);
      case SrtpSuite::aes_192_cm_hmac_sha1_32: return both(cm192_32, cm192_80);
      case SrtpSuite::aes_256_cm_hmac_sha1_80: return both(cm256_80, cm256_80);
      case SrtpSuite::aes_256_cm_hmac_sha1_32: return both(cm256_32, cm256_80);
      case SrtpSuite::aead_aes_128_gcm: return both(gcm128, gcm128);
      case SrtpSuite::aead_aes_256_gcm: return both(gcm256, gcm256);
    }
  }
};

// One flow's cryptographic context.
class Session {
 public:
  Session(const Library& library, const SrtpKey& key, std::uint32_t ssrc)
      : library_(&library), ssrc_(ssrc), bytes_(key.key), mki_(key.mki) {
    srtp_policy_t policy{};
    library.set(key.suite, policy);
    policy.ssrc = {ssrc_specific, ssrc};
    policy.window_size = kWindow;
    // libsrtp copies the keys; what it does not change it still takes as not const.
    srtp_master_key_t master{as_uchar(bytes_), as_uchar(mki_), static_cast<unsigned>(mki_.size())};
    std::array<srtp_master_key_t*, 1> masters{&master};
    if (mki_.empty()) {
      policy.key = as_uchar(bytes_);
    } else {
      policy.keys = masters.data();
      policy.num_master_keys = 1;
    }
    if (library.create(&handle_, &policy) != srtp_err_status_ok) handle_ = nullptr;
  }
  ~Session() {
    if (handle_ != nullptr) library_->dealloc(handle_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool valid() const { return handle_ != nullptr; }
  bool set_rollover(std::uint32_t value) {
    return library_->set_roc(handle_, ssrc_, value) == srtp_err_status_ok;
  }
  std::uint32_t rollover() const {
    std::uint32_t value = 0;
    return library_->get_roc(handle_, ssrc_, &value) == srtp_err_status_ok ? value : 0;
  }

  // Decrypts in place; `length` becomes that of the plaintext.
  srtp_err_status_t unprotect(bool rtcp, std::byte* packet, int& length) {
    const unsigned use_mki = mki_.empty() ? 0 : 1;
    return rtcp ? library_->unprotect_rtcp(handle_, packet, &length, use_mki)
                : library_->unprotect(handle_, packet, &length, use_mki);
  }

 private:
  static unsigned char* as_uchar(std::vector<std::byte>& bytes) {
    return static_cast<unsigned char*>(static_cast<void*>(bytes.data()));
  }

  const Library* library_;
  std::uint32_t ssrc_;
  std::vector<std::byte> bytes_, mki_;
  srtp_t handle_ = nullptr;
};

struct FlowId {
  Endpoint from, to;
  std::uint32_t ssrc = 0;
  bool rtcp = false;
  bool operator==(const FlowId&) const = default;
};
struct FlowHash {
  std::size_t operator()(const FlowId& id) const noexcept {
    return (std::hash<Endpoint>{}(id.from) * 31 + std::hash<Endpoint>{}(id.to)) * 31 +
           std::size_t{id.ssrc} * 2 + (id.rtcp ? 1 : 0);
  }
};
struct Flow {
  SrtpFlow shown;
  std::unique_ptr<Session> session; // once a key has fitted
  std::size_t key = 0;              // of it
  std::uint64_t tries = 0;
  std::size_t known_keys = 0; // when the key was looked for last
};

} // namespace

struct SrtpDecryptor::Impl {
  // The library has one state for the process, so there is one table of it too.
  static const Result<Library>& lib() {
    static const Result<Library> kLibrary = Library::load();
    return kLibrary;
  }

  void learn() {
    const auto& lines = announcements->crypto();
    for (; learned < lines.size(); ++learned) {
      const auto parsed = parse_crypto(lines[learned].value);
      if (!parsed) continue; // a suite that we do not have; the flow stays as it is
      for (SrtpKey key : *parsed) {
        key.sender = lines[learned].author;
        if (keys.size() < kMaxKeys && std::find(keys.begin(), keys.end(), key) == keys.end())
          keys.push_back(std::move(key));
      }
    }
  }

  // A fresh copy of the packet, as libsrtp works in place and needs words.
  int fill(Bytes packet) {
    buffer.resize((packet.size() + SRTP_MAX_TRAILER_LEN + 7) / 4);
    std::memcpy(buffer.data(), packet.data(), packet.size());
    return static_cast<int>(packet.size());
  }
  std::byte* data() { return static_cast<std::byte*>(static_cast<void*>(buffer.data())); }

  bool try_key(Flow& flow, std::size_t which, Bytes packet, unsigned rollovers, int& length) {
    for (unsigned rollover = 0; rollover < rollovers; ++rollover) {
      auto session = std::make_unique<Session>(*lib(), keys[which], flow.shown.ssrc);
      if (!session->valid()) return false;
      if (rollover > 0 && !session->set_rollover(rollover)) return false;
      length = fill(packet);
      if (session->unprotect(flow.shown.rtcp, data(), length) == srtp_err_status_ok) {
        flow.session = std::move(session);
        flow.key = which;
        flow.shown.suite = keys[which].suite;
        return true;
      }
      if (flow.shown.rtcp) return false; // its index is in the packet
    }
    return false;
  }

  bool find_key(Flow& flow, Bytes packet, int& length) {
    const std::uint64_t nth = flow.tries++;
    flow.known_keys = keys.size();
    if (nth >= kEagerTries && nth % 64 != 0) return false;
    const unsigned rollovers = nth < kThoroughTries ? kRollovers : 2;
    // The sender's own keys first; others only for flows whose sender has none, or is not known as itself.
    for (const bool own : {true, false}) {
      for (std::size_t i = keys.size(); i-- > 0;) { // newer calls take over older ones' ports
        const SrtpKey& key = keys[i];
        if (key.ssrc && *key.ssrc != flow.shown.ssrc) continue;
        const bool its = key.ssrc.has_value() || !key.sender || key.sender->ip == flow.shown.from.ip;
        if (its == own && try_key(flow, i, packet, rollovers, length)) return true;
      }
    }
    return false;
  }

  // The same packet once more, which libsrtp refuses to decrypt twice: with a session of its own.
  bool open_again(const Flow& flow, Bytes packet, int& length) {
    const std::uint32_t rollover = flow.shown.rtcp ? 0 : flow.session->rollover();
    for (const std::uint32_t value : {rollover, rollover - 1}) {
      Session session(*lib(), keys[flow.key], flow.shown.ssrc);
      if (!session.valid()) return false;
      if (!flow.shown.rtcp && value != 0 && !session.set_rollover(value)) return false;
      length = fill(packet);
      if (session.unprotect(flow.shown.rtcp, data(), length) == srtp_err_status_ok) return true;
      if (rollover == 0) return false;
    }
    return false;
  }

  const Announcements* announcements = nullptr;
  std::vector<SrtpKey> keys;
  std::size_t learned = 0; // of the announcements' lines
  std::unordered_map<FlowId, Flow*, FlowHash> by_id;
  std::deque<Flow> flows;
  std::vector<std::uint32_t> buffer;
};

SrtpDecryptor::SrtpDecryptor(std::vector<SrtpKey> given, const Announcements& announcements)
    : announcements_(announcements), given_(!given.empty()), impl_(std::make_unique<Impl>()) {
  impl_->keys = std::move(given);
  impl_->announcements = &announcements;
}

SrtpDecryptor::~SrtpDecryptor() = default;

Result<bool> SrtpDecryptor::open(file::Segment& segment) {
  Impl& i = *impl_;
  if (i.learned != i.announcements->crypto().size()) i.learn();
  if (i.keys.empty() || segment.transport != file::Transport::udp) return true;
  if (segment.payload.size() < rtp::kHeaderSize || segment.payload.size() < segment.payload_length)
    return true;
  const rtp::Traffic traffic = rtp::classify(segment.payload);
  if (traffic != rtp::Traffic::rtp && traffic != rtp::Traffic::rtcp) return true;
  const bool rtcp = traffic == rtp::Traffic::rtcp;
  // Some telephones say goodbye in the clear. With a trailer behind it a packet is not well-formed RTCP.
  if (rtcp && is_rtcp(segment.payload)) return true;
  if (const auto& library = Impl::lib(); !library) return tl::unexpected(library.error());
  Reader reader(segment.payload.subspan(rtcp ? 4 : 8));
  const FlowId id{segment.from, segment.to, reader.u32().value_or(0), rtcp};
  const auto known = i.by_id.find(id);
  if (known == i.by_id.end() && i.flows.size() >= kMaxFlows) return true;
  Flow* flow = known == i.by_id.end() ? nullptr : known->second;
  if (flow == nullptr) {
    flow = &i.flows.emplace_back();
    flow->shown.from = id.from;
    flow->shown.to = id.to;
    flow->shown.ssrc = id.ssrc;
    flow->shown.rtcp = rtcp;
    i.by_id.emplace(id, flow);
  }
  int length = 0;
  if (!flow->session) {
    if (!i.find_key(*flow, segment.payload, length)) return true;
  } else {
    length = i.fill(segment.payload);
    const srtp_err_status_t status = flow->session->unprotect(rtcp, i.data(), length);
    const bool again = status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old;
    bool opened = status == srtp_err_status_ok || (again && i.open_again(*flow, segment.payload, length));
    // A re-INVITE brings a new key for the same stream.
    if (!opened && flow->known_keys < i.keys.size()) {
      flow->tries = 0;
      opened = i.find_key(*flow, segment.payload, length);
    }
    if (!opened) {
      ++flow->shown.failed;
      return false;
    }
  }
  ++flow->shown.decrypted;
  segment.payload = Bytes(i.data(), static_cast<std::size_t>(length));
  segment.payload_length = static_cast<std::uint32_t>(length);
  return true;
}

std::vector<SrtpFlow> SrtpDecryptor::flows() const {
  std::vector<SrtpFlow> out;
  for (const Flow& flow : impl_->flows) {
    if (flow.session) out.push_back(flow.shown);
  }
  return out;
}

std::vector<SrtpKey> SrtpDecryptor::keys() const {
  return impl_->keys;
}

} // namespace talky::capture
