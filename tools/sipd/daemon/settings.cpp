#include "sipd/daemon/settings.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/logger.hpp"

namespace talky::sipd {
namespace {

using cli::ExitCode;
using cli::Failure;

constexpr std::uint16_t kSipPort = 5060;
constexpr std::uint16_t kHttpPort = 8000;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// For what is kept.
std::string state_folder() {
  const std::string state = environment("XDG_STATE_HOME");
  if (!state.empty()) return state + "/talky";
  const std::string home = environment("HOME");
  return home.empty() ? "." : home + "/.local/state/talky";
}

std::string default_record_folder() {
  return state_folder() + "/calls";
}

std::string default_agent_address() {
  const std::string runtime = environment("XDG_RUNTIME_DIR");
  if (!runtime.empty()) return "unix:" + runtime + "/talky-agent.sock";
  return fmt::format("unix:/tmp/talky-{}/agent.sock", ::geteuid());
}

// Beside our own binary, as after a build; otherwise whatever PATH has.
std::string default_agent_command() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "talky-agent";
  const auto beside = self.parent_path() / "talky-agent";
  return std::filesystem::exists(beside, error) ? beside.string() : "talky-agent";
}

// Where `cmake --install` and a build put it, seen from our own binary.
std::string default_web_folder() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const auto folder = self.parent_path().parent_path() / "share" / "talky" / "web";
  return std::filesystem::is_directory(folder, error) ? folder.string() : std::string();
}

void describe(cli::Options& options, Settings& s) {
  options.config_file();
  options.group("Where it listens");
  options.add("listen", s.listen_text, "HOST:PORT", "UDP and TCP; may be given several times");
  options.add("users", s.users_path, "FILE", "user:password lines; who may register and call").files();
  options.flag("open", s.open, "let anybody on the network register and call");
  options.flag("always-challenge", s.always_challenge, "ask for the password at each call, too");
  options.add("allow", s.allow_text, "NET", "calls from there need no password, such as of a trunk");
  options.add("realm", s.realm, "NAME", "of the passwords");
  options.add("digest", s.digest_text, "WHAT", "algorithm of the challenges; auto: what the users need")
      .choices({"auto", "md5", "sha-256", "both"});
  options.add("advertise", s.advertise_text, "IP", "address for the SDP instead of the local one");
  options.add("rtp-ports", s.rtp_ports_text, "LO-HI", "for media");
  options.group("What a call is connected to");
  options.add("bridge", s.bridge_text, "TARGET", "where no route fits");
  options.add("route", s.route_text, "PATTERN=TARGET", "by the dialled number; the first that fits counts");
  options.add("bridge-ca", s.bridge_ca, "FILE", "who signs the certificates of wss:// targets (PEM)").files();
  options.add("ring", s.ring_ms, "MS", "let it ring before the answer");
  options
      .add("echo-cancel", s.echo_cancel_text, "WHEN",
           "take the agent's echo out of the caller's sound: auto where there is one")
      .choices({"auto", "on", "off"});
  options.add("allow-refer", s.refer_text, "PATTERN", "whom a phone may transfer its call to (REFER); none");
  options.add("agent", s.agent_text, "ADDRESS", "the agent's socket: unix:PATH or tcp:HOST:PORT");
  options
      .add("agent-command", s.agent_command, "CMD",
           "shell words that start an agent if none is there; '' does not")
      .files();
  options.group("What is kept");
  options.add("record", s.record, "DIR", "WAV, journal and pcap of each call; '' records nothing")
      .directories();
  options.flag("record-packets", s.record_packets, "leave the pcap out");
  options.add(
      "cdr", s.cdr_text, "URL",
      "call records: FILE (SQLite) or postgresql://...; '' keeps none [calls.db beside the recordings]");
  options.add("keep-days", s.keep_days, "N", "calls and recordings older than that are removed; 0 keeps all");
  options.add("keep-bytes", s.keep_bytes_text, "SIZE",
              "of recordings (500M, 20G); the oldest go; 0 no limit");
  options.group("HTTP API");
  options.add("http", s.http_text, "HOST:PORT", "where it is served, with /metrics; '' turns it off");
  options.add("http-tokens", s.http_tokens_path, "FILE", "read:TOKEN and operate:TOKEN lines; who may use it")
      .files();
  options.add("allow-calls-out", s.calls_out.allowed, "PATTERN",
              "whom POST /api/v1/sip/calls may call; none");
  options
      .add("calls-out-passwords", s.calls_out.passwords_path, "FILE",
           "HOST USER:PASSWORD lines, for who asks the caller for one")
      .files();
  options.add("max-calls-out", s.calls_out.most, "N", "calls out at a time");
  options.add("web", s.web, "DIR", "files of the web page at /; '' serves none").directories();
  describe_observe(options, s.observe);
  options.group("Limits");
  options.add("max-calls", s.max_calls, "N", "in all");
  options.add("max-calls-per-source", s.max_calls_per_source, "N", "from one address");
  options.add("rtp-timeout", s.rtp_timeout_s, "SEC", "end a call that has gone silent; 0 never");
  options.add("codec", s.codec_text, "NAME", "that calls offer and take, the best first; PCMU and PCMA");
  options.add("session-expires", s.session_expires_s, "SEC", "session timer; 0 only if the phone asks");
  options.add("workers", s.workers, "N", "event loops");
  options.add("log-level", s.log_level_text, "LEVEL", "of stderr")
      .choices({"trace", "debug", "info", "warn", "error"});
  options.footer(fmt::format("TARGET: {}", target_forms()));
  options.rare({"log-level",
                "rtp-ports",
                "realm",
                "always-challenge",
                "allow",
                "digest",
                "advertise",
                "agent-command",
                "record-packets",
                "keep-days",
                "keep-bytes",
                "max-calls",
                "max-calls-per-source",
                "rtp-timeout",
                "codec",
                "session-expires",
                "workers",
                "echo-cancel",
                "allow-refer",
                "bridge-ca",
                "allow-calls-out",
                "calls-out-passwords",
                "max-calls-out",
                "web",
                "otlp",
                "otlp-headers",
                "otlp-ca",
                "otlp-compression",
                "hep",
                "hep-id",
                "hep-key"});
  options.example("talky-sipd",
                  "register a softphone to 127.0.0.1:5060, any user and password, and dial 100");
  options.example("talky-sipd --bridge echo --route '200=play:hello.wav'", "an echo, and a file on 200");
  options.example("talky-sipd --listen 192.0.2.7:5060 --users users.txt", "for the telephones of the house");
}

