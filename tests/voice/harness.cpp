#include "harness.hpp"

#include <algorithm>
#include <utility>

namespace talky::voice::test {

void ScriptedVad::process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) {
  position_ += static_cast<Samples>(frame.size());
  while (done_ + 512 <= position_) {
    Samples speech = 0;
    for (const Speech& s : script_)
      speech += std::max<Samples>(0, std::min(s.end, done_ + 512) - std::max(s.begin, done_));
    probabilities.push_back(speech >= 256 ? 0.95F : 0.02F);
    done_ += 512;
  }
}

Reply EchoDialogue::start(const in::Start& /*start*/, Random& /*random*/) {
  return greeting;
}

Reply EchoDialogue::answer(const Heard& heard, Random& /*random*/) {
  ++turns;
  std::string key;
  if (const auto* utterance = std::get_if<Utterance>(&heard)) {
    key = last_heard = utterance->text;
  } else if (const auto* digits = std::get_if<Digits>(&heard)) {
    key = "keys " + digits->digits;
  } else if (const auto* silence = std::get_if<Silence>(&heard)) {
    key = silence->last ? "last silence" : "silence";
  } else {
    key = std::get<Trouble>(heard).last ? "last trouble" : "trouble";
  }
  if (const auto found = answers.find(key); found != answers.end()) return found->second;
  Reply reply;
  reply.text = "You said " + key + ".";
  return reply;
}

language::Completeness EchoDialogue::completeness(const Utterance& utterance) const {
  if (utterance.text == "yes") return language::Completeness::complete;
  if (utterance.text.ends_with(" and")) return language::Completeness::unfinished;
  return language::Completeness::open;
}

language::Completeness EchoDialogue::completeness(const Digits& digits) const {
  return digits.digits == "1" ? language::Completeness::complete : language::Completeness::open;
}

Conversation::Conversation(Options options, std::unique_ptr<Dialogue> dialogue)
    : options_(std::move(options)) {
  if (!dialogue) {
    auto echo = std::make_unique<EchoDialogue>();
    echo->greeting.text = "Hello, this is the test.";
    echo_ = echo.get();
    dialogue = std::move(echo);
  }
  vad_ = std::make_unique<ScriptedVad>(options_.caller);
  session_ = std::make_unique<Session>(options_.config, std::move(dialogue), *vad_, Random(7));
}

void Conversation::start() {
  session_->control(a_start());
  drain();
}

void Conversation::run_until_ms(std::int64_t ms) {
  while (session_->now() < from_ms(ms))
    step();
}

void Conversation::control(const Control& control) {
  session_->control(control);
  drain();
}

void Conversation::step() {
  if (before_frame) before_frame(session_->now());
  while (!reports_.empty() && reports_.front().first <= session_->now()) {
    const Control control = reports_.front().second;
    reports_.pop_front();
    session_->control(control);
    drain();
  }
  const Pcm frame(kFrameSamples, 0);
  session_->receive(frame);
  drain();
  play();
}

void Conversation::drain() {
  while (auto output = session_->poll()) {
    const Samples now = session_->now();
    if (auto* line = std::get_if<JournalLine>(&*output)) {
      lines.push_back(line->text);
      auto entry = journal::parse_line(line->text);
      if (entry) entries.push_back(std::move(*entry));
      continue;
    }
    if (auto* frame = std::get_if<out::Audio>(&*output)) {
      audio_at.push_back(now);
      audio.insert(audio.end(), frame->pcm.begin(), frame->pcm.end());
      for (const std::int16_t sample : frame->pcm)
        queue_.push_back({sample, {}});
      continue;
    }
    outputs.emplace_back(now, *output);
    if (std::holds_alternative<out::Clear>(*output)) {
      const auto discarded = static_cast<Samples>(
          std::count_if(queue_.begin(), queue_.end(), [](const Queued& q) { return q.mark.empty(); }));
      queue_.clear();
      report(in::Cleared{discarded, played_});
    } else if (auto* mark = std::get_if<out::Mark>(&*output)) {
      queue_.push_back({0, mark->name});
    } else if (auto* request = std::get_if<SttRequest>(&*output)) {
      requests.emplace_back(*request);
    } else if (auto* tts = std::get_if<TtsRequest>(&*output)) {
      requests.emplace_back(*tts);
    } else if (auto* llm = std::get_if<LlmRequest>(&*output)) {
      requests.emplace_back(*llm);
    } else {
      continue;
    }
    if (std::holds_alternative<out::Clear>(*output) || std::holds_alternative<out::Mark>(*output)) continue;
    const Request request = requests.back();
    if (intercept && intercept(request)) continue;
    answer_request(request);
  }
}

void Conversation::answer_request(const Request& request) {
  if (const auto* stt = std::get_if<SttRequest>(&request)) {
    session_->answer(SttResult{stt->id, heard_text(*stt), 0.9F, options_.stt_service});
  } else if (const auto* tts = std::get_if<TtsRequest>(&request)) {
    const auto length = static_cast<std::size_t>(options_.tts_per_character) * tts->text.size();
    const Pcm all(length, 1000);
    const std::size_t half = length / 2;
    session_->answer(TtsChunk{tts->id, Pcm(half, 1000), false, options_.tts_service});
    session_->answer(TtsChunk{tts->id, Pcm(length - half, 1000), true, 2 * options_.tts_service});
  }
}

// The texts of all speech that ended inside the audio, or is under way at its end.
std::string Conversation::heard_text(const SttRequest& request) const {
  const Samples begin = request.at - static_cast<Samples>(request.pcm->size());
  std::string text;
  for (const Speech& s : options_.caller) {
    if (s.begin < begin || s.begin >= request.at || s.text.empty()) continue;
    if (!text.empty()) text += ' ';
    text += s.text;
  }
  return text;
}

// The bridge: 20 ms leave at each frame.
void Conversation::play() {
  std::size_t left = kFrameSamples;
  while (!queue_.empty() && (left > 0 || !queue_.front().mark.empty())) {
    if (queue_.front().mark.empty()) {
      ++played_;
      --left;
    } else {
      report(in::Mark{queue_.front().mark, played_});
    }
    queue_.pop_front();
  }
}

void Conversation::report(const Control& control) {
  if (options_.reports) reports_.emplace_back(session_->now() + options_.report_delay, control);
}

std::vector<std::string> Conversation::said() const {
  std::vector<std::string> out;
  for (const auto& [at, say] : noted<journal::Answer>())
    out.push_back(say.text);
  return out;
}

std::vector<std::string> Conversation::turns() const {
  std::vector<std::string> out;
  for (const auto& [at, turn] : noted<journal::Turn>())
    out.push_back(turn.text);
  return out;
}

} // namespace talky::voice::test
