// Digest authentication (RFC 7616, RFC 3261 22, RFC 8760): the server's side without a table of nonces, and
// the client's. MD5 and SHA-256, qop "auth"; "auth-int", sessions (-sess) and userhash are not offered.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "sip/message.hpp"

namespace talky::sip {

enum class DigestAlgorithm : std::uint8_t { md5, sha256 };
std::string_view to_string(DigestAlgorithm algorithm);                     // "MD5", "SHA-256"
std::optional<DigestAlgorithm> to_digest_algorithm(std::string_view name); // any case; "" is MD5

// Lower-case hex of bytes.
std::string to_hex(std::string_view bytes);
// Lower-case hex of the hash.
std::string digest_hash(DigestAlgorithm algorithm, std::string_view text);
// H(user:realm:password).
std::string digest_ha1(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                       std::string_view password);
// The response of RFC 7616 3.4.1; an empty qop gives that of RFC 2069.
struct DigestInput {
  DigestAlgorithm algorithm = DigestAlgorithm::md5;
  std::string_view ha1, nonce, nc, cnonce, qop, method, uri;
};
std::string digest_response(const DigestInput& input);

// Some phones give their user name as "alice@realm": alice.
std::string_view without_realm(std::string_view user, std::string_view realm);

class DigestServer {
 public:
  struct Config {
    std::string realm = {};
    std::string key = {}; // secret, 16 bytes at least, from the system's entropy
    // In the order of the challenges. MD5 comes first by default, because many phones (and SIPp) look at the
    // first only; RFC 8760 wishes the strongest first.
    std::vector<DigestAlgorithm> algorithms = {DigestAlgorithm::md5, DigestAlgorithm::sha256};
    Duration nonce_lifetime = std::chrono::minutes(5);
    std::size_t max_nonces = 10'000; // whose nc is remembered; beyond it the oldest become stale
  };
  // Lower-case hex HA1 for a user, or nullopt: no such user, or not known in this algorithm. The user is
  // named as in the credentials: old phones write "alice@realm", and hash that.
  using Ha1Lookup = std::function<std::optional<std::string>(std::string_view user, std::string_view realm,
                                                             DigestAlgorithm algorithm)>;
  enum class Outcome : std::uint8_t {
    accepted,
    missing,   // no credentials for our realm: challenge
    malformed, // 400; also where the URI of the credentials is not that of the request (RFC 3261 22.4)
    rejected,  // wrong user or password: challenge again, or 403
    stale      // right password, old or used nonce: challenge with stale=true
  };
  struct Verdict {
    Outcome outcome;
    std::string user; // as claimed, without "@realm"; proven only if accepted
  };

  explicit DigestServer(Config config);

  // Authorization (or Proxy-Authorization) of a request. Credentials without qop (RFC 2069) are taken, once
  // for each nonce.
  Verdict verify(const MessageView& request, const Ha1Lookup& lookup, Time now,
                 HeaderId field = HeaderId::authorization);
  // One value of WWW-Authenticate (or Proxy-Authenticate) for each algorithm.
  std::vector<std::string> challenges(Time now, bool stale) const;
  // The 401 (or 407) with its challenges.
  Message challenge(const Incoming& request, Time now, bool stale, std::string_view to_tag,
                    int status = 401) const;

  // What the challenges name from now on, and what is taken.
  void offer(std::vector<DigestAlgorithm> algorithms) { config_.algorithms = std::move(algorithms); }
  const std::string& realm() const { return config_.realm; }

 private:
  struct Use {
    std::uint32_t highest = 0;
    std::uint64_t window = 0; // bit i: highest - i was used
    Time made{};
  };
  Verdict verify(const MessageView& request, const AuthParams& credentials, const Ha1Lookup& lookup,
                 Time now);
  std::string make_nonce(Time now) const;
  std::optional<Time> nonce_time(std::string_view nonce) const; // nullopt: not ours
  bool use(std::string_view nonce, std::uint32_t nc, Time made, Time now);

  Config config_;
  std::map<std::string, Use, std::less<>> used_; // nonces begin with their time, so this is their order
  Time forgotten_ = Time::min();                 // nonces made until then are stale
  mutable std::uint64_t counter_ = 0;            // makes nonces of one microsecond differ
};

// Answers challenges of one server as one user.
class DigestClient {
 public:
  DigestClient(std::string user, std::string password)
      : user_(std::move(user)), password_(std::move(password)) {}

  // Takes the challenges of a 401 or 407 and keeps the best one (SHA-256 before MD5). `answered`: the request
  // that it answers carried authorization(). `unsupported`: no challenge can be answered. `closed`: these
  // credentials are refused, so that asking again would be a loop.
  Result<> receive(const MessageView& response, bool answered);
  // True once a challenge is known.
  bool ready() const { return !nonce_.empty(); }
  HeaderId field() const { return field_; } // authorization or proxy_authorization
  // The value for the next request. `cnonce`: 16 or so random characters.
  std::string authorization(std::string_view method, std::string_view uri, std::string_view cnonce);

 private:
  std::string user_, password_;
  HeaderId field_ = HeaderId::authorization;
  DigestAlgorithm algorithm_ = DigestAlgorithm::md5;
  std::string realm_, nonce_, opaque_, ha1_;
  bool qop_ = false, named_algorithm_ = false;
  std::uint32_t nc_ = 0;
};

} // namespace talky::sip
