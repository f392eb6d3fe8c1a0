#include "engine/moonshine.hpp"

#include <array>
#include <numeric>
#include <thread>

#include "engine/recogniser.hpp"
#include "speech_kit.hpp"

namespace talky::engine {
namespace {

TEST_CASE("a loop at the end is cut down to its first round, and what people repeat is kept") {
  using Tokens = std::vector<std::int64_t>;
  CHECK(without_loops(Tokens{}) == Tokens{});
  CHECK(without_loops(Tokens{5, 6, 7}) == Tokens{5, 6, 7});
  CHECK(without_loops(Tokens{9, 4, 4, 4, 4, 4, 4, 4}) == Tokens{9, 4});
  CHECK(without_loops(Tokens{9, 4, 4, 4}) == Tokens{9, 4, 4, 4}); // "no, no, no"
  Tokens phrase{1, 2, 3, 4, 5}, looped{8};
  for (int i = 0; i < 6; ++i)
    looped.insert(looped.end(), phrase.begin(), phrase.end());
  CHECK(without_loops(looped) == Tokens{8, 1, 2, 3, 4, 5});
  CHECK(without_loops(Tokens{1, 2, 3, 4, 5, 1, 2, 3, 4, 5}) == Tokens{1, 2, 3, 4, 5, 1, 2, 3, 4, 5});
}

TEST_CASE("phrases that noise gives are believed only with confidence") {
  CHECK(is_hallucination("", 1.0F));
  CHECK(is_hallucination(" .!? ", 1.0F));
  CHECK(is_hallucination("you", 0.5F));
  CHECK_FALSE(is_hallucination("you", 0.95F));
  CHECK(is_hallucination("Thank you.", 0.3F));
  CHECK_FALSE(is_hallucination("Thank you.", 0.84F));
  CHECK(is_hallucination("Thanks for watching!", 0.99F));
  CHECK_FALSE(is_hallucination("I would like to thank you.", 0.6F));
  CHECK(is_hallucination("anything at all", 0.1F));
}

TEST_CASE("long audio is cut at its quietest places") {
  constexpr std::size_t kPart = 64'000;
  const auto check = [limit = kPart](const std::vector<std::size_t>& ends, std::size_t size) {
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      CHECK(end > begin);
      CHECK(end - begin <= limit);
      begin = end;
    }
    CHECK(begin == size);
  };
  CHECK(cut_at_pauses({}, kPart) == std::vector<std::size_t>{0});
  CHECK(cut_at_pauses(voice::Pcm(kPart), kPart) == std::vector<std::size_t>{kPart});

