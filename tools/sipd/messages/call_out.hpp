// Calls that talky-sipd places because the HTTP API asked for one: to whom, connected to what, and who may be
// called at all (--allow-calls-out).
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "call/config.hpp"
#include "core/time.hpp"

namespace talky::sipd {

// The user and password for peers that ask for them (401, 407): a file of `HOST USER:PASSWORD` lines, HOST as
// in the URI that is called, or *.
class PeerPasswords {
 public:
  static PeerPasswords load(
      const std::string& path); // throws cli::Failure, which names the file and the line
  std::optional<call::Credentials> find(std::string_view host) const;

 private:
  struct Entry {
    std::string host; // lower case
    call::Credentials credentials;
  };
  std::vector<Entry> entries_;
};

// Who may be called, and what they are told when they ask. Read again on SIGHUP.
struct OutRules {
  std::vector<std::string> allowed; // patterns; see WorkerHost::permits()
  PeerPasswords passwords;
};

struct CallOut {
  static constexpr auto kMaxRing = std::chrono::seconds(50); // an agent does not wait for a minute
  std::string to;                                            // SIP URI
  std::string connect; // what the called party is connected to, as if it had dialled that number
  std::string voice;   // of the agent; "": the flow's
  std::chrono::seconds ring{40};
};

// What became of the wish for one: its uuid, or a status of HTTP and a sentence.
struct NoCall {
  int status = 503;
  std::string_view why; // a literal
};
using CallPlaced = std::function<void(tl::expected<std::string, NoCall>)>;

// One of the calls that may go out at a time; let go of, another one may.
using OutSlot = std::shared_ptr<void>;

} // namespace talky::sipd
