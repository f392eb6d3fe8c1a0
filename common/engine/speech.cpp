#include "engine/speech.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <deque>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "engine/flite.hpp"
#include "engine/recogniser.hpp"
#include "engine/silero.hpp"
#include "engine/workers.hpp"

namespace talky::engine {
namespace {

using WallClock = std::chrono::steady_clock;

// Synthesised sentences by voice and text, least recently used first out.
class SentenceCache {
 public:
  explicit SentenceCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  voice::SharedPcm find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->pcm;
  }

  void put(const std::string& key, voice::Pcm pcm) {
    const std::size_t size = pcm.size() * sizeof(pcm[0]) + key.size();
    const std::lock_guard lock(mutex_);
    if (size > max_bytes_ / 4 || by_key_.contains(key)) return;
    order_.push_front({key, std::make_shared<const voice::Pcm>(std::move(pcm)), size});
    by_key_[key] = order_.begin();
    bytes_ += size;
    while (bytes_ > max_bytes_) {
      bytes_ -= order_.back().bytes;
      by_key_.erase(order_.back().key);
      order_.pop_back();
    }
  }

 private:
  struct Item {
    std::string key;
    voice::SharedPcm pcm;
    std::size_t bytes;
  };
  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::list<Item> order_; // most recently used first
  std::map<std::string, std::list<Item>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

std::string cache_key(const Voice& voice, const std::string& sentence) {
  return std::string(voice.name) + '\n' + sentence;
}

const Voice& voice_or_first(std::string_view name) {
  const Voice* found = find_voice(name);
  return found != nullptr ? *found : voices().front();
}

std::size_t recognisers(const SpeechConfig& config) {
  return config.threads > 0 ? config.threads : std::max(1U, std::thread::hardware_concurrency());
}

// What a call's engine and the workers share; it outlives the engine while a job of its still runs.
class Mailbox {
 public:
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // The wake is called under the lock: close() returns only when it is not running, and it never runs again.
  void put(voice::Answer answer) {
    const std::lock_guard lock(mutex_);
    if (!wake_) return;
    answers_.push_back(std::move(answer));
    if (answers_.size() == 1) wake_();
  }
  std::optional<voice::Answer> take() {
    const std::lock_guard lock(mutex_);
    if (answers_.empty()) return std::nullopt;
    voice::Answer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
    answers_.clear();
  }

 private:
  std::mutex mutex_;
  std::function<void()> wake_; // empty: closed
  std::deque<voice::Answer> answers_;
};

// How long requests have waited for a thread lately. From any thread.
class Delay {
 public:
  void add(WallClock::duration took, WallClock::time_point now) {
    const std::lock_guard lock(mutex_);
    constexpr double kShare = 0.2; // of the newest
    mean_ms_ += kShare * (std::chrono::duration<double, std::milli>(took).count() - mean_ms_);
    newest_ = now;
  }
  // What was long ago says nothing about now.
  double mean_ms(WallClock::time_point now) const {
    const std::lock_guard lock(mutex_);
    constexpr std::chrono::seconds kRecent(5);
    return now - newest_ > kRecent ? 0.0 : mean_ms_;
  }

 private:
  mutable std::mutex mutex_;
  double mean_ms_ = 0.0;
  WallClock::time_point newest_{};
};

} // namespace

struct Speech::Shared {
  explicit Shared(const SpeechConfig& config)
      : library(onnx::Library::load(config.models + "/libonnxruntime.so")),
        silero(library, config.models),
        recogniser(std::async(std::launch::async,
                              [this, models = config.models, size = config.stt] {
                                return std::make_shared<const Recogniser>(library, models, size, silero);
                              })
                       .share()),
        cache(config.cache_bytes),
        threads(recognisers(config)),
        processor_time(config.processor_time),
        stt({.threads = threads, .waiting = 64 * threads}),
        tts({.threads = 1, .waiting = 4096}),
        preparing(tts, 2048) {}

  onnx::LibraryPtr library;
  Silero silero;
  std::shared_future<std::shared_ptr<const Recogniser>> recogniser;
  Flite flite;
  SentenceCache cache;
  std::size_t threads;
  Delay delay; // of requests for recognition
  bool processor_time;
  Workers stt, tts; // behind what their threads use
  Workers::Lane preparing;
  std::atomic<std::uint64_t> prepared{0};

  void synthesise(const Voice& voice, const std::string& sentence, const std::stop_token& stop) {
    const std::string key = cache_key(voice, sentence);
    if (cache.find(key)) return;
    voice::Pcm whole;
    const auto sink = [&](std::span<const std::int16_t> pcm) {
      whole.insert(whole.end(), pcm.begin(), pcm.end());
    };
    if (flite.speak(sentence, voice, sink, stop)) cache.put(key, std::move(whole));
  }
};

namespace {

// What the session takes as the engine's service time, in samples: the time since the request, or the
// processor time of the work.
class Stopwatch {
 public:
  explicit Stopwatch(bool processor_time) : processor_time_(processor_time), begin_(WallClock::now()) {}
  void work_begins() { worked_ = thread_time(); }
  voice::Samples elapsed() const {
    const auto elapsed =
        processor_time_ ? thread_time() - worked_
                        : std::chrono::duration_cast<std::chrono::microseconds>(WallClock::now() - begin_);
    return elapsed.count() * voice::kSampleRate / 1'000'000;
  }

 private:
  static std::chrono::microseconds thread_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_nsec / 1000);
  }

  bool processor_time_;
  WallClock::time_point begin_;
  std::chrono::microseconds worked_{};
};

