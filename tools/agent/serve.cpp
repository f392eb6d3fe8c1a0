#include "serve.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <csignal>

#include <cerrno>
#include <cstring>
#include <functional>
#include <set>
#include <thread>

#include "cli/main.hpp"
#include "commands.hpp"
#include "engine/flite.hpp"
#include "language/sentences.hpp"
#include "net/fd.hpp"
#include "server.hpp"
#include "stdio.hpp"

namespace talky::agent {
namespace {

std::shared_ptr<const voice::Cassette> load_cassette(const std::string& path) {
  auto cassette = voice::Cassette::parse(read_text(path, voice::Cassette::kMaxBytes));
  if (cassette) return std::make_shared<const voice::Cassette>(std::move(*cassette));
  throw cli::Failure(cli::ExitCode::data, fmt::format("{}: line {}: expected {}", path,
                                                      cassette.error().offset, cassette.error().what));
}

// How long the recogniser may take to be loaded while a caller already speaks.
constexpr voice::Samples kLoading = voice::from_ms(60'000);

void make_folder(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return;
  if (::mkdir(path.c_str(), 0750) != 0) {
    throw cli::Failure(cli::ExitCode::cannot_create, fmt::format("{}: {}", path, std::strerror(errno)));
  }
}

// What the flow says first, in its variants: several starts by different chance show them.
std::set<std::string> greetings(const std::shared_ptr<const flow::Flow>& flow) {
  std::set<std::string> found;
  voice::in::Start start;
  start.moment = local_moment();
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Random random(seed);
    const voice::Reply reply = flow::make_dialogue(flow)->start(start, random);
    for (std::string& sentence : language::sentences(reply.text))
      found.insert(std::move(sentence));
  }
  return found;
}

class Agent {
 public:
  explicit Agent(const ServeSettings& settings)
      : settings_(settings),
        log_(cli::parse_level(settings.log_level).value_or(log::Level::info)),
        files_(log_.sink()),
        context_{.loop = loop_, .log = log_, .files = files_, .flow = load_flow(settings.flow)} {
    context_.folders = !settings.listen.empty();
    context_.force = settings.force;
    context_.journal = settings.journal;
    if (settings.record) context_.record = settings.cassette;
    if (settings.play) context_.cassette = load_cassette(settings.cassette);
    context_.seed = settings.seed;
    context_.voice = settings.voice;
    context_.config.lockstep = settings.lockstep;
    context_.config.voice = !settings.voice.empty()           ? settings.voice
                            : !context_.flow->voice().empty() ? context_.flow->voice()
                                                              : std::string(engine::voices().front().name);
    for (const std::string& folder : {context_.journal, context_.record}) {
      if (context_.folders && !folder.empty()) make_folder(folder);
    }
  }

  int run() {
    if (!context_.cassette) load_engines();
    if (context_.folders) {
      serve_sockets();
    } else {
      serve_stdio();
    }
    return static_cast<int>(exit_code_);
  }

 private:
  void load_engines() {
    try {
      speech_ =
          std::make_unique<engine::Speech>(engine::SpeechConfig{.models = models_folder(settings_.models),
                                                                .stt = settings_.stt,
                                                                .threads = settings_.threads,
                                                                .processor_time = settings_.lockstep});
      for (const std::string& sentence : greetings(context_.flow))
        speech_->prepare(context_.config.voice, sentence);
      // Whoever is let in is understood: a socket is opened when the recogniser is there. (In lockstep the
      // wait would count as service time.) The one caller of a pipe hears the greeting meanwhile, and what
      // they say waits for the recogniser.
      if (settings_.lockstep || context_.folders) {
        speech_->wait_until_loaded();
      } else {
        context_.config.stt_timeout = kLoading;
      }
    } catch (const engine::onnx::LoadError& error) {
      throw cli::Failure(cli::ExitCode::unavailable, error.what());
    }
    context_.speech = speech_.get();
  }

  void start_loader() {
    if (speech_) loader_ = std::jthread([this] { finish_loading(); });
  }

  // Runs beside the loop. What else is often said is synthesised when the recogniser is there.
  void finish_loading() {
    try {
      speech_->wait_until_loaded();
      log_(log::Level::info, log::Line("loaded").add("stt", size_name()).add("threads", speech_->threads()));
      if (!context_.folders) return;
      // A caller may choose the voice: each has its greeting ready.
      const std::set<std::string> first = greetings(context_.flow);
      for (const engine::Voice& voice : engine::voices())
        speech_->prepare_later(voice.name, {first.begin(), first.end()});
      speech_->prepare_later(context_.config.voice, context_.flow->fixed_sentences());
    } catch (const engine::onnx::LoadError& error) {
      loop_.post([this, text = std::string(error.what())] {
        cli::complain("talky-agent", text);
        exit_code_ = cli::ExitCode::unavailable;
        loop_.stop();
      });
    }
  }

  const char* size_name() const { return settings_.stt == engine::MoonshineSize::base ? "base" : "tiny"; }

  // The first signal ends the calls in an orderly way, the second at once.
  void run_loop(const std::function<void()>& end) {
    int signals = 0;
    loop_.on_signal({SIGTERM, SIGINT, SIGHUP}, [&](int) {
      if (++signals > 1) {
        loop_.stop();
      } else {
        end();
      }
    });
    loop_.run();
  }

  void serve_sockets() {
    Server server(context_, settings_.max_calls);
    server.listen(settings_.listen);
    log::Line ready("ready");
    ready.add("listen", settings_.listen)
        .add("flow", context_.flow->name())
        .add("voice", context_.config.voice);
    if (speech_) ready.add("onnxruntime", speech_->runtime_version());
    log_(log::Level::info, ready);
    start_loader();
    run_loop([&] { server.drain(std::chrono::seconds(settings_.drain_s), [this] { loop_.stop(); }); });
  }

  void serve_stdio() {
    start_loader();
    StdioCall call(context_, [this](bool written) {
      if (!written) exit_code_ = cli::ExitCode::io;
      loop_.stop();
    });
    call.begin();
    run_loop([&call] { call.shut_down(); });
  }

  const ServeSettings& settings_;
  cli::Logger log_;
  net::Loop loop_;
  LineFiles files_;
  Context context_;
  std::unique_ptr<engine::Speech> speech_;
  cli::ExitCode exit_code_ = cli::ExitCode::ok;
  std::jthread loader_; // last: joined before what it uses goes
};

} // namespace

int serve(const ServeSettings& settings) {
  cli::ignore_sigpipe();
  net::raise_fd_limit();
  return Agent(settings).run();
}

} // namespace talky::agent
