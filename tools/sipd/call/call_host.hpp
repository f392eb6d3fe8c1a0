// What a call needs of whoever runs it: the daemon's Worker, or a test with a clock and a network of its own.
// Everything in call/ asks this for timers and for what is done later, and reaches sockets, name servers and
// bridges through it. The time is an argument of whatever comes in from here, and nobody can ask for it: so
// it is a core, and whole calls run in virtual time (tests/sim).
//
// All of it is of one thread. What is returned belongs to the caller; the host outlives its calls.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "audio/samples.hpp"
#include "call/user_agent.hpp"
#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "core/random.hpp"
#include "core/time.hpp"
#include "echo/echo_guard.hpp"
#include "sip/uri.hpp"
#include "sipd/bridge/bridge.hpp"
#include "sipd/bridge/target.hpp"
#include "sipd/messages/mailbox.hpp"
#include "sipd/sinks/call_sink.hpp"

namespace talky::sipd {

class Session;

// One shot, set again at will. Destroying it cancels it.
class CallTimer {
 public:
  virtual ~CallTimer() = default;
  virtual void at(Time when) = 0; // a time that has passed means: as soon as possible, and not from in here
  virtual void cancel() = 0;
};

// The two sockets of one telephone's media, RTP and RTCP beside it. Destroying it closes them.
class MediaPort {
 public:
  struct Packet {
    Bytes bytes; // borrowed for the time of the callback
    Endpoint from;
    Time arrival; // when the system had it: the time of this input
    bool is_rtcp = false;
  };
  using Receive = std::function<void(const Packet&)>;

  virtual ~MediaPort() = default;
  virtual void send(Bytes bytes, const Endpoint& to, bool is_rtcp) = 0; // never waits; may be lost
  virtual const Endpoint& local(bool is_rtcp) const = 0;
};

// A host name that is being looked up. Destroying it gives up without a call.
class NameLookup {
 public:
  virtual ~NameLookup() = default;
};

// What is set for all calls.
struct CallOptions {
  Duration ring{0};                   // from the bridge's readiness to the answer
  std::optional<IpAddress> advertise; // in SDP, in place of the socket's own
  bool taps = false;                  // somebody may want to listen (the HTTP API)
  bool agent_keeps_journal = false;   // of calls to the agent
  std::size_t worker = 0;             // number of the host
  echo::Mode echo_cancel = echo::Mode::automatic;
};

class CallHost {
 public:
  // Who may be called because somebody else asks for it.
  enum class Wish : std::uint8_t {
    referral, // a party of a call (--allow-refer)
    call_out, // the HTTP API (--allow-calls-out)
  };

  virtual ~CallHost() = default;

  // ---- Time and turns. Each task and callback is given the time at which it is called.
  virtual void post(Task task) = 0; // once the host has come back from what it is doing
  virtual std::unique_ptr<CallTimer> timer(Task callback) = 0;
  virtual std::int64_t wall_us(Time at) const = 0; // since 1970, of a moment that has just been
  virtual Random& random() = 0;
  virtual const CallOptions& options() const = 0;

  // ---- SIP. After each command to the UserAgent drain() acts on what it has to say.
  virtual call::UserAgent& user_agent() = 0;
  virtual void drain() = 0;
  virtual std::string new_call_id() = 0;                         // whose messages come to this host
  virtual void rename(call::CallKey from, call::CallKey to) = 0; // a call that has got its key
  virtual void adopt(call::CallKey call, call::CallKey of) = 0;  // events of `call` go to the session of `of`
  virtual void expect_sip(const std::string& call_id, Session& session) = 0; // for its pcap
  virtual void forget_sip(const std::string& call_id) = 0;
  virtual void leg_ended(
      const call::CallEnded& event) = 0; // of a leg that is not the UserAgent's; told later

  // ---- The network
  // Binds a free pair of ports of `ip`. The error is a text for the log.
  virtual tl::expected<std::unique_ptr<MediaPort>, std::string> open_media(const IpAddress& ip,
                                                                           MediaPort::Receive receive) = 0;
  using Looked =
      std::function<void(const std::optional<Endpoint>&, Time now)>; // nullopt: there is no such host
  virtual std::unique_ptr<NameLookup> look_up(const std::string& host, std::uint16_t port, Looked done) = 0;
  virtual bool listens_on(const Endpoint& endpoint) const = 0; // a message to it would come to us
  // Which of our SIP addresses a peer at `remote` can answer to; nullopt: none.
  virtual std::optional<Endpoint> local_towards(const Endpoint& remote) const = 0;
  virtual bool permits(std::string_view uri, Wish wish) const = 0;
  virtual bool leads_nowhere(const sip::Uri& uri) const = 0; // to us, and nobody is registered by that name
  virtual std::optional<call::Credentials> credentials(std::string_view host) const = 0; // of calls out

  // ---- The other end
  virtual tl::expected<std::unique_ptr<Bridge>, std::string> make_bridge(BridgeHost& host,
                                                                         const Target& target) = 0;
  // For a caller whose agent is lost, which is looked for anew; null: there is none to be looked for.
  virtual std::shared_ptr<const audio::Samples> apology() = 0;
  virtual std::unique_ptr<CallSink> open_sinks(std::shared_ptr<const CallFacts> call, Time now) = 0;
};

} // namespace talky::sipd
