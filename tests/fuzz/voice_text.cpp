// The texts that voice reads: flows, journals, cassettes and conditions; and whatever a recogniser may hear,
// given to a dialogue. The first byte says which.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "flow/expression.hpp"
#include "flow/flow.hpp"
#include "voice/cassette.hpp"
#include "voice/journal.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::flow;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::string_view kFlow = R"(start: a
slots:
  day: {type: date, anywhere: true}
  hour: {type: time, anywhere: true}
  name: {type: name, anywhere: true}
  phone: {type: digits}
intents:
  book: {keywords: [appointment, book], examples: [I would like to make an appointment]}
states:
  a:
    ask: phone
    then: b
    say: "Hello {name}, at which number?"
    on: [{intent: book, go: b}]
  b:
    say: "{day}, {hour}, {phone}?"
    on: [{answer: yes, clear: [phone], go: a}, {answer: no, go: a}]
)";

void talk(std::string_view text) {
  static const auto kParsed = Flow::parse(kFlow).flow;
  const auto dialogue = make_dialogue(kParsed);
  Random random(1);
  dialogue->start({}, random);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const Utterance utterance{std::string(text.substr(0, end)), 1.0F};
    (void)dialogue->completeness(utterance);
    const Reply reply = dialogue->answer(utterance, random);
    require(!reply.text.empty() || reply.action.index() != 0);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string text(size - 1, '\0');
  for (std::size_t i = 1; i < size; ++i)
    text[i - 1] = static_cast<char>(data[i]);
  switch (data[0]) {
    case 'f': (void)Flow::parse(text); break;
    case 'j':
      if (const auto entry = journal::parse_line(text)) {
        const std::string line = journal::to_line(*entry);
        const auto again = journal::parse_line(line);
        require(again.has_value() && journal::to_line(*again) == line);
      }
      break;
    case 'c': (void)Cassette::parse(text); break;
    case 'x':
      if (const auto expression = Expression::parse(text))
        (void)expression->value([](std::string_view name) { return std::string(name); });
      break;
    default: talk(text);
  }
  return 0;
}
