#include "call.hpp"

#include <ctime>
#include <utility>
#include <variant>

#include "control.hpp"
#include "engine/flite.hpp"
#include "net/entropy.hpp"
#include "voice/journal.hpp"

namespace talky::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFrame = voice::kFrameSamples;
// How much audio may wait to be processed before the peer is paused, and when it is let go again.
constexpr std::size_t kHighWater = 32'000;
constexpr std::size_t kLowWater = 8'000;
// Pacing of a live call: audio may come up to so much early, and a tenth faster than it was spoken, to catch
// up after a gap. What floods in faster than that waits in the peer's socket.
constexpr Duration kBurst = 1s;
constexpr Duration kFrameTime = 18ms; // what a frame of 20 ms takes from the credit
// A peer that does not read: so many bytes wait, for so long.
constexpr std::size_t kUnread = 256U << 10;
constexpr Duration kUnreadFor = 10s;
// In lockstep, for an engine.
constexpr Duration kEnginePatience = 60s;
constexpr int kFramesAtOnce = 25; // then the other calls have their turn

bool is_last(const voice::Answer& answer) {
  if (const auto* chunk = std::get_if<voice::TtsChunk>(&answer)) return chunk->last;
  if (const auto* delta = std::get_if<voice::LlmDelta>(&answer)) return delta->last;
  return true;
}

} // namespace

voice::Moment local_moment() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min};
}

Call::Call(Context& context, Peer& peer, std::string name)
    : context_(context), peer_(peer), name_(std::move(name)), timer_(context.loop, [this] { run(); }) {}

Call::~Call() {
  lifetime_.end();
  close_files();
}

void Call::close_files() {
  if (journal_) context_.files.close(*journal_);
  if (record_) context_.files.close(*record_);
  journal_.reset();
  record_.reset();
}

std::string Call::file_path(const std::string& path, const char* ending) const {
  return context_.folders ? path + "/" + name_ + ending : path;
}

std::optional<LineFiles::File> Call::open_file(const std::string& path, const char* ending) {
  if (path.empty()) return std::nullopt;
  auto file = context_.files.create(file_path(path, ending), context_.force);
  // A peer may use a call id twice: its second call gets another name, and no file is lost.
  for (int again = 2; context_.folders && !file && file.error().code == EEXIST && again < 1000; ++again) {
    file = context_.files.create(path + "/" + name_ + "-" + std::to_string(again) + ending, false);
  }
  if (file) return *file;
  context_.log(
      log::Level::error,
      log::Line("file.failed").add("path", file_path(path, ending)).add("error", file.error().message()));
  return std::nullopt;
}

void Call::start(voice::in::Start start, bool reports) {
  if (over_ || session_) return;
  start.moment = local_moment();
  if (!start.voice.empty() && engine::find_voice(start.voice) == nullptr) {
    context_.log(log::Level::warn, log::Line("voice.unknown").add("call", name_).add("voice", start.voice));
    start.voice.clear();
  }
  if (start.voice.empty()) start.voice = context_.voice;
  if (!context_.folders && !start.call_id.empty()) name_ = start.call_id; // names no file then
  std::uint64_t seed = context_.seed ? *context_.seed : Random(net::entropy_seed())();
  if (context_.cassette) {
    start = context_.cassette->start();
    seed = context_.cassette->seed();
    vad_ = std::make_unique<voice::PlayingVad>(context_.cassette);
    engine_ = std::make_unique<voice::CassetteEngine>(context_.cassette);
  } else {
    vad_ = context_.speech->make_detector();
    // An answer is announced on the engine's thread.
    engine_ = context_.speech->make_engine([&loop = context_.loop, answered = lifetime_.guard([this] {
      take_answers();
      run();
    })] { loop.post(answered); });
  }
  journal_ = open_file(context_.journal, ".jsonl");
  record_ = open_file(context_.record, ".cassette");
  voice::VoiceActivity* ear = vad_.get();
  if (record_) {
    recorder_.emplace();
    recorder_->start(start, seed);
    recording_vad_ = std::make_unique<voice::RecordingVad>(*vad_, *recorder_);
    ear = recording_vad_.get();
  }
  voice::Config config = context_.config;
  config.reports = reports;
  session_.emplace(config, flow::make_dialogue(context_.flow), *ear, Random(seed));
  context_.log(log::Level::info,
               log::Line("call.start").add("call", name_).add("from", start.from).add("to", start.to));
  credit_from_ = net::now() - kBurst;
  if (reports) peer_.control(ipc::Accepts{.say = true});
  session_->control(start);
  pump();
  run();
}

