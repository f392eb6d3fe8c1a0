// The sockets of SIP: one UDP socket and one TCP listener for each address, and the TCP connections. Bytes
// and flows go in and out; what they mean is the UserAgent's affair.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/endpoint.hpp"
#include "core/log.hpp"
#include "net/stream.hpp"
#include "net/udp.hpp"
#include "sip/flow.hpp"
#include "sipd/messages/call_limits.hpp"

namespace talky::sipd {

class Signalling {
 public:
  struct Events {
    std::function<void(const sip::Flow&, std::string_view)> received; // a datagram, or what a connection gave
    std::function<void(const sip::Flow&)> opened; // a connection that send() asked for; `flow` now names it
    std::function<void(const sip::Flow&)> closed; // broken, ended, or never opened (connection 0)
  };
  // Connections are numbered so that owner() tells the worker whose they are.
  // `limits` outlive it.
  Signalling(net::Loop& loop, std::size_t worker, std::size_t workers, CallLimits& limits, Events events,
             log::Sink log);
  ~Signalling();

  net::SysResult<> listen(const Endpoint& endpoint);
  void close_all();      // everything; listen() may follow
  void stop_listening(); // no new connections; datagrams and the connections there are go on

  static std::size_t owner(std::uint64_t connection, std::size_t workers) { return connection % workers; }

  // A datagram from flow.local, or bytes for flow.connection; with connection 0 a new one is opened, and what
  // is sent to the same peer meanwhile follows.
  void send(const sip::Flow& flow, std::string_view bytes);
  void close(const sip::Flow& flow); // once all has been written

  // Whether a message to this address would come to us.
  bool listens_on(const Endpoint& endpoint) const;
  // Which of our addresses a peer at `remote` can answer to; nullopt: none.
  std::optional<Endpoint> local_towards(const Endpoint& remote) const;

  std::uint32_t dropped() const; // datagrams that the kernel could not keep for us

 private:
  struct Peer {
    std::shared_ptr<net::Connection> connection;
    sip::Flow flow;
    Time last_heard{};
    bool counted = false; // by limits_: it came to us
  };
  struct Opening {
    std::unique_ptr<net::Connecting> attempt;
    sip::Flow flow;
    std::vector<std::string> waiting;
    std::size_t bytes = 0;
  };

  void accepted(const std::shared_ptr<net::Connection>& connection);
  std::uint64_t add(const std::shared_ptr<net::Connection>& connection, const sip::Flow& flow);
  void start(std::uint64_t id);
  void lost(std::uint64_t id);
  void open(const sip::Flow& flow, std::string_view bytes);
  void sweep();

  net::Loop& loop_;
  std::size_t workers_;
  Events events_;
  log::Sink log_;
  std::vector<std::unique_ptr<net::UdpSocket>> udp_;
  std::vector<net::Listener> listeners_;
  std::unordered_map<std::uint64_t, Peer> peers_;
  std::map<Endpoint, Opening> opening_;
  CallLimits& limits_; // on connections
  std::uint64_t next_id_;
  net::Timer sweeper_;
};

} // namespace talky::sipd
