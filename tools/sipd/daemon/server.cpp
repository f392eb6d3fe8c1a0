#include "sipd/daemon/server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "audio/frame.hpp"
#include "cli/logger.hpp"
#include "cli/main.hpp"
#include "file/wav.hpp"
#include "net/entropy.hpp"
#include "sipd/agent/spoken.hpp"
#include "sipd/api/api.hpp"
#include "sipd/sinks/records.hpp"
#include "sipd/sinks/tracer.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

using cli::ExitCode;
using cli::Failure;

constexpr std::uint64_t kMaxPlaySamples = std::uint64_t{audio::kBridgeRate} * 3600; // an hour
constexpr std::size_t kDigestKeyBytes = 16;
constexpr std::size_t kMaxConnections = 2'000; // of SIP over TCP, in all
constexpr std::size_t kMaxConnectionsPerSource = 200;
constexpr const char* kReconnectingText =
    "One moment, please. The connection was interrupted, and I am trying to restore it.";
constexpr int kMoves = 20; // ports tried when the default one is taken

LiveSettings load_live(const Settings& settings) {
  LiveSettings live{settings.routes,          settings.users,
                    settings.digests,         std::make_shared<std::vector<std::string>>(settings.refer_text),
                    settings.calls_out.rules, {}};
  for (const Target* target : settings.routes->targets()) {
    const std::string path(target->destination->sound_file());
    if (path.empty() || live.files.contains(path)) continue;
    auto samples = file::load_mono(path, audio::kBridgeRate, kMaxPlaySamples);
    if (!samples) {
      throw Failure(ExitCode::no_input, fmt::format("{}: {}: {}", target->text,
                                                    to_string(samples.error().code), samples.error().what));
    }
    live.files.emplace(path, std::make_shared<const audio::Samples>(std::move(*samples)));
  }
  return live;
}

Worker::Options worker_options(const Settings& settings) {
  Worker::Options out;
  out.workers = settings.workers;
  out.rtp_ports = settings.rtp_ports;
  out.advertise = settings.advertise;
  out.realm = settings.realm;
  out.always_challenge = settings.always_challenge;
  out.allow = settings.allow;
  out.follow_refer = !settings.refer_text.empty();
  out.session_expires = std::chrono::seconds(settings.session_expires_s);
  out.rtp_timeout = std::chrono::seconds(settings.rtp_timeout_s);
  auto codecs = call::make_capabilities(settings.codec_text);
  if (!codecs) throw Failure(ExitCode::usage, fmt::format("--codec: expected {}", codecs.error().what));
  out.capabilities = std::move(*codecs);
  out.ring = std::chrono::milliseconds(settings.ring_ms);
  out.echo_cancel = settings.echo_cancel;
  out.bridge_ca = settings.bridge_ca;
  out.record_packets = settings.record_packets;
  out.hep = settings.observe.hep;
  return out;
}

// Whether the port is free, for UDP and TCP. Asked without SO_REUSEPORT: with it another process of ours
// would let us in, and take half of our packets.
// Port 0 becomes one that is free for both.
net::SysResult<> probe(Endpoint& endpoint) {
  net::Loop loop;
  const auto udp = net::UdpSocket::open(loop, endpoint, {});
  if (!udp) return tl::unexpected(udp.error());
  endpoint.port = udp->local().port;
  const auto tcp = net::Listener::open(loop, endpoint, {}, [](const auto&) {}, {});
  if (!tcp) return tl::unexpected(tcp.error());
  return {};
}

// The endpoint itself, or with a default port that is taken (MicroSIP may itself hold 5060) one near it.
Endpoint choose(const Settings::Listen& listen, const log::Sink& log) {
  Endpoint endpoint = listen.endpoint;
  auto free = probe(endpoint);
  for (int i = 0; !free && listen.endpoint.port == 0 && i < kMoves; ++i)
    free = probe(endpoint = listen.endpoint);
  for (int i = 1; !free && free.error().code == EADDRINUSE && listen.may_move && i <= kMoves; ++i) {
    endpoint.port = static_cast<std::uint16_t>(listen.endpoint.port + 2 * i);
    free = probe(endpoint);
  }
  if (!free) {
    const std::string what =
        free.error().code == EADDRINUSE
            ? std::string("the port is taken by another program; choose one with --listen")
            : free.error().message();
    throw Failure(ExitCode::unavailable, fmt::format("--listen {}: {}", listen.endpoint.to_string(), what));
  }
  if (endpoint != listen.endpoint && listen.endpoint.port != 0) {
    log(log::Level::warn,
        log::Line("listen.moved")
            .add("wanted", listen.endpoint.to_string())
            .add("listen", endpoint.to_string())
            .add("why", "another program holds the port: register the softphone to the new one")
            .str());
  }
  return endpoint;
}

class Server {
 public:
  Server(Settings settings, int argc, const char* const* argv)
      : settings_(std::move(settings)), argc_(argc), argv_(argv), logger_(settings_.log_level) {}