void Call::receive(std::span<const std::int16_t> pcm) {
  if (over_) return;
  if (input_head_ > input_.size() / 2) {
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(input_head_));
    input_head_ = 0;
  }
  input_.insert(input_.end(), pcm.begin(), pcm.end());
  run();
}

void Call::control(const voice::Control& control) {
  if (over_ || !session_) return;
  const auto* say = std::get_if<voice::in::Say>(&control);
  if (say != nullptr && !say->voice.empty() && engine::find_voice(say->voice) == nullptr) {
    context_.log(log::Level::warn, log::Line("voice.unknown").add("call", name_).add("voice", say->voice));
    session_->control(voice::in::Say{say->text, "", say->interruptible, say->clear});
  } else {
    session_->control(control);
  }
  pump();
}

void Call::end_of_input(std::string_view cause) {
  if (over_ || !input_end_.empty()) return;
  input_end_ = cause;
  if (!session_) return end(cause);
  run();
}

// May the next frame be processed now? If not, the timer or an event calls run() again.
bool Call::may_process() {
  const Time now = net::now();
  const bool engine_works = context_.config.lockstep && !open_.empty();
  const bool unread = peer_.queued() > kUnread;
  if (engine_works || unread) {
    if (!waiting_since_) waiting_since_ = now;
    const Time until = *waiting_since_ + (unread ? kUnreadFor : kEnginePatience);
    if (now < until) {
      timer_.at(until);
      return false;
    }
    waiting_since_.reset();
    if (unread) {
      end("the peer does not read");
      return false;
    }
    open_.clear(); // the session's own time-outs deal with it
  }
  waiting_since_.reset();
  if (context_.config.lockstep) return true;
  if (credit_from_ + kFrameTime > now) {
    timer_.at(credit_from_ + kFrameTime);
    return false;
  }
  credit_from_ = std::max(credit_from_ + kFrameTime, now - kBurst);
  return true;
}

void Call::run() {
  if (over_) return;
  int frames = 0;
  while (session_ && !over_) {
    const std::size_t there = input_.size() - input_head_;
    if (there < kFrame && (input_end_.empty() || there == 0)) break;
    if (++frames > kFramesAtOnce) {
      timer_.at(net::now());
      break;
    }
    if (!may_process()) break;
    const std::size_t count = std::min(there, kFrame);
    session_->receive(std::span(input_).subspan(input_head_, count));
    input_head_ += count;
    pump();
  }
  if (over_) return;
  const std::size_t left = input_.size() - input_head_;
  if (session_ && left == 0 && !input_end_.empty()) return end(input_end_);
  if (const bool pause = left > (paused_ ? kLowWater : kHighWater); pause != paused_) {
    paused_ = pause;
    peer_.pause(pause);
  }
}

void Call::pump() {
  while (!over_) {
    auto output = session_->poll();
    if (!output) break;
    handle(*output);
  }
  if (recorder_ && record_) {
    while (auto line = recorder_->poll())
      context_.files.write(*record_, std::move(*line));
  }
  if (!over_) take_answers(); // those that were there at once
}

