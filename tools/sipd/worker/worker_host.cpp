// What a worker does for its calls (call/call_host.hpp).
#include <utility>

#include "net/resolve.hpp"
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
  return target.destination->connect(host, bridges_);
}

std::shared_ptr<const audio::Samples> Worker::apology() {
  if (!shared_.agent) return nullptr;
  shared_.agent->wanted();
  return shared_.agent->apology();
}

} // namespace talky::sipd