void resolve_listen(Settings& s, bool is_default) {
  if (s.listen_text.empty()) throw Failure(ExitCode::usage, "--listen: at least one address is needed");
  for (const std::string& text : s.listen_text) {
    const auto endpoint = net::resolve(text, kSipPort);
    if (!endpoint) throw Failure(ExitCode::usage, fmt::format("--listen: \"{}\" is not HOST:PORT", text));
    s.listen.push_back({*endpoint, is_default});
    s.wide = s.wide || !endpoint->ip.is_loopback();
  }
  if (s.wide && !s.users && !s.open) {
    throw Failure(
        ExitCode::usage,
        "an address that others can reach needs --users FILE (passwords) or --open (anybody may call)");
  }
}

// Which challenges are sent. Some phones give up when they see SHA-256, even beside MD5, so it is named by
// itself only where somebody needs it.
void resolve_digest(Settings& s) {
  using sip::DigestAlgorithm;
  const bool all_md5 = !s.users || s.users->unable(DigestAlgorithm::md5).empty();
  const bool some_md5 = !s.users || s.users->able(DigestAlgorithm::md5) > 0;
  const bool automatic = s.digest_text == "auto";
  if (s.digest_text == "md5" || s.digest_text == "both" || (automatic && some_md5))
    s.digests.push_back(DigestAlgorithm::md5);
  if (s.digest_text == "sha-256" || s.digest_text == "both" || (automatic && !all_md5))
    s.digests.push_back(DigestAlgorithm::sha256);
  if (!s.users || s.digests.size() != 1) return;
  const std::size_t able = s.users->able(s.digests[0]);
  const std::string example = s.users->unable(s.digests[0]);
  if (example.empty()) return;
  s.locked_out = fmt::format("--digest {}: {} of {} users have no secret for it, such as \"{}\"",
                             s.digest_text, s.users->names() - able, s.users->names(), example);
  if (able == 0) throw Failure(ExitCode::config, s.locked_out + ": nobody could register");
}

void resolve_records(Settings& s) {
  // What belongs to the calls stays together; without recordings it is state of this user.
  const std::string folder = s.record.empty() ? state_folder() : s.record;
  s.cdr_spool = folder + "/spool";
  const std::string text = s.cdr_text.value_or("sqlite:" + folder + "/calls.db");
  if (!text.empty()) {
    auto place = store::Location::parse(text);
    if (!place) throw Failure(ExitCode::usage, fmt::format("--cdr: expected {}", place.error().text));
    s.cdr = std::move(*place);
  }
  const auto bytes = store::parse_size(s.keep_bytes_text);
  if (!bytes) {
    throw Failure(ExitCode::usage,
                  fmt::format("--keep-bytes: \"{}\" is not a size such as 500M or 20G", s.keep_bytes_text));
  }
  s.retention = {s.keep_days, *bytes, s.record};
}

