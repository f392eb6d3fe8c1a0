// A caller books a haircut: packets in, call, voice session, packets out, over a network that loses and
// reorders. What virtual-time replay of real calls stands on.
#include <doctest/doctest.h>

#include <chrono>
#include <ctime>
#include <iostream>

#include "sim/conversation.hpp"

namespace talky::sim {
namespace {

using namespace std::chrono_literals;
using voice::to_ms;

// The greeting, a booking with a barge-in and a correction, a telephone number by keys, and goodbye.
std::vector<Line> booking() {
  return {{5200, 1800, "Hi, I would like to book a haircut for tomorrow.", ""},
          {12'000, 900, "At three, please.", ""},
          {17'500, 1100, "My name is Anna Smith.", ""},
          {21'500, 1000, "No, at four.", ""}, // over our question
          {31'000, 600, "Yes.", ""},
          {40'000, 900, "Can somebody call me back?", ""},
          {49'500, 0, "", "55512#"},
          {55'500, 600, "Yes.", ""},
          {62'000, 900, "No thanks, goodbye.", ""}};
}

ConversationRun::Options options(std::shared_ptr<const voice::Cassette> cassette = nullptr) {
  ConversationRun::Options out;
  out.script = booking();
  out.impairment.loss = 0.01;
  out.impairment.duplicate = 0.01;
  out.impairment.reorder = 0.01;
  out.impairment.delay = 20ms;
  out.impairment.jitter = 15ms;
  out.seed = 3;
  out.cassette = std::move(cassette);
  return out;
}

std::vector<voice::journal::Entry> entries_of(const ConversationRun& run) {
  std::vector<voice::journal::Entry> out;
  for (const std::string& line : run.journal) {
    auto entry = voice::journal::parse_line(line);
    REQUIRE(entry);
    out.push_back(std::move(*entry));
  }
  return out;
}

template <class T>
std::vector<std::pair<voice::Samples, T>> noted(const std::vector<voice::journal::Entry>& entries) {
  std::vector<std::pair<voice::Samples, T>> out;
  for (const auto& entry : entries)
    if (const T* what = std::get_if<T>(&entry.what)) out.emplace_back(entry.at, *what);
  return out;
}

// Is every 100 ms of the sentence in what the caller heard, near one place? A little is lost on the way.
bool heard_whole(const std::vector<std::int16_t>& heard, const std::string& text) {
  const auto sentence = voice_of(text);
  constexpr std::size_t kSegment = 1600;
  std::size_t found = 0;
  const std::size_t segments = sentence.size() / kSegment;
  bool last = false;
  std::int64_t place = -1;
  for (std::size_t i = 0; i < segments; ++i) {
    const std::span<const std::int16_t> part(sentence.data() + i * kSegment, kSegment);
    last = false;
    const std::int64_t from = place < 0 ? 0 : place + 1600 - 800;
    const std::int64_t to = place < 0 ? std::ssize(heard) : place + 1600 + 800;
    std::int64_t best_at = place + 1600;
    for (std::int64_t at = from; at < to; ++at) {
      if (correlation(part, heard, at) < 0.9) continue;
      best_at = at;
      last = true;
      break;
    }
    if (place < 0 && !last) return false;
    place = best_at;
    found += last ? 1U : 0U;
  }
  return last && found * 10 >= segments * 8;
}

} // namespace

TEST_CASE("a conversation over a bad network, in virtual time") {
  ConversationRun first(options());
  first.run(180s);
  const auto entries = entries_of(first);

  std::vector<std::string> turns;
  for (const auto& [at, turn] : noted<voice::journal::Turn>(entries))
    turns.push_back(turn.text);
  INFO(voice::journal::to_text(voice::journal::transcript(entries)));
  CHECK(turns == std::vector<std::string>{"Hi, I would like to book a haircut for tomorrow.",
                                          "At three, please.", "My name is Anna Smith.", "No, at four.",
                                          "Yes.", "Can somebody call me back?", "Yes.",
                                          "No thanks, goodbye."});
  REQUIRE(noted<voice::journal::Digits>(entries).size() == 1);
  CHECK(noted<voice::journal::Digits>(entries)[0].second.digits == "55512");

  SUBCASE("the agent hung up, after its last word, and the caller heard greeting and goodbye whole") {
    CHECK(first.ended);
    CHECK(first.cause == call::EndCause::hangup);
    CHECK(first.ended_by_desk);
    const auto sentences = noted<voice::journal::SentenceStart>(entries);
    REQUIRE(sentences.size() > 10);
    CHECK(heard_whole(first.heard_by_caller(), sentences.front().second.text));
    CHECK(heard_whole(first.heard_by_caller(), sentences.back().second.text));
    CHECK(sentences.back().second.text.find("oodbye") != std::string::npos);
  }
  SUBCASE("the greeting began within a second, answers within 900 ms, and the parts add up") {
    const auto latencies = noted<voice::journal::Latency>(entries);
    REQUIRE(latencies.size() >= 8);
    for (const auto& latency : latencies) {
      const voice::journal::Latency& w = latency.second;
      CAPTURE(w.turn);
      CHECK(w.endpoint + w.stt + w.dialogue + w.tts + w.out == w.total);
      CHECK(to_ms(w.total) <= 900);
    }
    CHECK(to_ms(latencies.front().second.total) < 200);
  }
  SUBCASE("the barge-in stopped the agent within 400 ms of media time, and what was heard is known") {
    const auto barges = noted<voice::journal::BargeIn>(entries);
    REQUIRE(barges.size() == 1);
    CHECK(to_ms(barges[0].first - barges[0].second.begin) <= 400);
    const auto ends = noted<voice::journal::SentenceEnd>(entries);
    const auto cut = std::find_if(ends.begin(), ends.end(), [](const auto& e) { return !e.second.whole; });
    REQUIRE(cut != ends.end());
    CHECK(cut->second.heard > 0);
    CHECK(cut->second.heard < cut->second.length);
    // The bridge's own count of what left agrees with the sum of what the journal says was heard, to the
    // sample; frames are filled up with silence behind a last word.
    CHECK(noted<voice::journal::Cleared>(entries).size() == 1);
  }
}

TEST_CASE("with the engines on a cassette two runs are the same: audio, packets and journal") {
  ConversationRun live(options());
  live.run(180s);
  auto cassette = voice::Cassette::parse(live.cassette);
  REQUIRE(cassette);
  const auto shared = std::make_shared<const voice::Cassette>(std::move(*cassette));

  ConversationRun first(options(shared));
  ConversationRun second(options(shared));
  // Processor time, because the machine may have other things to do; printed, not judged.
  const std::clock_t begin = std::clock();
  const Duration length = first.run(180s);
  const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  second.run(180s);
  const double seconds = std::chrono::duration<double>(length).count();
  std::cout << fmt::format(
      "a conversation of {:.1f} s, both ends and the network, in {:.3f} s: {:.0f} x real time\n", seconds,
      took, seconds / took);
  CHECK(first.missing() == 0);
  CHECK(first.journal.size() > 100);
  CHECK(first.journal == second.journal);
  CHECK(first.agent_audio == second.agent_audio);
  CHECK(first.heard_by_caller() == second.heard_by_caller());
  CHECK(first.log() == second.log()); // every message sent, and a hash over every RTP packet
  // And it is the conversation that was recorded.
  CHECK(first.journal == live.journal);
  CHECK(first.agent_audio == live.agent_audio);
  CHECK(first.log() == live.log());
}

TEST_CASE("another network gives another conversation: the comparison can fail") {
  ConversationRun a(options());
  auto other = options();
  other.seed = 4;
  ConversationRun b(other);
  a.run(180s);
  b.run(180s);
  CHECK(a.log() != b.log());
}

} // namespace talky::sim