void Call::handle(voice::Output& output) {
  std::visit(
      [this](auto& o) {
        using T = std::decay_t<decltype(o)>;
        if constexpr (std::is_same_v<T, voice::out::Audio>) {
          peer_.audio(o.pcm);
        } else if constexpr (std::is_same_v<T, voice::out::Clear>) {
          peer_.control(ipc::Clear{});
        } else if constexpr (std::is_same_v<T, voice::out::Duck>) {
          peer_.control(ipc::Duck{o.on});
        } else if constexpr (std::is_same_v<T, voice::out::Mark>) {
          peer_.control(ipc::Mark{o.name});
        } else if constexpr (std::is_same_v<T, voice::out::Hangup>) {
          hangup_ = o.reason;
          peer_.control(ipc::Hangup{o.reason});
        } else if constexpr (std::is_same_v<T, voice::out::Transfer>) {
          peer_.control(ipc::Transfer{o.target});
        } else if constexpr (std::is_same_v<T, voice::out::Dtmf>) {
          peer_.control(ipc::SendDtmf{o.digits});
        } else if constexpr (std::is_same_v<T, voice::out::Turn>) {
          peer_.control(to_ipc(o));
        } else if constexpr (std::is_same_v<T, voice::JournalLine>) {
          note(o.text);
          if (journal_) context_.files.write(*journal_, std::move(o.text));
        } else {
          ask(o);
        }
      },
      output);
}

void Call::ask(const voice::Request& request) {
  if (std::holds_alternative<voice::Cancel>(request)) {
    open_.erase(voice::id_of(request));
  } else {
    open_.insert(voice::id_of(request));
  }
  if (recorder_) recorder_->request(request);
  engine_->request(request);
}

void Call::take_answers() {
  if (over_ || !session_) return;
  while (auto answer = engine_->poll()) {
    if (is_last(*answer)) open_.erase(voice::id_of(*answer));
    if (const auto* failure = std::get_if<voice::Failure>(&*answer)) {
      context_.log(log::Level::warn,
                   log::Line("engine.failed").add("call", name_).add("reason", failure->reason));
    }
    session_->answer(recorder_ ? recorder_->answer(std::move(*answer), session_->now()) : std::move(*answer));
  }
}

// What a person who watches the call, or the log, wants to know of the journal.
void Call::note(const std::string& line) {
  namespace journal = voice::journal;
  const auto entry = journal::parse_line(line);
  if (!entry) return;
  if (const auto shown = captions_.show(*entry)) peer_.control(*shown);
  if (!context_.log.wants(log::Level::info)) return;
  if (const auto* turn = std::get_if<journal::Turn>(&entry->what)) {
    ++turns_;
    context_.log(log::Level::info, log::Line("heard").add("call", name_).add("text", turn->text));
  } else if (const auto* answer = std::get_if<journal::Answer>(&entry->what)) {
    context_.log(
        log::Level::info,
        log::Line("answer").add("call", name_).add("state", answer->state).add("text", answer->text));
  } else if (const auto* latency = std::get_if<journal::Latency>(&entry->what)) {
    context_.log(log::Level::info, log::Line("latency")
                                       .add("call", name_)
                                       .add("total_ms", voice::to_ms(latency->total))
                                       .add("endpoint_ms", voice::to_ms(latency->endpoint))
                                       .add("stt_ms", voice::to_ms(latency->stt))
                                       .add("dialogue_ms", voice::to_ms(latency->dialogue))
                                       .add("tts_ms", voice::to_ms(latency->tts))
                                       .add("out_ms", voice::to_ms(latency->out)));
  }
}

void Call::end(std::string_view cause) {
  if (over_) return;
  const std::string why(hangup_.empty() ? cause : std::string_view("agent hung up"));
  if (session_) {
    session_->control(voice::in::Stop{std::string(cause)});
    pump();
    if (recorder_ && record_) {
      recorder_->finish();
      while (auto line = recorder_->poll())
        context_.files.write(*record_, std::move(*line));
    }
  }
  over_ = true;
  engine_.reset();
  timer_.cancel();
  close_files();
  log::Line line("call.end");
  line.add("call", name_).add("cause", why);
  if (!hangup_.empty()) line.add("reason", hangup_);
  if (session_) line.add("seconds", voice::to_ms(session_->now()) / 1000).add("turns", turns_);
  context_.log(log::Level::info, line);
  peer_.ended(why);
}

} // namespace talky::agent
