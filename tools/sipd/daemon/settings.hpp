// Everything that talky-sipd can be told: the option table, and what came out of it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "core/endpoint.hpp"
#include "core/ip_network.hpp"
#include "core/log.hpp"
#include "echo/echo_guard.hpp"
#include "net/port_pool.hpp"
#include "net/stream.hpp"
#include "sipd/api/api_access.hpp"
#include "sipd/bridge/routes.hpp"
#include "sipd/daemon/calls_command.hpp"
#include "sipd/daemon/observe_settings.hpp"
#include "sipd/messages/call_out.hpp"
#include "sipd/worker/users.hpp"
#include "store/files.hpp"

namespace talky::sipd {

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of the options, and there is one
struct Settings {
  // As written.
  std::vector<std::string> listen_text{"127.0.0.1:5060"};
  std::string users_path;
  bool open = false;
  std::string realm = "talky";
  bool always_challenge = false;
  std::vector<std::string> allow_text;
  std::vector<IpNetwork> allow;
  std::string digest_text = "auto";
  std::string bridge_text = "agent";
  std::vector<std::string> route_text;
  std::uint32_t ring_ms = 0;
  std::string echo_cancel_text = "auto";
  std::string agent_text;    // address of the agent's socket
  std::string agent_command; // how to start one; "" not at all
  std::string rtp_ports_text = "16384-32767";
  std::string advertise_text;
  std::string bridge_ca; // "": the system's authorities
  std::vector<std::string> refer_text;
  std::uint32_t rtp_timeout_s = 30;
  std::vector<std::string> codec_text{"PCMU", "PCMA"};
  std::uint32_t session_expires_s = 1800;
  std::string record;
  bool record_packets = true;
  std::optional<std::string> cdr_text; // unset: calls.db beside the recordings; "": none
  std::uint32_t keep_days = 0;         // 0: for ever
  std::string keep_bytes_text = "0";   // of recordings; 0: no limit
  std::uint32_t max_calls = 500;
  std::uint32_t max_calls_per_source = 250;
  std::uint32_t workers = 1;
  std::string http_text = "127.0.0.1:8000"; // "": no HTTP API
  std::string http_tokens_path;
  struct CallsOut {
    std::vector<std::string> allowed; // patterns of whom the API may call
    std::uint32_t most = 10;          // at a time
    std::string passwords_path;
    std::shared_ptr<const OutRules> rules; // filled by resolve()
  } calls_out;
  std::string web; // folder of the web page; "": none
  ObserveSettings observe;
  std::string log_level_text = "info";

  // What that means; filled by resolve().
  struct Listen {
    Endpoint endpoint;
    bool may_move = false; // it is the default: if the port is taken, another one does
  };
  std::vector<Listen> listen;
  net::PortPool::Range rtp_ports{};
  std::optional<IpAddress> advertise;
  std::shared_ptr<const Routes> routes;
  std::shared_ptr<const Users> users;        // null without --users
  std::vector<sip::DigestAlgorithm> digests; // of the challenges, in their order
  std::string locked_out;                    // users of the file who cannot answer them; "" for none
  echo::Mode echo_cancel = echo::Mode::automatic;
  net::StreamAddress agent_address;
  log::Level log_level = log::Level::info;
  std::optional<store::Location> cdr; // nullopt: no call records
  std::string cdr_spool;              // folder for records that wait for their database
  store::Retention retention;
  std::optional<Endpoint> http;              // nullopt: no HTTP API
  bool http_is_default = false;              // it was not asked for: if its port is taken, there is none
  std::shared_ptr<const Tokens> http_tokens; // null: nobody is asked for one
  std::string samples;                       // folder of the voices' samples
  bool wide = false;                         // some address is not loopback

  bool uses_agent() const;
};

// Parses and checks; --check-config does no more than this. nullopt in `settings` with an exit code: done.
struct Loaded {
  std::optional<Settings> settings;
  int exit_code = 0;
  std::string command; // "", "explain" or "calls"
  std::string number;  // of explain
  CallsOptions calls;
};
Loaded load_settings(int argc, const char* const* argv);

} // namespace talky::sipd
