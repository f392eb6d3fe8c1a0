// One event loop with its sockets, its UserAgent and its calls. Several of them share nothing: they listen on
// the same ports (SO_REUSEPORT), and a message belongs to the worker that the hash of its Call-ID names, or
// of the address-of-record for REGISTER, wherever it came in. So a dialog and its transactions live in one
// place even if a phone changes ports or goes from UDP to TCP in between; only whole SIP messages ever cross,
// never media.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "call/user_agent.hpp"
#include "net/loop.hpp"
#include "net/port_pool.hpp"
#include "sip/framer_set.hpp"
#include "sip/message.hpp"
#include "sip/uri.hpp"
#include "sipd/agent/agent.hpp"
#include "sipd/bridge/destination.hpp"
#include "sipd/bridge/routes.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/messages/audio_tap.hpp"
#include "sipd/messages/call_command.hpp"
#include "sipd/messages/call_limits.hpp"
#include "sipd/messages/call_out.hpp"
#include "sipd/messages/seat_line.hpp"
#include "sipd/messages/web_line.hpp"
#include "sipd/sinks/hep_sender.hpp"
#include "sipd/sinks/recorder.hpp"
#include "sipd/worker/signalling.hpp"
#include "sipd/worker/users.hpp"
#include "sipd/worker/worker_counters.hpp"

namespace talky::sipd {

class Tracer;

class Api;
class Records;
class FindNextHop;
class Session;
struct NextHop;

// What the workers are given to use together; each part says what is for any thread.
struct Shared {
  log::Sink log;
  Recorder* recorder = nullptr;           // null: nothing is recorded
  Records* records = nullptr;             // null: no call records are kept
  Api* api = nullptr;                     // null: without the HTTP API
  Agent* agent = nullptr;                 // null: no route leads to one
  SpokenSentence* reconnecting = nullptr; // for callers whose agent is dialled again; never null
  Tracer* tracer = nullptr;               // null: no traces are sent
  bool agent_keeps_journal = false;
  std::string digest_key;
  CallLimits* calls = nullptr;
  CallLimits* connections = nullptr;
  CallLimits* calls_out = nullptr; // those that we place
};

// Settings that may change while calls go on (SIGHUP).
struct Live {
  std::shared_ptr<const Routes> routes;
  std::shared_ptr<const Users> users;
  std::vector<sip::DigestAlgorithm> digests;
  std::shared_ptr<const std::vector<std::string>> refer; // patterns of --allow-refer
  std::shared_ptr<const OutRules> calls_out;             // never null
  // Of play: targets, read when the settings are.
  std::unordered_map<std::string, std::shared_ptr<const audio::Samples>> files;
};

class Worker : public CallHost {
 public:
  struct Options {
    std::size_t workers = 1; // in all
    net::PortPool::Range rtp_ports{};
    std::optional<IpAddress> advertise; // in the SDP, instead of the local address
    std::string realm = "talky";
    bool follow_refer = false;
    std::chrono::seconds session_expires{1800}; // 0: only if the phone asks
    std::chrono::seconds rtp_timeout{30};       // 0: never
    sdp::Capabilities capabilities = call::standard_capabilities();
    std::chrono::milliseconds ring{0}; // before the answer
    std::string bridge_ca;             // PEM, for wss://; "": the system's authorities
    bool record_packets = true;        // where there is a recorder
    std::optional<HepOptions> hep;     // nullopt: nobody captures
  };

  // `options` and `shared` outlive it.
  Worker(net::Loop& loop, const Options& options, const Shared& shared, Live live, std::size_t index);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void introduce(std::vector<Worker*> all) { workers_ = std::move(all); } // before any of them runs
  net::SysResult<> listen(const Endpoint& endpoint) { return signalling_.listen(endpoint); }

  // On the worker's own thread; from another one post() them.
  void post(std::function<void()> task) override { loop_.post(std::move(task)); }
  void reload(Live live);
  // What another worker knows.
  void learn(const call::RegistrationChanged& change) { agent_->learn(change, net::now()); }
  // BYE to every call; `done` comes once all have been answered, or after 5 s.
  void shutdown(std::function<void()> done);

  // For the HTTP API (worker_api.cpp), on the worker's own thread.
  std::vector<CallSnapshot> snapshots() const;
  Result<> command(std::string_view uuid, const CallCommand& command);
  // A client of /api/v1/sip/audio. Without a call of that id it is told that its part is lost.
  void take_part(std::string_view uuid, Part part, std::shared_ptr<AudioTap> tap, SeatLine line);
  void web_call(WebCall call); // worker_web.cpp
  // `done` is called once, at once or later, when the call is on its way or cannot be (worker_out.cpp).
  void call_out(const CallOut& call, const CallPlaced& done);
  std::size_t index() const { return index_; }
  WorkerCounters totals() const;
  // No new calls (503); when the last one has ended, which `now` makes it do, the sockets are closed and
  // everybody who is registered is forgotten. Then `done`, unless another one has been given meanwhile.
  void stop_sip(bool now, std::function<void()> done);
  net::SysResult<> start_sip(const std::vector<Endpoint>& endpoints); // after `done`

