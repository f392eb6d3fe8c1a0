// A caller who types: one conversation over a flow, without sound.
#pragma once
#include <doctest/doctest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "flow/flow.hpp"

namespace talky::flow::test {

inline std::string front_desk() {
  std::ifstream file(TALKY_FLOWS "/front-desk.yaml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class Chat {
 public:
  explicit Chat(const std::string& yaml, std::uint64_t seed = 1,
                voice::Moment moment = {2026, 11, 23, 10, 15})
      : random_(seed) {
    auto parsed = Flow::parse(yaml);
    for (const Diagnostic& d : parsed.diagnostics)
      MESSAGE(to_string(d, "flow"));
    REQUIRE(parsed.flow);
    dialogue_ = make_dialogue(parsed.flow);
    voice::in::Start start;
    start.from = "\"Anna\" <sip:anna@127.0.0.1>";
    start.to = "sip:100@127.0.0.1";
    start.moment = moment;
    last = dialogue_->start(start, random_);
  }
  const voice::Reply& say(std::string_view text) {
    return last = dialogue_->answer(voice::Utterance{std::string(text), 0.9F}, random_);
  }
  const voice::Reply& type(std::string_view keys) {
    return last = dialogue_->answer(voice::Digits{std::string(keys)}, random_);
  }
  const voice::Reply& silence(int count, bool is_last) {
    return last = dialogue_->answer(voice::Silence{count, is_last}, random_);
  }
  const voice::Reply& trouble(bool is_last) {
    return last = dialogue_->answer(voice::Trouble{is_last}, random_);
  }
  bool heard(std::string_view words) const { return last.text.find(words) != std::string::npos; }
  bool hangs_up() const { return std::holds_alternative<voice::Reply::Hangup>(last.action); }
  voice::Dialogue& dialogue() { return *dialogue_; }

  voice::Reply last;

 private:
  Random random_;
  std::unique_ptr<voice::Dialogue> dialogue_;
};

// A flow of two or three lines.
inline const std::string kSmall = R"(flow: small
start: hello
states:
  hello:
    say: Hello. Do you like it?
    on:
      - {answer: yes, say: Good.}
      - {answer: no, go: bye}
  bye:
    say: Goodbye.
    hangup: done
)";

} // namespace talky::flow::test
