// A cassette: what the engines answered to one session, and when, as JSON lines (talky-journal(5)). With it a
// conversation runs again without any engine, and its journal is the same to the byte.
//
// Recording, at the rim:   RecordingVad vad(silero, cassette);   Session session(..., vad, ...);
//                          cassette.start(start, seed);  session.control(start);
//                          on each request from poll():   cassette.request(request); engine.request(request)
//                          on each answer:                session.answer(cassette.answer(answer,
//                          session.now()))
// Playing:                 Cassette::parse(text);   PlayingVad vad(cassette);   CassetteEngine
// engine(cassette);
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "voice/control.hpp"
#include "voice/engine.hpp"

namespace talky::voice {

// Writes lines. Nothing is kept but the open requests.
class CassetteWriter {
 public:
  CassetteWriter();
  ~CassetteWriter();
  CassetteWriter(const CassetteWriter&) = delete;
  CassetteWriter& operator=(const CassetteWriter&) = delete;

  void start(const in::Start& start, std::uint64_t seed);
  void request(const Request& request);
  // Notes the answer with the service time at which it really takes effect in a session that is at `now`, and
  // gives it back with that service time: hand this one to the session.
  Answer answer(Answer answer, Samples now);
  // Probabilities of voice activity, one for each window in order, as RecordingVad gives them.
  void activity(Samples window, float probability);
  void finish();                     // writes what is still gathered; call it at the end of the call
  std::optional<std::string> poll(); // the next line, without its line end

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Rounds the probabilities of another detector to what the cassette keeps (1/1000) and notes them.
class RecordingVad final : public VoiceActivity {
 public:
  RecordingVad(VoiceActivity& vad, CassetteWriter& cassette) : vad_(vad), cassette_(cassette) {}
  Samples window() const override { return vad_.window(); }
  void process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) override;
  void reset() override { vad_.reset(); }

 private:
  VoiceActivity& vad_;
  CassetteWriter& cassette_;
};

// A cassette read back. Immutable.
class Cassette {
 public:
  static constexpr std::size_t kMaxBytes = 1U << 30;

  struct Exchange {
    std::string kind; // "stt", "tts", "llm"
    std::string key;  // what was asked: hash of the audio and what is expected, voice and sentence, hash of
                      // the context
    std::vector<Answer> answers; // with the ids of the recording
  };

  static Result<Cassette> parse(std::string_view text); // offset: of the line that is wrong

  const in::Start& start() const { return start_; }
  std::uint64_t seed() const { return seed_; }
  Samples window() const { return window_; }
  const std::vector<float>& activity() const { return activity_; }
  const std::vector<Exchange>& exchanges() const { return exchanges_; } // in order of the requests

 private:
  in::Start start_;
  std::uint64_t seed_ = 0;
  Samples window_ = 512;
  std::vector<float> activity_;
  std::vector<Exchange> exchanges_;
};

// The recorded probabilities by position; 0 behind their end.
class PlayingVad final : public VoiceActivity {
 public:
  explicit PlayingVad(std::shared_ptr<const Cassette> cassette) : cassette_(std::move(cassette)) {}
  Samples window() const override { return cassette_->window(); }
  void process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) override;
  void reset() override;

 private:
  std::shared_ptr<const Cassette> cassette_;
  Samples position_ = 0;
  std::size_t next_ = 0;
};

// Answers requests from the cassette: the exchange of the same kind and content, the n-th for the n-th time
// it is asked (and the last for all times after that). A request that is not on the cassette fails with the
// reason "not on the cassette", so a changed flow is heard at once and not answered with something else.
class CassetteEngine final : public Engine {
 public:
  explicit CassetteEngine(std::shared_ptr<const Cassette> cassette);
  void request(const Request& request) override;
  std::optional<Answer> poll() override;
  std::size_t missing() const { return missing_; } // requests that were not on the cassette

 private:
  std::shared_ptr<const Cassette> cassette_;
  std::map<std::string, std::vector<std::size_t>> by_key_;
  std::map<std::string, std::size_t> asked_;
  std::vector<Answer> answers_;
  std::size_t next_ = 0;
  std::size_t missing_ = 0;
};

} // namespace talky::voice
