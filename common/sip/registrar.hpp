// Bindings of addresses-of-record to contacts (RFC 3261 10.3). Answers REGISTER; tells what changed; expires.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "sip/builder.hpp"
#include "sip/flow.hpp"
#include "sip/message.hpp"
#include "sip/uri.hpp"

namespace talky::sip {

struct Binding {
  std::string contact; // the URI
  std::string params;  // of the field, without expires: ";q=0.5;+sip.instance=..."
  std::string call_id; // of the REGISTER that made it
  std::uint32_t cseq = 0;
  std::uint16_t q = 1000; // thousandths
  Time expires{};
  Flow flow; // where the REGISTER came from: calls go there, not to the contact's address
  std::string user_agent;
  bool learnt = false; // by learn(): its changes are told elsewhere
};

struct RegistrarChange {
  enum class Kind : std::uint8_t { added, refreshed, removed, expired, moved }; // moved: another flow
  Kind kind;
  std::string aor;
  Binding binding;
};

class Registrar {
 public:
  struct Config {
    std::chrono::seconds default_expires{3600};
    std::chrono::seconds min_expires{60}; // shorter (but not 0) is 423
    std::chrono::seconds max_expires{7200};
    std::size_t max_aors = 10'000;
    std::size_t max_bindings = 10; // of one address-of-record; beyond either cap 503
    // From one IP address, of whom nobody has proved who they are: 503 beyond it.
    std::size_t max_bindings_per_source = 1'000;
    // What a registration may hold of ours, in bytes: 400 beyond it.
    std::size_t max_aor = 256;
    std::size_t max_contact = 1'024; // with its parameters
    std::size_t max_call_id = 256;
    std::size_t max_user_agent = 128; // the rest is cut off
  };

  explicit Registrar(const Config& config) : config_(config) {}

  // The key under which the bindings of To are kept: canonical_aor(). Every domain is ours, so a user who is
  // known under another one keeps that.
  std::string aor_of(const Uri& to) const;
  // Answers a REGISTER that has passed validate() and, where needed, the digest (`proved`). All or nothing:
  // 200 with the bindings in force, 400, 423, 500 (CSeq out of order), 503.
  Message receive(const Incoming& request, std::string_view aor, bool proved, std::string_view to_tag,
                  Time now);

  // The bindings in force, best q first, then the latest; empty if there are none.
  std::vector<Binding> lookup(std::string_view aor) const;
  // Of everybody with this user part, whatever the domain.
  std::vector<Binding> lookup_user(std::string_view user) const;
  // A binding that another registrar of the same server has taken, or (gone) let go. Beyond max_aors it
  // counts, too, so that the cap holds for the server as a whole.
  void learn(std::string_view aor, Binding binding, bool gone);
  // Whether some binding of any address-of-record was made from this IP address.
  bool knows_source(const IpAddress& ip) const;
  // Whether this user registered over this flow: from the same address and port, and for TCP on the same
  // connection.
  bool is_registered(const Flow& flow, std::string_view user) const;
  // Its connection is gone: the bindings made over it with TCP live on until they expire. A call to one
  // connects to its contact, or where that has no address to where it came from.
  void flow_closed(std::uint64_t connection);

  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<RegistrarChange> poll();

  std::size_t size() const { return bindings_.size(); } // addresses-of-record
  const std::map<std::string, std::vector<Binding>, std::less<>>& all() const { return bindings_; }

 private:
  using Bindings = std::vector<Binding>;
  using Due = std::pair<Time, std::string>;

  struct Request; // what a REGISTER asks for
  static int remove_all(const Request& request, Bindings& bindings);
  int apply(const Request& request, Bindings& bindings) const;
  // Puts the new bindings of one address-of-record in the place of the old ones.
  void commit(std::string_view aor, Bindings bindings);
  void tell(RegistrarChange::Kind kind, std::string_view aor, const Binding& binding);
  bool too_many_from(const Incoming& request, const Bindings& before, const Bindings& after) const;
  void count_source(const IpAddress& ip, int by);
  void note_connection(std::string_view aor, const Flow& flow);
  // Sets the timer of one address-of-record to its first expiry, or takes it away.
  void reschedule(std::string_view aor);
  template <class Predicate>
  void remove_if(std::string_view aor, RegistrarChange::Kind kind, Predicate predicate);

  Config config_;
  std::map<std::string, Bindings, std::less<>> bindings_;
  std::unordered_map<Endpoint, int> sources_;                       // bindings by IP address, port 0
  std::unordered_multimap<std::uint64_t, std::string> connections_; // addresses-of-record that came over TCP
  std::map<std::string, Time, std::less<>> next_expiry_;            // of each address-of-record
  std::set<Due> due_;                                               // the same in the order of time
  std::deque<RegistrarChange> changes_;
};

} // namespace talky::sip
