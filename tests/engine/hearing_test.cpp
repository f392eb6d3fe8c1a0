// How callers are heard: what is cut away, what is expected, and what is asked for again.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "audio/half_rate.hpp"
#include "engine/bias.hpp"
#include "engine/hints.hpp"
#include "engine/recogniser.hpp"
#include "engine/tokens.hpp"
#include "speech_kit.hpp"

namespace talky::engine {
namespace {

// --- Pure parts

Tokens little_vocabulary() {
  std::vector<std::string> pieces = {"<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>"};
  for (const char* piece : {"\xe2\x96\x81t", "wo", "\xe2\x96\x81two", "\xe2\x96\x81", "t", "w", "o", "f",
                            "\xe2\x96\x81of", "of", "T", "\xe2\x96\x81T", "\xe2\x96\x81Two", "x"})
    pieces.emplace_back(piece);
  return Tokens(pieces);
}

TEST_CASE("text is cut into the pieces of the vocabulary, lowest rank first, and put together again") {
  const Tokens tokens = little_vocabulary();
  const auto two = tokens.encode("two of");
  CHECK(two == std::vector<Token>{7, 13});
  CHECK(tokens.decode(two) == "two of");
  CHECK(tokens.encode("").empty());
  CHECK(tokens.decode({}).empty());
  CHECK(tokens.decode(tokens.encode("x\xc3\xa9")) == "x\xc3\xa9"); // bytes, where no piece is
  CHECK(tokens.decode(std::vector<Token>{1, 7, 99'999, -4, 2}) == "two");
}

TEST_CASE("a bias favours what begins a phrase and what goes on with it") {
  const Tokens tokens(std::vector<std::string>{"<unk>", "<s>", "</s>", "\xe2\x96\x81", "a", "b", "c",
                                               "\xe2\x96\x81"
                                               "a",
                                               "A",
                                               "\xe2\x96\x81"
                                               "A"});
  const Bias bias(tokens, {"ab", "abc", "c"}, 2.0F);
  const auto favoured = [](const Bias::Walk& walk) {
    std::vector<float> logits(10, 1.0F);
    walk.favour(logits);
    std::set<std::size_t> out;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      CHECK((logits[i] == 1.0F || logits[i] == 3.0F));
      if (logits[i] > 1.0F) out.insert(i);
    }
    return out;
  };
  Bias::Walk walk(bias);
  CHECK(favoured(walk) == std::set<std::size_t>{3, 7, 9}); // " c", " a", " A": the beginnings
  walk.take(7);
  CHECK(favoured(walk) == std::set<std::size_t>{3, 5, 7, 9});
  walk.take(5);
  CHECK(favoured(walk) == std::set<std::size_t>{3, 6, 7, 9});
  walk.take(4); // no phrase goes on so
  CHECK(favoured(walk) == std::set<std::size_t>{3, 7, 9});
  std::vector<float> narrow(2); // tokens beyond the logits harm nothing
  walk.favour(narrow);
  CHECK(narrow == std::vector<float>(2));
}

// Says what it was told to, a window of 512 samples each.
class Told final : public voice::VoiceActivity {
 public:
  explicit Told(std::vector<float> windows) : windows_(std::move(windows)) {}
  voice::Samples window() const override { return 512; }
  void process(std::span<const std::int16_t> frame, std::vector<float>& out) override {
    for (std::size_t i = 0; i < frame.size() / 512 && i < windows_.size(); ++i)
      out.push_back(windows_[i]);
  }
  void reset() override {}

 private:
  std::vector<float> windows_;
};

TEST_CASE("speech is found with its soft ends, pauses that are short belong to it") {
  const auto found = [](const std::vector<float>& windows, std::size_t bridged) {
    Told vad(windows);
    return find_speech(voice::Pcm(windows.size() * 512, 100), vad, bridged);
  };
  CHECK(found({}, 0).empty());
  CHECK(found({0.1F, 0.2F, 0.1F}, 0).empty());
  CHECK(found({0.1F, 0.3F, 0.9F, 0.3F, 0.1F}, 0) == std::vector<Stretch>{{512, 2048}});
  // Nowhere sure: what may be speech is better than nothing.
  CHECK(found({0.1F, 0.3F, 0.4F, 0.1F}, 0) == std::vector<Stretch>{{512, 1536}});
  const std::vector<float> two = {0.9F, 0.9F, 0, 0, 0.9F, 0};
  CHECK(found(two, 512) == std::vector<Stretch>{{0, 1024}, {2048, 2560}});
  CHECK(found(two, 1025) == std::vector<Stretch>{{0, 2560}});
}

TEST_CASE("cut out with a margin, long pauses are shortened to two margins") {
  voice::Pcm pcm(1000);
  for (std::size_t i = 0; i < pcm.size(); ++i)
    pcm[i] = static_cast<std::int16_t>(i);
  const auto at = [&pcm](const std::vector<Stretch>& speech, std::size_t margin) {
    std::vector<int> out;
    for (const float sample : cut_out(pcm, speech, margin, 2.0F))
      out.push_back(static_cast<int>(std::lround(sample * 16384.0F)));
    return out;
  };
  CHECK(at({{100, 102}}, 1) == std::vector<int>{99, 100, 101, 102});
  CHECK(at({{0, 2}}, 3) == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(at({{998, 1000}}, 2) == std::vector<int>{996, 997, 998, 999, 0, 0}); // silence makes up for it
  CHECK(at({{10, 11}, {500, 501}}, 1) == std::vector<int>{9, 10, 11, 499, 500, 501});
  CHECK(at({{10, 11}, {12, 13}}, 2) == std::vector<int>{8, 9, 10, 11, 12, 13, 14}); // nothing twice
  CHECK(at({}, 5).empty());
}

TEST_CASE("digits, also those that sound like other words") {
  CHECK(sounds_like_digits("Two, nine, three, four, zero."));
  CHECK(sounds_like_digits("To three, four ate."));
  CHECK(sounds_like_digits("Aid,"));
  CHECK(sounds_like_digits("29340"));
  CHECK_FALSE(sounds_like_digits(""));
  CHECK_FALSE(sounds_like_digits("No."));
  CHECK_FALSE(sounds_like_digits("Four people, please."));
  CHECK_FALSE(sounds_like_digits("To the one."));
}

TEST_CASE("every kind of expectation has its words, and an open one has none") {
  using Kind = voice::Expectation::Kind;
  for (const Kind kind : {Kind::yes_no, Kind::date, Kind::time, Kind::number, Kind::digits}) {
    CHECK_FALSE(hint_for({.kind = kind}).phrases.empty());
    CHECK(hint_for({.kind = kind}).bonus > 0);
  }
  CHECK(hint_for({}).phrases.empty());
  CHECK(hint_for({.kind = Kind::choice, .phrases = {"beard trim"}}).phrases ==
        std::vector<std::string>{"beard trim"});
}

// --- People, from Debian's packages

struct Clip {
  const char* path; // under /usr/share
  const char* said;
};
// Tuned on: one woman's digits.
constexpr std::array kTuned = {
    Clip{"asterisk/sounds/en_US_f_Allison/digits/0.wav", "zero"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/1.wav", "one"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/2.wav", "two"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/3.wav", "three"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/4.wav", "four"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/5.wav", "five"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/6.wav", "six"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/7.wav", "seven"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/8.wav", "eight"},
    Clip{"asterisk/sounds/en_US_f_Allison/digits/9.wav", "nine"},
    Clip{"pocketsphinx/test/data/tidigits/dhd.2934z.raw", "two nine three four zero"}};
// Held out: other people, other words.
constexpr std::array kHeldOut = {
    Clip{"pocketsphinx/test/data/goforward.raw", "go forward ten metres"},
    Clip{"pocketsphinx/test/data/something.raw", "go somewhere and do something"},
    Clip{"pocketsphinx/test/data/cards/003.wav", "seven of clubs"},
    Clip{"pocketsphinx/test/data/cards/004.wav", "five five"},
    Clip{"pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0930.wav",
         "he might even have been made amiable himself"}};

// Through the telephone: 8 kHz, mu-law. Raw files are 16 kHz, WAV files 8 or 16 kHz mono with a plain header.
std::optional<voice::Pcm> recording(const Clip& clip) {
  const std::filesystem::path path = std::filesystem::path("/usr/share") / clip.path;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const bool wav = path.extension() == ".wav";
  const std::size_t header = wav ? 44 : 0;
  voice::Pcm pcm;
  for (std::size_t i = header; i + 1 < bytes.size(); i += 2) {
    const auto low = static_cast<unsigned char>(bytes[i]);
    const auto high = static_cast<unsigned char>(bytes[i + 1]);
    pcm.push_back(static_cast<std::int16_t>(low | (high << 8U)));
  }
  if (wav && static_cast<unsigned char>(bytes[24]) == 0x40) { // 8000 = 0x1f40
    voice::Pcm up;
    audio::Upsampler2 upsampler;
    upsampler.process(pcm, up);
    pcm = std::move(up);
  }
  return test::through_telephone(pcm);
}

struct Models {
  onnx::LibraryPtr library = test::library();
  Silero silero{library, *test::models()};
  Recogniser base{library, *test::models(), MoonshineSize::base, silero};
  Recogniser tiny{library, *test::models(), MoonshineSize::tiny, silero};
};
const Models* models() {
  if (!test::models()) return nullptr;
  static const Models kAll;
  return &kAll;
}

struct Score {
  std::size_t wrong = 0, words = 0, empty = 0;
};

template <std::size_t N>
std::optional<Score> score(const Recogniser& recogniser, const std::array<Clip, N>& clips,
                           voice::Samples before, voice::Samples behind,
                           const voice::Expectation& expected = {}) {
  Score out;
  for (const Clip& clip : clips) {
    const auto pcm = recording(clip);
    if (!pcm) {
      MESSAGE("SKIPPED: /usr/share/", std::string(clip.path),
              " is missing: apt-get install pocketsphinx-testdata asterisk-core-sounds-en-wav");
      return std::nullopt;
    }
    const auto heard = recogniser.transcribe(
        test::joined({test::quiet(voice::from_ms(before)), *pcm, test::quiet(voice::from_ms(behind), 2)}),
        {.expected = expected});
    REQUIRE(heard);
    const std::size_t errors = test::word_errors(clip.said, heard->text);
    if (errors > 0) MESSAGE(before, " ms: ", std::string(clip.said), " -> ", heard->text);
    out.wrong += errors;
    out.words += test::words(clip.said).size();
    out.empty += heard->text.empty() ? 1U : 0U;
  }
  return out;
}

TEST_CASE("people are heard alike, whatever silence surrounds their words, and nothing is lost") {
  const Models* all = models();
  if (all == nullptr) return;
  for (const voice::Samples silence : {0, 50, 150, 300, 400, 1200}) {
    CAPTURE(silence);
    const auto tuned = score(all->base, kTuned, silence, silence + silence / 2);
    const auto held_out = score(all->base, kHeldOut, silence, silence + silence / 2);
    if (!tuned || !held_out) return;
    CHECK(tuned->empty == 0);
    CHECK(held_out->empty == 0);
    CHECK(tuned->wrong <= 1);    // of 15
    CHECK(held_out->wrong <= 2); // of 22
  }
}

TEST_CASE("a hint helps whoever says what is expected, and harms nobody who says something else") {
  const Models* all = models();
  if (all == nullptr) return;
  using Kind = voice::Expectation::Kind;
  const auto right = score(all->tiny, kTuned, 200, 300, {.kind = Kind::digits});
  const auto none = score(all->tiny, kTuned, 200, 300);
  if (!right || !none) return;
  CHECK(right->wrong <= none->wrong);
  CHECK(right->wrong <= 1);
  for (const Kind kind : {Kind::digits, Kind::yes_no, Kind::date, Kind::time, Kind::number}) {
    const auto wrong = score(all->base, kHeldOut, 200, 300, {.kind = kind});
    REQUIRE(wrong);
    CHECK(wrong->wrong <= score(all->base, kHeldOut, 200, 300)->wrong);
  }
}

TEST_CASE("fast digits keep their end") {
  const Models* all = models();
  if (all == nullptr) return;
  // As fast as the synthesiser speaks without pauses: ten digits in about two and a half seconds.
  voice::Pcm slow = test::say("two nine three four zero five eight one seven six.", "Alex");
  voice::Pcm fast; // 1.25 times as fast, and so much higher
  for (std::size_t i = 0; i * 5 / 4 < slow.size(); ++i)
    fast.push_back(slow[i * 5 / 4]);
  const auto heard = all->base.transcribe(
      test::through_telephone(test::joined({test::quiet(4'000), fast, test::quiet(4'000)})));
  REQUIRE(heard);
  INFO(heard->text);
  CHECK(heard->text.find("six") != std::string::npos);
  CHECK(test::words(heard->text).size() == 10);
}

TEST_CASE("digits in groups with long pauses are one answer") {
  const Models* all = models();
  if (all == nullptr) return;
  const auto heard = all->base.transcribe(test::through_telephone(
      test::joined({test::quiet(3'000), test::say("five five five.", "Alex"), test::quiet(19'000, 2),
                    test::say("two nine.", "Alex"), test::quiet(19'000, 3), test::say("three four.", "Alex"),
                    test::quiet(8'000, 4)})));
  REQUIRE(heard);
  CHECK(test::word_errors("five five five two nine three four", heard->text) == 0);
}

TEST_CASE("in a hurry short answers come from the small model, once it is there") {
  const Models* all = models();
  if (all == nullptr) return;
  all->base.expect_hurry();
  for (const char* word : {"Yes, please.", "No.", "Friday."}) {
    const auto heard = all->base.transcribe(
        test::through_telephone(
            test::joined({test::quiet(4'000), test::say(word, "Alex"), test::quiet(3'000)})),
        {.hurried = true});
    REQUIRE(heard);
    INFO(heard->text);
    CHECK(test::word_errors(word, heard->text) == 0);
  }
}

} // namespace
} // namespace talky::engine