  // CallHost (worker_host.cpp)
  Time now() const override { return net::now(); }
  std::int64_t wall_us() const override { return net::wall_clock_us(); }
  std::unique_ptr<CallTimer> timer(std::function<void()> callback) override;
  Random& random() override { return random_; }
  const CallOptions& options() const override { return call_options_; }
  const CallSinks& sinks() const override { return sinks_; }
  net::Loop& loop() override { return loop_; }
  call::UserAgent& user_agent() override { return *agent_; }
  void drain() override;
  std::string new_call_id() override;
  void rename(call::CallKey from, call::CallKey to) override;
  void adopt(call::CallKey call, call::CallKey of) override;
  void expect_sip(const std::string& call_id, Session& session) override;
  void forget_sip(const std::string& call_id) override;
  void leg_ended(const call::CallEnded& event) override;
  tl::expected<std::unique_ptr<MediaPort>, std::string> open_media(const IpAddress& ip,
                                                                   MediaPort::Receive receive) override;
  std::unique_ptr<NameLookup> look_up(const std::string& host, std::uint16_t port, Looked done) override;
  bool listens_on(const Endpoint& endpoint) const override { return signalling_.listens_on(endpoint); }
  std::optional<Endpoint> local_towards(const Endpoint& remote) const override {
    return signalling_.local_towards(remote);
  }
  bool permits(std::string_view uri, Wish wish) const override;
  bool leads_nowhere(const sip::Uri& uri) const override;
  std::optional<call::Credentials> credentials(std::string_view host) const override;
  tl::expected<std::unique_ptr<Bridge>, std::string> make_bridge(BridgeHost& host,
                                                                 const Target& target) override;
  std::shared_ptr<const audio::Samples> apology() override;
  void bridge_failed() override { ++counters_.bridge_failures; }
  void bridge_redialled() override { ++counters_.bridge_reconnects; }

 private:
  void received(const sip::Flow& flow, std::string_view bytes);
  void deliver(const sip::Flow& flow, std::string_view bytes);
  void flow_closed(const sip::Flow& flow);
  std::size_t owner_of(std::string_view message);
  std::size_t home_of(std::string_view call_id) const;
  void close_stalled();
  void tell_moved(const std::string& call_id, bool moved);
  void transmit(const sip::Datagram& datagram);
  void keep_for_pcap(const sip::Flow& flow, std::string_view bytes, bool incoming);
  void act(const call::Output& output);
  void incoming(const call::IncomingCall& call);
  void ended(const call::CallEnded& event);
  void make_user_agent();
  void end_sip();
  std::shared_ptr<Session> call(std::string_view uuid) const;
  void expire();
  void arm();
  void bury();
  Session* find(call::CallKey key);

  net::Loop& loop_;
  const Options& options_;
  const Shared& shared_;
  Live live_;
  BridgeContext bridges_;
  std::size_t index_;
  std::vector<Worker*> workers_;
  Random random_;
  net::PortPool ports_;
  std::unique_ptr<call::UserAgent> agent_;
  Signalling signalling_;
  net::Timer timer_;
  std::optional<Time> armed_;
  std::unordered_map<call::CallKey, std::shared_ptr<Session>> sessions_; // by each of its legs
  std::unordered_map<std::string, Session*> by_call_id_;
  call::CallKey web_calls_ = 0; // so far
  void place_out(const CallOut& call, const NextHop& hop, const CallPlaced& done);
  call::CallKey placed_out_ = 0;                                  // so far
  std::map<std::uint64_t, std::unique_ptr<FindNextHop>> finding_; // of calls that are to go out
  std::uint64_t searches_ = 0;
  std::vector<std::shared_ptr<Session>> ended_; // until the loop has come back from their callbacks
  bool burying_ = false;
  sip::FramerSet framers_; // of connections, with several workers
  net::Timer stalls_;
  // Call-IDs whose calls are where the call is that they replaced, and not where their hash says.
  std::unordered_map<std::string, std::size_t> moved_;
  sip::MessageView scratch_;
  struct Kept {
    sip::Flow flow;
    std::string bytes;
    bool incoming;
    std::int64_t time_us;
  };
  std::deque<Kept> recent_; // SIP of calls that have no session yet
  WorkerCounters counters_;
  CallOptions call_options_;
  CallSinks sinks_;
  std::optional<HepSender> hep_;
  bool draining_ = false;
  bool refuses_ = false;          // stop_sip()
  std::function<void()> drained_; // its end
  std::function<void()> shut_down_;
  std::set<std::string> goodbyes_; // Call-IDs of our BYEs at the shutdown that have had no answer yet
  std::optional<net::Timer> shutdown_limit_;
};

} // namespace talky::sipd
