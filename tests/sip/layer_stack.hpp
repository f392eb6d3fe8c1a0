// A transaction layer with its outputs sorted by kind, for its tests.
#pragma once
#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

#include "fixtures.hpp"
#include "sip/transaction_layer.hpp"

namespace talky::sip::test {

struct Stack {
  TransactionLayer layer;
  std::vector<Datagram> sent;
  std::vector<RequestReceived> requests;
  std::vector<AckReceived> acks;
  std::vector<CancelReceived> cancels;
  std::vector<ResponseReceived> responses;
  std::vector<TransactionId> timed_out, failed;
  std::vector<MessageRefused> refused;

  explicit Stack(TransactionLayer::Config config = {}) : layer(std::move(config), Random::Seed{1, 2, 3, 4}) {}

  void take(Datagram& x) { sent.push_back(std::move(x)); }
  void take(RequestReceived& x) { requests.push_back(std::move(x)); }
  void take(AckReceived& x) { acks.push_back(std::move(x)); }
  void take(CancelReceived& x) { cancels.push_back(std::move(x)); }
  void take(ResponseReceived& x) { responses.push_back(std::move(x)); }
  void take(TransactionTimedOut& x) { timed_out.push_back(x.id); }
  void take(TransactionFailed& x) { failed.push_back(x.id); }
  void take(MessageRefused& x) { refused.push_back(x); }
  void drain() {
    while (auto output = layer.poll())
      std::visit([this](auto& x) { take(x); }, *output);
  }
  void receive(const std::string& text, Time now = kStart, const Flow& flow = udp()) {
    layer.receive(flow, text, now);
    drain();
  }
  void respond(TransactionId id, const Incoming& request, int status, Time now = kStart) {
    layer.respond(id, Builder::reply(request, status, {.to_tag = "t1"}).build(), now);
    drain();
  }
  void run(Time until) {
    for (auto due = layer.deadline(); due && *due <= until; due = layer.deadline()) {
      layer.expire(*due);
      drain();
    }
  }
  int last_status() const {
    REQUIRE_FALSE(sent.empty());
    return MessageView::parse(sent.back().bytes)->status();
  }
};

inline TransactionLayer::Config with_methods() {
  TransactionLayer::Config config;
  config.policy.methods.insert(Method::register_);
  config.policy.methods.insert(Method::message);
  return config;
}

inline Request in_dialog(std::string method, std::string cseq, std::string_view branch) {
  Request r = request(std::move(method), std::move(cseq));
  r.to += ";tag=t1";
  r.via = "SIP/2.0/UDP 192.0.2.7:5060;rport;branch=";
  r.via += branch;
  return r;
}

} // namespace talky::sip::test