  int run() {
    cli::ignore_sigpipe();
    const std::size_t descriptors = net::raise_fd_limit();
    shared_.log = logger_.sink();
    shared_.digest_key = net::entropy_hex(kDigestKeyBytes);
    shared_.calls = &calls_;
    shared_.connections = &connections_;
    shared_.calls_out = &calls_out_;
    warn_locked_out(settings_);
    const LiveSettings live = load_live(settings_);
    make_sinks();
    if (settings_.wide && settings_.open) {
      shared_.log(
          log::Level::warn,
          log::Line("open").add("why", "anybody on the network may register and call (--open)").str());
    }
    std::vector<Endpoint> endpoints;
    for (const Settings::Listen& listen : settings_.listen)
      endpoints.push_back(choose(listen, shared_.log));

    for (std::size_t i = 0; i < settings_.workers; ++i)
      loops_.push_back(std::make_unique<net::Loop>());
    if (settings_.uses_agent()) make_agent();
    reconnecting_.emplace(*loops_[0], settings_.agent_command, kReconnectingText, audio::Samples(),
                          "bridge.prompt", shared_.log);
    shared_.reconnecting = &*reconnecting_;
    if (settings_.http) make_api();
    std::vector<Worker*> all = make_workers(live, endpoints);
    loops_[0]->on_signal({SIGTERM, SIGINT, SIGHUP}, [this](int number) { signalled(number); });
    if (agent_) agent_->start();
    if (api_) api_->start(std::move(all), endpoints, probe);
    announce(endpoints, descriptors);
    run_loops();
    end();
    return static_cast<int>(ExitCode::ok);
  }

 private:
  // Recordings, call records, traces.
  void make_sinks() {
    if (!settings_.record.empty()) {
      recorder_.emplace(settings_.record, settings_.record_packets, shared_.log);
      shared_.recorder = &*recorder_;
    }
    make_records();
    if (settings_.observe.otlp) {
      tracer_.emplace(*settings_.observe.otlp, shared_.log);
      shared_.tracer = &*tracer_;
    }
  }

