// What a worker does for its calls (call/call_host.hpp): timers of its loop, ports and sockets, name
// lookups, bridges, and who may be called.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/random.hpp"
#include "net/loop.hpp"
#include "net/port_pool.hpp"
#include "net/udp.hpp"
#include "sipd/bridge/destination.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/sinks/call_sinks.hpp"
#include "sipd/worker/message_router.hpp"
#include "sipd/worker/session_table.hpp"
#include "sipd/worker/signalling.hpp"
#include "sipd/worker/worker_options.hpp"

namespace talky::sipd {

class Worker;

class WorkerHost final : public CallHost {
 public:
  // All that it is given outlives it. `hep` null: nobody captures.
  WorkerHost(Worker& worker, net::Loop& loop, const WorkerOptions& options, const WorkerServices& shared,
             const LiveSettings& live, SessionTable& calls, const MessageRouter& router,
             const Signalling& signalling, HepSender* hep, std::size_t index);

  void reload() { bridges_.files = live_.files; }
  const BridgeCounters& bridge_counters() const { return bridge_counters_; }
  void send_media() { media_out_.flush(); } // what the calls have given to their ports

  // CallHost
  void post(Task task) override;
  std::unique_ptr<CallTimer> timer(Task callback) override;
  std::int64_t wall_us(Time at) const override;
  Random& random() override { return random_; }
  const CallOptions& options() const override { return options_; }
  std::unique_ptr<CallSink> open_sinks(std::shared_ptr<const CallFacts> call, Time now) override;
  call::UserAgent& user_agent() override;
  void drain() override;
  std::string new_call_id() override;
  void rename(call::CallKey from, call::CallKey to) override { calls_.rename(from, to); }
  void adopt(call::CallKey call, call::CallKey of) override { calls_.adopt(call, of); }
  void expect_sip(const std::string& call_id, Session& session) override {
    calls_.expect_sip(call_id, session);
  }
  void forget_sip(const std::string& call_id) override { calls_.forget_sip(call_id); }
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

 private:
  Worker& worker_;
  net::Loop& loop_;
  const LiveSettings& live_;
  SessionTable& calls_;
  const MessageRouter& router_;
  const Signalling& signalling_;
  const std::size_t index_;
  Random random_;
  net::PortPool ports_;
  net::UdpOutbox media_out_;
  CallOptions options_;
  BridgeCounters bridge_counters_;
  const SinkTargets sink_targets_;
  BridgeContext bridges_;
};

} // namespace talky::sipd
