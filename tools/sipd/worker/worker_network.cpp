// SIP on its way in and out: which worker a message belongs to, connections that stall, and the pcap of each
// call.
#include <utility>

#include "sipd/call/session.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t recent_messages = 32;

} // namespace

// ---- From the network

std::size_t Worker::owner_of(std::string_view message) {
  if (!scratch_.assign(message)) return index_;
  if (!scratch_.is_request()) return home_of(scratch_.call_id());
  if (scratch_.method() == sip::Method::register_) {
    const auto to = scratch_.to();
    return to ? std::hash<std::string>{}(sip::canonical_aor(to->uri)) % workers_.size() : index_;
  }
  if (scratch_.method() == sip::Method::invite && scratch_.to_tag().empty()) {
    const auto replaces = sip::Replaces::parse(scratch_.value(sip::HeaderId::replaces));
    if (replaces) return home_of(replaces->call_id);
  }
  return home_of(scratch_.call_id());
}

std::size_t Worker::home_of(std::string_view call_id) const {
  if (!moved_.empty()) {
    const auto moved = moved_.find(std::string(call_id));
    if (moved != moved_.end()) return moved->second;
  }
  return std::hash<std::string_view>{}(call_id) % workers_.size();
}

void Worker::tell_moved(const std::string& call_id, bool moved) {
  if (std::hash<std::string_view>{}(call_id) % workers_.size() == index_) return;
  for (Worker* worker : workers_) {
    worker->post([worker, call_id, moved, home = index_] {
      if (moved) {
        worker->moved_.emplace(call_id, home);
      } else {
        worker->moved_.erase(call_id);
      }
    });
  }
}

void Worker::close_stalled() {
  for (const std::uint64_t connection : framers_.expire(net::now())) {
    shared_.log(log::Level::info, log::Line("connection.stalled").add("why", "a message does not end").str());
    signalling_.close({sip::Transport::tcp, {}, {}, connection});
  }
  if (const auto due = framers_.deadline()) stalls_.at(*due);
}

void Worker::received(const sip::Flow& flow, std::string_view bytes) {
  // A capture server is shown whole messages; else the UserAgent cuts the bytes of its connections itself.
  if (workers_.size() == 1 && !hep_) return deliver(flow, bytes);
  const auto route = [this, &flow](std::string_view message) {
    Worker* owner = workers_[owner_of(message)];
    if (owner == this) return deliver(flow, message);
    owner->post([owner, flow, text = std::string(message)] {
      if (text.starts_with("BYE ")) owner->loop_.read_ready(); // what was said before it is heard before it
      owner->deliver(flow, text);
    });
  };
  if (flow.transport == sip::Transport::udp) return route(bytes);
  sip::Framer& framer = framers_.feed(flow.connection, bytes);
  for (bool whole = false;; whole = true) {
    const auto item = framer.next();
    if (!item) return deliver(flow, framer.broken().empty() ? std::string_view("\n\n") : framer.broken());
    if (!*item) {
      framers_.drained(flow.connection, whole, net::now());
      const auto due = framers_.deadline();
      if (due && !stalls_.armed()) stalls_.at(*due);
      return;
    }
    if ((*item)->kind == sip::Framer::Kind::message) {
      route((*item)->bytes);
    } else if ((*item)->kind == sip::Framer::Kind::ping) {
      signalling_.send(flow, "\r\n");
    }
  }
}

void Worker::deliver(const sip::Flow& flow, std::string_view bytes) {
  ++counters_.sip_received;
  if (hep_) hep_->sip(flow, bytes, true, net::wall_clock_us());
  if (shared_.recorder && options_.record_packets) keep_for_pcap(flow, bytes, true);
  if (shut_down_ && scratch_.assign(bytes) && scratch_.is_response() &&
      scratch_.method() == sip::Method::bye) {
    goodbyes_.erase(std::string(scratch_.call_id()));
  }
  agent_->receive_sip(flow, bytes, net::now());
  drain();
}

void Worker::flow_closed(const sip::Flow& flow) {
  framers_.erase(flow.connection);
  agent_->flow_closed(flow, net::now());
  drain();
}

// The message goes into the pcap of its call; what comes before there is a session waits for it.
void Worker::keep_for_pcap(const sip::Flow& flow, std::string_view bytes, bool incoming) {
  if (!scratch_.assign(bytes)) return;
  const auto session = by_call_id_.find(std::string(scratch_.call_id()));
  if (session != by_call_id_.end()) return session->second->sip(flow, bytes, incoming, net::wall_clock_us());
  const bool of_invite = scratch_.method() == sip::Method::invite;
  if (!of_invite) return;
  recent_.push_back({flow, std::string(bytes), incoming, net::wall_clock_us()});
  if (recent_.size() > recent_messages) recent_.pop_front();
}

// ---- To the network

void Worker::transmit(const sip::Datagram& datagram) {
  ++counters_.sip_sent;
  if (hep_) hep_->sip(datagram.flow, datagram.bytes, false, net::wall_clock_us());
  if (shared_.recorder && options_.record_packets) keep_for_pcap(datagram.flow, datagram.bytes, false);
  if (shut_down_ && scratch_.assign(datagram.bytes) && scratch_.is_request() &&
      scratch_.method() == sip::Method::bye) {
    goodbyes_.emplace(scratch_.call_id());
  }
  const std::size_t owner =
      datagram.flow.connection == 0 ? index_ : Signalling::owner(datagram.flow.connection, workers_.size());
  if (owner == index_) return signalling_.send(datagram.flow, datagram.bytes);
  Worker* other = workers_[owner];
  other->post([other, datagram] { other->signalling_.send(datagram.flow, datagram.bytes); });
}

} // namespace talky::sipd
