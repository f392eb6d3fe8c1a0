// What a worker is given: options for good, settings that may change while calls go on, and what all workers
// use together.
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "audio/samples.hpp"
#include "call/config.hpp"
#include "call/events.hpp"
#include "core/endpoint.hpp"
#include "core/ip_network.hpp"
#include "core/log.hpp"
#include "echo/echo_guard.hpp"
#include "net/port_pool.hpp"
#include "sip/digest.hpp"
#include "sipd/bridge/routes.hpp"
#include "sipd/messages/call_limits.hpp"
#include "sipd/messages/call_out.hpp"
#include "sipd/sinks/hep_sender.hpp"
#include "sipd/worker/users.hpp"

namespace talky::sipd {

class Agent;
class CallWatcher;
class Recorder;
class Records;
class SpokenSentence;
class Tracer;

struct WorkerOptions {
  std::size_t workers = 1; // in all
  net::PortPool::Range rtp_ports{};
  std::optional<IpAddress> advertise; // in the SDP, instead of the local address
  std::string realm = "talky";
  bool always_challenge = false; // with users: calls over a registered flow, too
  std::vector<IpNetwork> allow;  // with users: who may call without a password
  bool follow_refer = false;
  std::chrono::seconds session_expires{1800}; // 0: only if the phone asks
  std::chrono::seconds rtp_timeout{30};       // 0: never
  sdp::Capabilities capabilities = call::standard_capabilities();
  std::chrono::milliseconds ring{0}; // before the answer
  echo::Mode echo_cancel = echo::Mode::automatic;
  std::string bridge_ca;         // PEM, for wss://; "": the system's authorities
  bool record_packets = true;    // where there is a recorder
  std::optional<HepOptions> hep; // nullopt: nobody captures
};

// What the workers are given to use together; each part says what is for any thread.
struct WorkerServices {
  log::Sink log;
  Recorder* recorder = nullptr;           // null: nothing is recorded
  Records* records = nullptr;             // null: no call records are kept
  CallWatcher* watcher = nullptr;         // the HTTP API; null: there is none
  Agent* talky_agent = nullptr;           // null: no route leads to one
  SpokenSentence* reconnecting = nullptr; // for callers whose agent is dialled again; never null
  Tracer* tracer = nullptr;               // null: no traces are sent
  bool agent_keeps_journal = false;
  std::string digest_key;
  CallLimits* calls = nullptr;
  CallLimits* connections = nullptr;
  CallLimits* calls_out = nullptr; // those that we place
};

// Settings that may change while calls go on (SIGHUP).
struct LiveSettings {
  std::shared_ptr<const Routes> routes;
  std::shared_ptr<const Users> users;
  std::vector<sip::DigestAlgorithm> digests;
  std::shared_ptr<const std::vector<std::string>> refer; // patterns of --allow-refer
  std::shared_ptr<const OutRules> calls_out;             // never null
  // Of play: targets, read when the settings are.
  std::unordered_map<std::string, std::shared_ptr<const audio::Samples>> files;
};

} // namespace talky::sipd