void resolve_http(Settings& s, bool is_default) {
  OutRules rules{s.calls_out.allowed, {}};
  if (!s.calls_out.passwords_path.empty()) rules.passwords = PeerPasswords::load(s.calls_out.passwords_path);
  s.calls_out.rules = std::make_shared<const OutRules>(std::move(rules));
  if (!s.http_tokens_path.empty()) s.http_tokens = std::make_shared<Tokens>(Tokens::load(s.http_tokens_path));
  if (s.http_text.empty()) return;
  s.http = net::resolve(s.http_text, kHttpPort);
  s.http_is_default = is_default;
  s.samples = fmt::format("{}/voices", state_folder());
  if (!s.http) throw Failure(ExitCode::usage, fmt::format("--http: \"{}\" is not HOST:PORT", s.http_text));
  if (!s.http->ip.is_loopback() && !s.http_tokens)
    throw Failure(ExitCode::usage, "--http on an address that others can reach needs --http-tokens FILE");
}

void resolve(Settings& s, bool default_listen) {
  if (!s.users_path.empty()) s.users = std::make_shared<Users>(Users::load(s.users_path));
  resolve_digest(s);
  resolve_listen(s, default_listen);

  auto standard = Target::parse(s.bridge_text);
  if (!standard) {
    throw Failure(ExitCode::usage, fmt::format("--bridge: \"{}\" is not {}", s.bridge_text, target_forms()));
  }
  auto routes = std::make_shared<Routes>(std::move(*standard));
  for (const std::string& text : s.route_text) {
    if (const auto expected = routes->add(text)) {
      throw Failure(ExitCode::usage, fmt::format("--route: \"{}\" is not {}", text, *expected));
    }
  }
  s.routes = std::move(routes);

  s.echo_cancel = s.echo_cancel_text == "on"    ? echo::Mode::always
                  : s.echo_cancel_text == "off" ? echo::Mode::off
                                                : echo::Mode::automatic;

  const auto range = net::PortPool::Range::parse(s.rtp_ports_text);
  if (!range) {
    throw Failure(ExitCode::usage,
                  fmt::format("--rtp-ports: \"{}\" is not LO-HI with room for a pair of ports "
                              "from 1 to 65535",
                              s.rtp_ports_text));
  }
  s.rtp_ports = *range;
  if (!s.bridge_ca.empty() && !std::ifstream(s.bridge_ca))
    throw Failure(ExitCode::no_input, fmt::format("--bridge-ca {}: cannot be read", s.bridge_ca));
  for (const std::string& text : s.allow_text) {
    const auto network = IpNetwork::parse(text);
    if (!network)
      throw Failure(ExitCode::usage,
                    fmt::format("--allow: \"{}\" is not an address or a network such as 192.0.2.0/24", text));
    s.allow.push_back(*network);
  }
  if (s.users_path.empty() && (s.always_challenge || !s.allow.empty()))
    throw Failure(ExitCode::usage,
                  "--always-challenge and --allow need --users FILE: without it nobody is asked");
  if (!s.advertise_text.empty()) {
    s.advertise = IpAddress::parse(s.advertise_text);
    if (!s.advertise) {
      throw Failure(ExitCode::usage,
                    fmt::format("--advertise: \"{}\" is not an IP address", s.advertise_text));
    }
  }
  const auto agent = net::parse_stream_address(s.agent_text);
  if (!agent) {
    throw Failure(ExitCode::usage,
                  fmt::format("--agent: \"{}\" is not unix:PATH or tcp:HOST:PORT", s.agent_text));
  }
  s.agent_address = *agent;
  if (s.workers < 1 || s.workers > 64) throw Failure(ExitCode::usage, "--workers: from 1 to 64");
  if (s.rtp_ports.pairs() < s.workers)
    throw Failure(ExitCode::usage, "--rtp-ports: fewer pairs than workers");
  if (s.max_calls < 1) throw Failure(ExitCode::usage, "--max-calls: at least 1");
  resolve_records(s);
  resolve_observe(s.observe);
  s.log_level = cli::parse_level(s.log_level_text).value_or(log::Level::info);
}

} // namespace

bool Settings::uses_agent() const {
  for (const Target* target : routes->targets()) {
    if (target->destination->needs_agent()) return true;
  }
  return false;
}

Loaded load_settings(int argc, const char* const* argv) {
  Loaded loaded;
  Settings s;
  s.record = default_record_folder();
  s.agent_text = default_agent_address();
  s.agent_command = default_agent_command();
  s.web = default_web_folder();
  cli::Options options("sipd", "SIP registrar and auto-answering bridge between softphones and voice agents");
  describe(options, s);
  options.command("explain", "say where a dialled number goes, and why");
  options.positional("NUMBER", loaded.number, "what the caller dials", true);
  add_calls_command(options, loaded.calls);
  options.validate([&] {
    resolve(s, options.source("listen") == cli::Source::standard);
    resolve_http(s, options.source("http") == cli::Source::standard);
  });
  if (const auto code = options.parse(argc, argv)) {
    loaded.exit_code = *code;
    return loaded;
  }
  loaded.command = options.command();
  loaded.settings = std::move(s);
  return loaded;
}

} // namespace talky::sipd
