// Virtual time: nodes on a network, stepped from deadline to deadline. Nothing in here waits.
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "sim/network.hpp"

namespace talky::sim {

// A machine on the network. The verbs are those of the cores.
class Node {
 public:
  using Send = std::function<void(Packet)>;

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  virtual void receive(const Packet& packet, Time now) = 0;
  virtual void expire(Time now) = 0;
  virtual std::optional<Time> deadline() const = 0;
  virtual void drain(const Send& send, Time now) = 0; // until nothing is left to be sent
};

class World {
 public:
  explicit World(Network network, Time start = Time{std::chrono::seconds(1)})
      : network_(std::move(network)), now_(start) {}

  // All packets to this address go to the node, which must outlive the world.
  void attach(const IpAddress& address, Node& node) {
    routes_[address] = &node;
    nodes_.push_back(&node);
  }
  // Runs `action` at `when`, before anything else of that time; those of one time in the order given.
  void at(Time when, std::function<void(Time)> action) { actions_.emplace(when, std::move(action)); }

  Time now() const { return now_; }
  Network& network() { return network_; }

  void run_until(Time end) {
    for (;;) {
      drain();
      auto next = network_.deadline();
      for (const Node* node : nodes_)
        next = earlier(next, node->deadline());
      if (!actions_.empty()) next = earlier(next, actions_.begin()->first);
      if (!next || *next > end) break;
      now_ = std::max(now_, *next);
      step();
    }
    now_ = std::max(now_, end);
  }

 private:
  void step() {
    while (!actions_.empty() && actions_.begin()->first <= now_) {
      const auto action = std::move(actions_.begin()->second);
      actions_.erase(actions_.begin());
      action(now_);
      drain();
    }
    while (auto packet = network_.receive(now_)) {
      const auto route = routes_.find(packet->to.ip);
      if (route == routes_.end()) continue;
      route->second->receive(*packet, now_);
      drain(*route->second);
    }
    for (Node* node : nodes_) {
      if (const auto due = node->deadline(); due && *due <= now_) node->expire(now_);
    }
  }
  void drain() {
    for (Node* node : nodes_)
      drain(*node);
  }
  void drain(Node& node) {
    node.drain([this](Packet packet) { network_.send(std::move(packet), now_); }, now_);
  }

  Network network_;
  Time now_;
  std::vector<Node*> nodes_;
  std::map<IpAddress, Node*> routes_;
  std::multimap<Time, std::function<void(Time)>> actions_;
};

} // namespace talky::sim
