#include "engine/speech.hpp"

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>

#include "speech_kit.hpp"

namespace talky::engine {
namespace {

using voice::Answer;

// One call's engine with what it answered, waited for as a loop waits.
class Caller {
 public:
  explicit Caller(Speech& speech)
      : engine_(speech.make_engine([this] {
          const std::lock_guard lock(mutex_);
          woken_ = true;
          there_.notify_one();
        })) {}

  void ask(const voice::Request& request) { engine_->request(request); }

  // The answers up to and with the last one of the request.
  std::vector<Answer> finish(voice::RequestId id) {
    std::vector<Answer> out;
    while (true) {
      while (auto answer = engine_->poll()) {
        out.push_back(*answer);
        const auto* chunk = std::get_if<voice::TtsChunk>(&out.back());
        if (voice::id_of(out.back()) == id && (chunk == nullptr || chunk->last)) return out;
      }
      std::unique_lock lock(mutex_);
      there_.wait(lock, [this] { return woken_; });
      woken_ = false;
    }
  }
  std::optional<Answer> poll() { return engine_->poll(); }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  bool woken_ = false;
  std::unique_ptr<voice::Engine> engine_;
};

std::unique_ptr<Speech> speech() {
  const auto folder = test::models();
  if (!folder) return nullptr;
  return std::make_unique<Speech>(SpeechConfig{.models = *folder, .stt = MoonshineSize::tiny, .threads = 2});
}

TEST_CASE("a call is heard and answered through the session's interface") {
  const auto engines = speech();
  if (!engines) return;
  CHECK(engines->threads() == 2);
  CHECK(engines->runtime_version().starts_with("1."));
  Caller caller(*engines);
  const auto pcm = std::make_shared<const voice::Pcm>(test::say("I would like to book an appointment."));

  // Asked before the recogniser is loaded: the answer waits for it.
  caller.ask(voice::SttRequest{1, 0, pcm, false});
  auto answers = caller.finish(1);
  REQUIRE(answers.size() == 1);
  const auto& heard = std::get<voice::SttResult>(answers[0]);
  CHECK(test::word_errors("I would like to book an appointment", heard.text) == 0);
  CHECK(heard.service > 0);
  CHECK(heard.confidence > 0.3F);
  engines->wait_until_loaded();

  const voice::Pcm expected = test::say("How can I help you?", "Emma");
  voice::Samples first_service = 0;
  for (voice::RequestId id = 2; id <= 3; ++id) {
    caller.ask(voice::TtsRequest{id, 0, "How can I help you?", "Emma"});
    answers = caller.finish(id);
    voice::Pcm spoken;
    voice::Samples before = 0;
    for (const Answer& answer : answers) {
      const auto& chunk = std::get<voice::TtsChunk>(answer);
      CHECK(chunk.service >= before);
      before = chunk.service;
      spoken.insert(spoken.end(), chunk.pcm.begin(), chunk.pcm.end());
    }
    CHECK(spoken == expected);
    if (id == 2) {
      CHECK(answers.size() > 2); // streamed
      first_service = before;
    } else {
      CHECK(answers.size() == 1); // kept from the first time
      CHECK(before == 0);
    }
  }
  CHECK(first_service > 0);
}

TEST_CASE("sentences prepared ahead are answered at once; unknown voices speak as the first") {
  const auto engines = speech();
  if (!engines) return;
  engines->prepare("Sophia", "Good morning.");
  Caller caller(*engines);
  caller.ask(voice::TtsRequest{1, 0, "Good morning.", "HAL 9000"});
  const auto answer = caller.poll(); // no wait
  REQUIRE(answer);
  const auto& chunk = std::get<voice::TtsChunk>(*answer);
  CHECK(chunk.last);
  CHECK(chunk.service == 0);
  CHECK(chunk.pcm == test::say("Good morning.", "Sophia"));

  engines->prepare_later("Alex", {"One moment, please.", "Goodbye."});
  caller.ask(voice::TtsRequest{2, 0, "Something else.", "Alex"}); // takes its turn behind at most one of them
  caller.finish(2);
}

TEST_CASE("what cannot be answered fails with a reason") {
  const auto engines = speech();
  if (!engines) return;
  Caller caller(*engines);
  caller.ask(voice::LlmRequest{1, 0, {}});
  auto answers = caller.finish(1);
  CHECK(std::get<voice::Failure>(answers.back()).reason == "no language model is configured");
  caller.ask(voice::TtsRequest{2, 0, std::string(5000, 'a'), "Alex"});
  answers = caller.finish(2);
  CHECK(std::get<voice::Failure>(answers.back()).reason.starts_with("tts: "));
  caller.ask(voice::SttRequest{3, 0, nullptr, false});
  answers = caller.finish(3);
  CHECK(std::get<voice::SttResult>(answers.back()).text.empty());
}

TEST_CASE("a call that asks too much is told so, and its cancelled requests stay unanswered") {
  const auto engines = speech();
  if (!engines) return;
  engines->wait_until_loaded();
  Caller greedy(*engines), modest(*engines);
  const auto long_talk = std::make_shared<const voice::Pcm>(test::quiet(320'000, 1, 500));
  const auto question = std::make_shared<const voice::Pcm>(test::say("What time do you close on Saturday?"));
  const auto goodbye = std::make_shared<const voice::Pcm>(test::say("Goodbye."));
  for (voice::RequestId id = 1; id <= 20; ++id)
    greedy.ask(voice::SttRequest{id, 0, long_talk, false});
  std::size_t refused = 0;
  while (const auto answer = greedy.poll()) {
    CHECK(std::get<voice::Failure>(*answer).reason == "overloaded");
    ++refused;
  }
  CHECK(refused >= 15); // one runs, four wait
  modest.ask(voice::SttRequest{1, 0, question, false});
  CHECK(test::word_errors("what time do you close on saturday",
                          std::get<voice::SttResult>(modest.finish(1).back()).text) == 0);

  while (greedy.poll()) { // what has been answered meanwhile
  }
  for (voice::RequestId id = 1; id <= 20; ++id)
    greedy.ask(voice::Cancel{id});
  greedy.ask(voice::SttRequest{21, 0, goodbye, false});
  const auto answers = greedy.finish(21);
  CHECK(answers.size() <= 2); // at most one that was answered between the two
}

TEST_CASE("an engine that goes while it works is never woken again") {
  const auto engines = speech();
  if (!engines) return;
  engines->wait_until_loaded();
  const auto pcm = std::make_shared<const voice::Pcm>(test::say("I would like to book an appointment."));
  std::atomic<bool> gone = false, late = false;
  for (int i = 0; i < 20; ++i) {
    gone = false;
    auto engine = engines->make_engine([&] {
      if (gone) late = true;
    });
    engine->request(voice::SttRequest{1, 0, pcm, false});
    engine->request(voice::TtsRequest{2, 0, "Sentence number " + std::to_string(i), "Alex"});
    engine.reset();
    gone = true;
  }
  Caller caller(*engines);
  caller.ask(voice::SttRequest{1, 0, pcm, false});
  caller.finish(1);
  CHECK_FALSE(late);
}

TEST_CASE(
    "a folder without models is refused at the start; a damaged recogniser is told by wait_until_loaded()") {
  CHECK_THROWS_AS(Speech(SpeechConfig{.models = "/nonexistent"}), onnx::LoadError);
  const auto folder = test::models();
  if (!folder) return;
  namespace fs = std::filesystem;
  const fs::path copy = fs::current_path() / "damaged-models-for-test";
  fs::remove_all(copy);
  fs::create_directories(copy);
  for (const auto& entry : fs::directory_iterator(*folder)) {
    if (entry.path().filename() != "moonshine-tiny")
      fs::create_symlink(entry.path(), copy / entry.path().filename());
  }
  {
    Speech engines(SpeechConfig{.models = copy.string(), .stt = MoonshineSize::tiny, .threads = 1});
    CHECK_THROWS_AS(engines.wait_until_loaded(), onnx::LoadError);
    Caller caller(engines);
    caller.ask(voice::SttRequest{1, 0, std::make_shared<const voice::Pcm>(16'000, std::int16_t{100}), false});
    CHECK(std::get<voice::Failure>(caller.finish(1).back()).reason == "stt: the model could not be loaded");
  }
  fs::remove_all(copy);
}

} // namespace
} // namespace talky::engine