  std::vector<Worker*> make_workers(const LiveSettings& live, const std::vector<Endpoint>& endpoints) {
    std::vector<Worker*> all;
    for (std::size_t i = 0; i < settings_.workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(*loops_[i], worker_options_, shared_, live, i));
      all.push_back(workers_.back().get());
    }
    for (const auto& worker : workers_) {
      worker->introduce(all);
      for (const Endpoint& endpoint : endpoints) {
        if (const auto done = worker->listen(endpoint); !done) {
          throw Failure(ExitCode::unavailable,
                        fmt::format("--listen {}: {}", endpoint.to_string(), done.error().message()));
        }
      }
    }
    return all;
  }

  // Until all loops have been stopped.
  void run_loops() {
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < loops_.size(); ++i)
      threads.emplace_back([this, i] { loops_[i]->run(); });
    loops_[0]->run();
    for (std::thread& thread : threads)
      thread.join();
  }

  // In this order: who uses something goes before it.
  void end() {
    if (api_) api_->stop();
    workers_.clear();
    api_.reset();
    agent_.reset();
    reconnecting_.reset();
    recorder_.reset();
    records_.reset();
    tracer_.reset();
    shared_.log(log::Level::info, "stopped");
  }

  void make_records() {
    if (!settings_.cdr && !settings_.retention.wanted()) return;
    std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of one write, as a full disk is
    Records::Options options;
    options.database = settings_.cdr;
    options.spool = settings_.cdr_spool;
    options.recordings = settings_.record;
    options.retention = settings_.retention;
    options.agent_keeps_journal = settings_.uses_agent() && !settings_.agent_command.empty();
    if (recorder_) options.mended = recorder_->mended();
    records_.emplace(std::move(options), shared_.log);
    shared_.records = &*records_;
    if (recorder_)
      recorder_->on_closed(
          [this](const std::string& uuid, bool whole) { records_->files_closed(uuid, whole); });
  }

  void make_agent() {
    Agent::Options options{settings_.agent_address, settings_.agent_command, settings_.record};
    shared_.agent_keeps_journal = !settings_.record.empty() && !settings_.agent_command.empty();
    agent_ = std::make_unique<Agent>(*loops_[0], std::move(options), shared_.log);
    shared_.talky_agent = agent_.get();
  }

  // Where its default port is taken (a second daemon on this machine) the calls go on without it; one that
  // was asked for must be there.
  void make_api() {
    Api::Options options;
    options.max_calls = settings_.max_calls;
    options.workers = settings_.workers;
    options.bridge = settings_.bridge_text;
    options.web = settings_.web;
    options.agent_command = settings_.agent_command;
    options.samples = settings_.samples;
    options.cdr = settings_.cdr;
    options.recordings = settings_.record;
    options.tokens = settings_.http_tokens;
    auto api = std::make_unique<Api>(std::move(options), shared_);
    const auto bound = api->listen(*settings_.http);
    if (!bound && !settings_.http_is_default) {
      throw Failure(ExitCode::unavailable,
                    fmt::format("--http {}: {}", settings_.http_text, bound.error().message()));
    }
    if (!bound) {
      shared_.log(log::Level::warn, log::Line("http.off")
                                        .add("http", settings_.http->to_string())
                                        .add("why", bound.error().message())
                                        .add("hint", "choose another with --http HOST:PORT")
                                        .str());
      return;
    }
    http_ = bound->to_string();
    api_ = std::move(api);
    shared_.watcher = api_.get();
  }

  void announce(const std::vector<Endpoint>& endpoints, std::size_t descriptors) {
    std::string listen;
    for (const Endpoint& endpoint : endpoints)
      listen += (listen.empty() ? "" : ",") + endpoint.to_string();
    shared_.log(log::Level::info, log::Line("ready")
                                      .add("listen", listen)
                                      .add("http", http_)
                                      .add("bridge", settings_.bridge_text)
                                      .add("record", settings_.record)
                                      .add("cdr", settings_.cdr ? settings_.cdr->to_string() : "")
                                      .add("users", settings_.users ? settings_.users->size() : 0)
                                      .add("workers", settings_.workers)
                                      .add("max_calls", settings_.max_calls)
                                      .add("files", descriptors)
                                      .add("version", TALKY_VERSION)
                                      .add("pid", ::getpid())
                                      .str());
  }

  void warn_locked_out(const Settings& settings) {
    if (settings.locked_out.empty()) return;
    shared_.log(log::Level::warn, log::Line("digest").add("why", settings.locked_out).str());
  }

  void signalled(int number) {
    if (number == SIGHUP) return reload();
    if (stopping_) {
      if (number == SIGINT) ::_exit(128 + SIGINT); // asked twice: at once
      return;
    }
    stopping_ = true;
    if (api_) api_->closing();
    shared_.log(log::Level::info,
                log::Line("stopping").add("signal", number == SIGINT ? "INT" : "TERM").str());
    remaining_ = workers_.size();
    for (const auto& worker : workers_) {
      worker->post(
          [this, w = worker.get()] { w->shutdown([this] { loops_[0]->post([this] { worker_done(); }); }); });
    }
  }

  void worker_done() {
    if (--remaining_ > 0) return;
    const auto stop_all = [this] {
      for (const auto& loop : loops_)
        loop->stop();
    };
    if (agent_) return agent_->stop(stop_all);
    stop_all();
  }

  // Users, routes, who may be called, and files anew; what is wrong leaves all as it was. The rest of the
  // settings needs a restart.
  void reload() {
    try {
      Loaded loaded = load_settings(argc_, argv_);
      if (!loaded.settings) {
        shared_.log(log::Level::error, log::Line("reload.refused").add("why", "see the line above").str());
        return;
      }
      if (loaded.settings->users == nullptr && settings_.users != nullptr) {
        throw Failure(ExitCode::config, "--users cannot be taken away while running");
      }
      if (loaded.settings->uses_agent() && !agent_) {
        throw Failure(ExitCode::config, "a first route to the agent needs a restart");
      }
      const LiveSettings live = load_live(*loaded.settings);
      warn_locked_out(*loaded.settings);
      for (const auto& worker : workers_)
        worker->post([w = worker.get(), live] { w->reload(live); });
      shared_.log(log::Level::info,
                  log::Line("reload").add("users", live.users ? live.users->size() : 0).str());
    } catch (const Failure& failure) {
      shared_.log(log::Level::error, log::Line("reload.refused").add("why", failure.what()).str());
    }
  }

  Settings settings_;
  const Worker::Options worker_options_ = worker_options(settings_);
  int argc_;
  const char* const* argv_;
  cli::Logger logger_;
  CallLimits calls_{settings_.max_calls, settings_.max_calls_per_source};
  CallLimits calls_out_{settings_.calls_out.most, settings_.calls_out.most};
  CallLimits connections_{kMaxConnections, kMaxConnectionsPerSource};
  WorkerServices shared_;
  std::optional<Recorder> recorder_;
  std::optional<Records> records_;
  std::optional<Tracer> tracer_;
  std::vector<std::unique_ptr<net::Loop>> loops_;
  std::unique_ptr<Agent> agent_;
  std::optional<SpokenSentence> reconnecting_;
  std::unique_ptr<Api> api_;
  std::string http_; // where it is; "" without
  std::vector<std::unique_ptr<Worker>> workers_;
  bool stopping_ = false;
  std::size_t remaining_ = 0;
};

} // namespace

int serve(Settings settings, int argc, const char* const* argv) {
  Server server(std::move(settings), argc, argv);
  return server.run();
}

} // namespace talky::sipd
