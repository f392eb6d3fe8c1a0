#include "sipd/worker/signalling.hpp"

#include <utility>

namespace talky::sipd {
namespace {

constexpr int kSocketBuffer = 4 << 20;          // bytes; what a burst of registrations may take
constexpr std::size_t kMaxWriteQueue = 1 << 20; // bytes of a connection
constexpr std::size_t kMaxWaiting = 262'144;    // bytes kept while a connection opens
constexpr auto kConnectLimit = std::chrono::seconds(5);
constexpr auto kIdleLimit = std::chrono::minutes(30); // longer than any keep-alive
constexpr auto kSweepEvery = std::chrono::seconds(60);
constexpr auto kCloseLimit = std::chrono::seconds(5);

std::string_view text_of(Bytes bytes) {
  return as_text(bytes);
}

} // namespace

Signalling::Signalling(net::Loop& loop, std::size_t worker, std::size_t workers, CallLimits& limits,
                       Events events, log::Sink log)
    : loop_(loop),
      workers_(workers),
      events_(std::move(events)),
      log_(std::move(log)),
      limits_(limits),
      next_id_(worker + workers), // never 0
      sweeper_(loop, [this] { sweep(); }) {
  sweeper_.at(net::now() + kSweepEvery);
}

Signalling::~Signalling() = default;

net::SysResult<> Signalling::listen(const Endpoint& endpoint) {
  auto socket = net::UdpSocket::open(loop_, endpoint,
                                     {.receive_buffer = kSocketBuffer,
                                      .send_buffer = kSocketBuffer,
                                      .packet_info = endpoint.ip.is_unspecified(),
                                      .reuse_port = workers_ > 1,
                                      .batches_a_turn = 1}); // media goes first, whatever storm this is
  if (!socket) return tl::unexpected(socket.error());
  auto listener = net::Listener::open(
      loop_, endpoint, {.reuse_port = workers_ > 1, .max_queue = kMaxWriteQueue},
      [this](const std::shared_ptr<net::Connection>& connection) { accepted(connection); }, log_);
  if (!listener) return tl::unexpected(listener.error());
  udp_.push_back(std::make_unique<net::UdpSocket>(std::move(*socket)));
  listeners_.push_back(std::move(*listener));
  const std::uint16_t port = udp_.back()->local().port;
  udp_.back()->on_receive([this, port](const net::UdpSocket::Datagram& datagram) {
    events_.received(
        {.transport = sip::Transport::udp, .local = {datagram.to, port}, .remote = datagram.from},
        text_of(datagram.bytes));
  });
  return {};
}

void Signalling::stop_listening() {
  listeners_.clear();
}

void Signalling::close_all() {
  udp_.clear();
  listeners_.clear();
  opening_.clear();
  while (!peers_.empty())
    lost(peers_.begin()->first);
}

void Signalling::accepted(const std::shared_ptr<net::Connection>& connection) {
  const Endpoint peer = connection->peer();
  if (limits_.enter(peer.ip) != call::CallCounter::Verdict::granted) {
    log_(log::Level::warn,
         log::Line("connection.refused").add("peer", peer.to_string()).add("why", "too many").str());
    return; // letting go closes it
  }
  const std::uint64_t id =
      add(connection, {.transport = sip::Transport::tcp, .local = connection->local(), .remote = peer});
  peers_.at(id).counted = true;
  start(id);
}

std::uint64_t Signalling::add(const std::shared_ptr<net::Connection>& connection, const sip::Flow& flow) {
  const std::uint64_t id = std::exchange(next_id_, next_id_ + workers_);
  Peer peer{connection, flow, net::now()};
  peer.flow.connection = id;
  peers_.emplace(id, std::move(peer));
  return id;
}

void Signalling::start(std::uint64_t id) {
  peers_.at(id).connection->start({.data =
                                       [this, id](Bytes bytes) {
                                         const auto peer = peers_.find(id);
                                         if (peer == peers_.end()) return;
                                         peer->second.last_heard = net::now();
                                         const sip::Flow flow =
                                             peer->second.flow; // the callback may close it
                                         events_.received(flow, text_of(bytes));
                                       },
                                   .closed = [this, id](int /*error*/) { lost(id); },
                                   .drained = {}});
}

void Signalling::lost(std::uint64_t id) {
  const auto peer = peers_.find(id);
  if (peer == peers_.end()) return;
  const sip::Flow flow = peer->second.flow;
  if (peer->second.counted) limits_.leave(flow.remote.ip);
  peers_.erase(peer);
  events_.closed(flow);
}

void Signalling::send(const sip::Flow& flow, std::string_view bytes) {
  if (flow.transport == sip::Transport::udp) {
    for (const auto& socket : udp_) {
      const Endpoint& bound = socket->local();
      const bool wildcard = bound.ip.is_unspecified() && bound.ip.is_v4() == flow.remote.ip.is_v4();
      if (bound.port != flow.local.port || (bound.ip != flow.local.ip && !wildcard)) continue;
      const auto sent = wildcard ? socket->send(as_bytes(bytes), flow.remote, flow.local.ip)
                                 : socket->send(as_bytes(bytes), flow.remote);
      if (!sent) {
        log_(log::Level::debug, log::Line("sip.unsent")
                                    .add("to", flow.remote.to_string())
                                    .add("error", sent.error().message())
                                    .str());
      }
      return;
    }
    return;
  }
  if (flow.connection == 0) return open(flow, bytes);
  const auto peer = peers_.find(flow.connection);
  if (peer == peers_.end()) { // it was closed meanwhile
    loop_.post([this, flow] { events_.closed(flow); });
    return;
  }
  if (peer->second.connection->write(as_bytes(bytes)) || !peer->second.connection->is_open()) return;
  log_(log::Level::warn, log::Line("connection.stuck")
                             .add("peer", flow.remote.to_string())
                             .add("why", "it does not read")
                             .str());
  peer->second.connection->close();
  loop_.post([this, id = flow.connection] { lost(id); });
}

void Signalling::open(const sip::Flow& flow, std::string_view bytes) {
  auto [it, fresh] = opening_.try_emplace(flow.remote);
  Opening& opening = it->second;
  if (opening.bytes + bytes.size() <= kMaxWaiting) {
    opening.waiting.emplace_back(bytes);
    opening.bytes += bytes.size();
  }
  if (!fresh) return;
  opening.flow = flow;
  opening.attempt = std::make_unique<net::Connecting>(
      loop_, flow.remote, net::now() + kConnectLimit,
      [this, remote = flow.remote](net::SysResult<std::shared_ptr<net::Connection>> result) {
        auto node = opening_.extract(remote);
        Opening& done = node.mapped();
        if (!result) return events_.closed(done.flow);
        sip::Flow opened = done.flow;
        opened.local = (*result)->local();
        const std::uint64_t id = add(*result, opened);
        opened.connection = id;
        events_.opened(opened);
        for (const std::string& text : done.waiting)
          send(opened, text);
        if (peers_.count(id) > 0) start(id);
      },
      kMaxWriteQueue);
}

void Signalling::close(const sip::Flow& flow) {
  const auto peer = peers_.find(flow.connection);
  if (peer == peers_.end()) return;
  peer->second.connection->close_when_drained(net::now() + kCloseLimit);
  loop_.post([this, id = flow.connection] { lost(id); });
}

void Signalling::sweep() {
  const Time limit = net::now() - kIdleLimit;
  std::vector<std::uint64_t> idle;
  for (const auto& [id, peer] : peers_) {
    if (peer.last_heard < limit) idle.push_back(id);
  }
  for (const std::uint64_t id : idle) {
    peers_.at(id).connection->close();
    lost(id);
  }
  sweeper_.at(net::now() + kSweepEvery);
}

bool Signalling::listens_on(const Endpoint& endpoint) const {
  for (const auto& socket : udp_) {
    const Endpoint& bound = socket->local();
    if (bound.port != endpoint.port) continue;
    if (bound.ip == endpoint.ip) return true;
    // An address of this machine is reached from itself.
    if (bound.ip.is_unspecified() && bound.ip.is_v4() == endpoint.ip.is_v4() &&
        net::source_address_for(endpoint) == endpoint.ip) {
      return true;
    }
  }
  return false;
}

std::optional<Endpoint> Signalling::local_towards(const Endpoint& remote) const {
  for (const auto& socket : udp_) {
    const Endpoint& bound = socket->local();
    if (bound.ip.is_v4() != remote.ip.is_v4()) continue;
    if (bound.ip.is_loopback() != remote.ip.is_loopback() && !bound.ip.is_unspecified()) continue;
    if (!bound.ip.is_unspecified()) return bound;
    if (const auto source = net::source_address_for(remote)) return Endpoint{*source, bound.port};
  }
  return std::nullopt;
}

std::uint32_t Signalling::dropped() const {
  std::uint32_t sum = 0;
  for (const auto& socket : udp_)
    sum += socket->dropped();
  return sum;
}

} // namespace talky::sipd