  voice::Pcm loud = test::quiet(208'000, 1, 8000);
  std::fill(loud.begin() + 50'000, loud.begin() + 54'000,
            std::int16_t{0}); // a pause in the first part's second half
  const auto ends = cut_at_pauses(loud, kPart);
  check(ends, loud.size());
  CHECK(ends[0] > 50'000);
  CHECK(ends[0] < 54'000);
  for (const voice::Samples size : {1, 100, 64'001, 65'000, 300'000})
    check(cut_at_pauses(test::quiet(size, 2, 500), kPart), static_cast<std::size_t>(size));
}

struct Loaded {
  onnx::LibraryPtr library = test::library();
  Silero silero{library, *test::models()};
  Recogniser base{library, *test::models(), MoonshineSize::base, silero};
  Recogniser tiny{library, *test::models(), MoonshineSize::tiny, silero};
};
const Loaded* loaded() {
  if (!test::models()) return nullptr;
  static const Loaded kAll;
  return &kAll;
}

// 8 sentences, 73 words, as a caller says them.
constexpr std::array kSentences = {
    "I would like to book an appointment for Friday afternoon.",
    "What time do you close on Saturday?",
    "My name is John Smith and my number is four seven one nine.",
    "Could you please repeat that a little more slowly?",
    "No, that is not what I said.",
    "I need to cancel my appointment for tomorrow morning.",
    "Is there a parking lot close to your office?",
    "Thank you very much for your help, and goodbye.",
};

TEST_CASE("telephone speech through mu-law is understood") {
  const Loaded* models = loaded();
  if (models == nullptr) return;
  for (const std::string size : {"base", "tiny"}) {
    const Recogniser& moonshine = size == "base" ? models->base : models->tiny;
    std::size_t wrong = 0, said = 0;
    for (const char* sentence : kSentences) {
      const auto heard = moonshine.transcribe(test::through_telephone(
          test::joined({test::quiet(4'000), test::say(sentence, "Alex"), test::quiet(3'000)})));
      REQUIRE(heard);
      INFO(std::string(sentence), " -> ", heard->text);
      wrong += test::word_errors(sentence, heard->text);
      said += test::words(sentence).size();
      CHECK(heard->confidence > 0.3F);
      CHECK(heard->confidence <= 1.0F);
      CHECK_FALSE(heard->text.ends_with(','));
    }
    const double wer = 100.0 * static_cast<double>(wrong) / static_cast<double>(said);
    MESSAGE("Moonshine ", size, ": ", wrong, " errors in ", said, " words, ", wer, " %");
    CHECK(wer <= 10.0);
  }
}

TEST_CASE("short answers, which telephone dialogues live on") {
  const Loaded* models = loaded();
  if (models == nullptr) return;
  for (const std::string word : {"Yes, please.", "No.", "Friday.", "Goodbye.", "Monday."}) {
    const auto heard = models->base.transcribe(test::through_telephone(
        test::joined({test::quiet(4'000), test::say(word, "Alex"), test::quiet(3'000)})));
    REQUIRE(heard);
    INFO(word, " -> ", heard->text);
    CHECK(test::word_errors(word, heard->text) == 0);
  }
}

TEST_CASE("where nothing is said, nothing is heard") {
  const Loaded* models = loaded();
  if (models == nullptr) return;
  for (const Recogniser* moonshine : {&models->base, &models->tiny}) {
    CHECK(moonshine->transcribe({})->text.empty());
    CHECK(moonshine->transcribe(voice::Pcm(100, 1000))->text.empty());
    CHECK(moonshine->transcribe(voice::Pcm(32'000))->text.empty());
    for (const int peak : {12, 100, 1000, 8000}) {
      for (const voice::Samples length : {8'000, 40'000}) {
        const auto heard = moonshine->transcribe(test::quiet(length, 5, peak));
        REQUIRE(heard);
        CAPTURE(peak);
        CAPTURE(length);
        CHECK(heard->text == "");
      }
    }
  }
}

TEST_CASE("more than one part: thirty seconds of speech come whole and in order") {
  const Loaded* models = loaded();
  if (models == nullptr) return;
  voice::Pcm talk;
  std::string said;
  while (talk.size() < 448'000) {
    for (const char* sentence : kSentences) {
      talk = test::joined({talk, test::say(sentence, "Alex"), test::quiet(6'000)});
      said += std::string(sentence) + ' ';
    }
  }
  const auto heard = models->tiny.transcribe(talk);
  REQUIRE(heard);
  INFO(heard->text);
  const double wer = static_cast<double>(test::word_errors(said, heard->text)) /
                     static_cast<double>(test::words(said).size());
  CHECK(wer <= 0.12);
}

TEST_CASE("several threads at once hear the same as one") {
  const Loaded* models = loaded();
  if (models == nullptr) return;
  std::array<voice::Pcm, 3> audio;
  std::array<std::string, 3> alone, together;
  for (std::size_t i = 0; i < 3; ++i) {
    audio[i] = test::say(kSentences[i], "Alex");
    alone[i] = models->tiny.transcribe(audio[i])->text;
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 3; ++i)
    threads.emplace_back([&, i] { together[i] = models->tiny.transcribe(audio[i])->text; });
  for (std::thread& thread : threads)
    thread.join();
  CHECK(together == alone);
}

TEST_CASE("limits and cancellation") {
  const Loaded* models = loaded();
  if (models == nullptr) return;
  const auto long_talk =
      models->tiny.transcribe(voice::Pcm(std::size_t{Recogniser::kMaxSeconds} * 16'000 + 1, 100));
  REQUIRE_FALSE(long_talk);
  CHECK(long_talk.error().code == Errc::too_large);
  std::stop_source stop;
  stop.request_stop();
  const auto cancelled = models->tiny.transcribe(test::say("Hello there."), stop.get_token());
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == Errc::closed);
}

} // namespace
} // namespace talky::engine
