// What a worker does for its calls (call/call_host.hpp).
#include <utility>

#include "net/resolve.hpp"
#include "sipd/bridge/exec_bridge.hpp"
#include "sipd/bridge/media_streams_bridge.hpp"
#include "sipd/bridge/socket_bridge.hpp"
#include "sipd/worker/media_port.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

class LoopTimer final : public CallTimer {
 public:
  LoopTimer(net::Loop& loop, std::function<void()> callback) : timer_(loop, std::move(callback)) {}
  void at(Time when) override { timer_.at(when); }
  void cancel() override { timer_.cancel(); }

 private:
  net::Timer timer_;
};

class Resolver final : public NameLookup {
 public:
  Resolver(net::Loop& loop, const std::string& host, std::uint16_t port, CallHost::Looked done)
      : resolving_(loop, host, port, [done = std::move(done)](const net::SysResult<Endpoint>& result) {
          done(result ? std::optional(*result) : std::nullopt);
        }) {}

 private:
  net::Resolving resolving_;
};

} // namespace

std::unique_ptr<CallTimer> Worker::timer(std::function<void()> callback) {
  return std::make_unique<LoopTimer>(loop_, std::move(callback));
}

tl::expected<std::unique_ptr<MediaPort>, std::string> Worker::open_media(const IpAddress& ip,
                                                                         MediaPort::Receive receive) {
  return open_media_port(loop_, ports_, ip, std::move(receive));
}

std::unique_ptr<NameLookup> Worker::look_up(const std::string& host, std::uint16_t port, Looked done) {
  return std::make_unique<Resolver>(loop_, host, port, std::move(done));
}

std::optional<call::Credentials> Worker::credentials(std::string_view host) const {
  return live_.calls_out->passwords.find(host);
}

tl::expected<std::unique_ptr<Bridge>, std::string> Worker::make_bridge(BridgeHost& host,
                                                                       const Target& target) {
  if (target.as<EchoTarget>()) return make_echo(host);
  if (const auto* tone = target.as<ToneTarget>()) return make_tone(host, tone->hertz);
  if (const auto* exec = target.as<ExecTarget>()) return make_exec_bridge(host, exec->command);
  if (const auto* socket = target.as<SocketTarget>()) return make_socket_bridge(host, *socket);
  if (const auto* streams = target.as<MediaStreamsTarget>())
    return make_media_streams_bridge(host, *streams, options_.bridge_ca, *shared_.reconnecting);
  if (target.as<AgentTarget>() && shared_.agent) return make_agent_bridge(host, *shared_.agent);
  if (const auto* play = target.as<PlayTarget>()) {
    const auto file = live_.files.find(play->path);
    if (file != live_.files.end()) return make_player(host, file->second);
  }
  return tl::unexpected("nothing stands behind " + target.text);
}

std::shared_ptr<const audio::Samples> Worker::apology() {
  if (!shared_.agent) return nullptr;
  shared_.agent->wanted();
  return shared_.agent->apology();
}

} // namespace talky::sipd
