#include "sipd/worker/worker_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "net/entropy.hpp"
#include "net/resolve.hpp"
#include "sipd/worker/media_port.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

constexpr auto kPortRest = std::chrono::seconds(10);

class LoopTimer final : public CallTimer {
 public:
  LoopTimer(net::Loop& loop, Task callback)
      : timer_(loop, [callback = std::move(callback)] { callback(net::now()); }) {}
  void at(Time when) override { timer_.at(when); }
  void cancel() override { timer_.cancel(); }

 private:
  net::Timer timer_;
};

class Resolver final : public NameLookup {
 public:
  Resolver(net::Loop& loop, const std::string& host, std::uint16_t port, CallHost::Looked done)
      : resolving_(loop, host, port, [done = std::move(done)](const net::SysResult<Endpoint>& result) {
          done(result ? std::optional(*result) : std::nullopt, net::now());
        }) {}

 private:
  net::Resolving resolving_;
};

} // namespace

WorkerHost::WorkerHost(Worker& worker, net::Loop& loop, const WorkerOptions& options,
                       const WorkerServices& shared, const LiveSettings& live, SessionTable& calls,
                       const MessageRouter& router, const Signalling& signalling, HepSender* hep,
                       std::size_t index)
    : worker_(worker),
      loop_(loop),
      live_(live),
      calls_(calls),
      router_(router),
      signalling_(signalling),
      index_(index),
      random_(net::entropy_seed()),
      ports_(options.rtp_ports, kPortRest, random_, index, options.workers),
      options_{options.ring, options.advertise,  shared.watcher != nullptr, shared.agent_keeps_journal,
               index,        options.echo_cancel},
      sink_targets_{shared.log, shared.recorder, shared.records,   shared.tracer,
                    hep,        shared.watcher,  &bridge_counters_},
      bridges_{loop, options.bridge_ca, shared.reconnecting, shared.talky_agent, live.files} {}

call::UserAgent& WorkerHost::user_agent() {
  return worker_.user_agent();
}

void WorkerHost::drain() {
  worker_.drain();
}

// From the loop: it may be one of the leg's own callbacks that says so.
void WorkerHost::leg_ended(const call::CallEnded& event) {
  loop_.post([this, event] { worker_.leg_ended(event); });
}

std::string WorkerHost::new_call_id() {
  std::string id = random_.uuid();
  while (router_.hashed(id) != index_)
    id = random_.uuid();
  return id;
}

bool WorkerHost::permits(std::string_view uri, Wish wish) const {
  const std::vector<std::string>& patterns = wish == Wish::referral ? *live_.refer : live_.calls_out->allowed;
  const auto target = sip::Uri::parse(uri);
  if (!target || !target->is_sip()) return false;
  const auto ip = target->host_ip();
  const std::string user = sip::unescape(target->user);
  // A number alone is one of ours: at our own address, or registered here.
  const bool ours = (ip && listens_on({*ip, target->port_or_default()})) ||
                    worker_.user_agent().locate(*target, false).has_value();
  std::string whole = fmt::format("{}@{}", user, target->host);
  if (target->port != 0) whole += fmt::format(":{}", target->port);
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    if (pattern == "*") return true;
    return pattern.find('@') == std::string::npos ? ours && matches(pattern, user) : matches(pattern, whole);
  });
}

bool WorkerHost::leads_nowhere(const sip::Uri& uri) const {
  const auto ip = uri.host_ip();
  return ip && listens_on({*ip, uri.port_or_default()}) && !worker_.user_agent().locate(uri, true);
}

void WorkerHost::post(Task task) {
  loop_.post([task = std::move(task)] { task(net::now()); });
}

std::int64_t WorkerHost::wall_us(Time at) const {
  return net::wall_clock_us() - to_us(net::now()) + to_us(at);
}

std::unique_ptr<CallTimer> WorkerHost::timer(Task callback) {
  return std::make_unique<LoopTimer>(loop_, std::move(callback));
}

tl::expected<std::unique_ptr<MediaPort>, std::string> WorkerHost::open_media(const IpAddress& ip,
                                                                             MediaPort::Receive receive) {
  return open_media_port(loop_, ports_, media_out_, ip, std::move(receive));
}

std::unique_ptr<NameLookup> WorkerHost::look_up(const std::string& host, std::uint16_t port, Looked done) {
  return std::make_unique<Resolver>(loop_, host, port, std::move(done));
}

std::optional<call::Credentials> WorkerHost::credentials(std::string_view host) const {
  return live_.calls_out->passwords.find(host);
}

tl::expected<std::unique_ptr<Bridge>, std::string> WorkerHost::make_bridge(BridgeHost& host,
                                                                           const Target& target) {
  return target.destination->connect(host, bridges_);
}

std::unique_ptr<CallSink> WorkerHost::open_sinks(std::shared_ptr<const CallFacts> call, Time now) {
  return make_call_sinks(sink_targets_, std::move(call), {now, wall_us(now)}, random_());
}

std::shared_ptr<const audio::Samples> WorkerHost::apology() {
  if (!bridges_.agent) return nullptr;
  bridges_.agent->wanted();
  return bridges_.agent->apology();
}

} // namespace talky::sipd