// Waits for the model; null if it could not be loaded.
std::shared_ptr<const Recogniser> loaded(
    const std::shared_future<std::shared_ptr<const Recogniser>>& future) {
  try {
    return future.get();
  } catch (const onnx::LoadError&) {
    return nullptr; // told by wait_until_loaded()
  }
}

class CallEngine final : public voice::Engine {
 public:
  CallEngine(Speech::Shared& shared, std::function<void()> wake)
      : shared_(shared),
        mailbox_(std::make_shared<Mailbox>(std::move(wake))),
        stt_(shared.stt, 4),
        tts_(shared.tts, 8) {}
  CallEngine(const CallEngine&) = delete;
  CallEngine& operator=(const CallEngine&) = delete;
  ~CallEngine() override { mailbox_->close(); }

  void request(const voice::Request& request) override {
    std::visit([this](const auto& r) { start(r); }, request);
  }
  std::optional<voice::Answer> poll() override { return mailbox_->take(); }

 private:
  void start(const voice::SttRequest& request) {
    const auto begin = WallClock::now();
    Stopwatch watch(shared_.processor_time);
    if (!request.pcm) return mailbox_->put(voice::SttResult{request.id, "", 0.0F, 0});
    auto job = [mailbox = mailbox_, &shared = shared_, pcm = request.pcm, id = request.id,
                expected = request.expected, begin, watch](const std::stop_token& stop) mutable {
      watch.work_begins();
      // What waits for the model to be loaded says nothing about the load.
      const auto now = WallClock::now();
      if (shared.recogniser.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
        shared.delay.add(now - begin, now);
      const auto recogniser = loaded(shared.recogniser);
      const bool hurried = shared.stt.waiting() >= shared.threads;
      if (recogniser && hurried) recogniser->expect_hurry();
      const auto heard = recogniser
                             ? recogniser->transcribe(*pcm, {.expected = expected, .hurried = hurried}, stop)
                             : Result<Transcript>(fail(Errc::not_found, 0, "the model could not be loaded"));
      if (heard) {
        mailbox->put(voice::SttResult{id, heard->text, heard->confidence, watch.elapsed()});
      } else if (heard.error().code != Errc::closed) {
        mailbox->put(voice::Failure{id, std::string("stt: ") + heard.error().what, watch.elapsed()});
      }
    };
    if (!stt_.submit(request.id, std::move(job))) mailbox_->put(voice::Failure{request.id, "overloaded", 0});
  }

  void start(const voice::TtsRequest& request) {
    Stopwatch watch(shared_.processor_time);
    const Voice& voice = voice_or_first(request.voice);
    const std::string key = cache_key(voice, request.text);
    if (const voice::SharedPcm pcm = shared_.cache.find(key)) {
      return mailbox_->put(voice::TtsChunk{request.id, *pcm, true, 0});
    }
    auto job = [mailbox = mailbox_, &shared = shared_, &voice, key, text = request.text, id = request.id,
                watch](const std::stop_token& stop) mutable {
      watch.work_begins();
      voice::Pcm whole;
      const auto sink = [&](std::span<const std::int16_t> pcm) {
        whole.insert(whole.end(), pcm.begin(), pcm.end());
        mailbox->put(voice::TtsChunk{id, voice::Pcm(pcm.begin(), pcm.end()), false, watch.elapsed()});
      };
      if (const auto done = shared.flite.speak(text, voice, sink, stop)) {
        shared.cache.put(key, std::move(whole)); // before the call may ask for it again
        mailbox->put(voice::TtsChunk{id, {}, true, watch.elapsed()});
      } else if (done.error().code != Errc::closed) {
        mailbox->put(voice::Failure{id, std::string("tts: ") + done.error().what, watch.elapsed()});
      }
    };
    if (!tts_.submit(request.id, std::move(job))) mailbox_->put(voice::Failure{request.id, "overloaded", 0});
  }

  void start(const voice::LlmRequest& request) {
    mailbox_->put(voice::Failure{request.id, "no language model is configured", 0});
  }

  void start(const voice::Cancel& cancel) {
    stt_.cancel(cancel.id);
    tts_.cancel(cancel.id);
  }

  Speech::Shared& shared_;
  std::shared_ptr<Mailbox> mailbox_;
  Workers::Lane stt_, tts_;
};

} // namespace

Speech::Speech(const SpeechConfig& config) : shared_(std::make_unique<Shared>(config)) {}

Speech::~Speech() = default;

std::unique_ptr<voice::VoiceActivity> Speech::make_detector() const {
  return shared_->silero.make_detector();
}

std::unique_ptr<voice::Engine> Speech::make_engine(std::function<void()> wake) {
  return std::make_unique<CallEngine>(*shared_, std::move(wake));
}

void Speech::prepare(std::string_view voice, const std::string& sentence) {
  shared_->synthesise(voice_or_first(voice), sentence, {});
}

void Speech::prepare_later(std::string_view voice, const std::vector<std::string>& sentences) {
  // One job a sentence: the synthesiser takes turns between the lanes, so a call waits for one of them at
  // most.
  for (const std::string& sentence : sentences) {
    const bool queued = shared_->preparing.submit(
        ++shared_->prepared, [shared = shared_.get(), &voice = voice_or_first(voice), sentence](
                                 const std::stop_token& stop) { shared->synthesise(voice, sentence, stop); });
    if (!queued) return; // enough is enough: the rest is synthesised when it is said
  }
}

void Speech::wait_until_loaded() const {
  shared_->recogniser.get();
}

bool Speech::busy() const {
  return shared_->delay.mean_ms(WallClock::now()) > static_cast<double>(kLate.count());
}

std::string Speech::runtime_version() const {
  return shared_->library->version();
}

std::size_t Speech::threads() const {
  return shared_->threads;
}

} // namespace talky::engine
