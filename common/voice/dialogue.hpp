// What to say: the part of a session that knows words and no audio. A dialogue is given what the caller did
// and answers with what to say and do. It is total: every input gets a reply that says or does something.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/random.hpp"
#include "language/clauses.hpp"
#include "voice/control.hpp"
#include "voice/expectation.hpp"

namespace talky::voice {

// What the caller did.
struct Utterance {
  std::string text;
  float confidence = 1.0F;
};
struct Digits {
  std::string digits; // 0-9 * # A-D, without the '#' that ended them
};
struct Silence {
  int count = 1;     // prompts in a row, from 1
  bool last = false; // this time say goodbye
};
// An engine could not answer: apologise. `last`: say goodbye and end.
struct Trouble {
  bool last = false;
};
using Heard = std::variant<Utterance, Digits, Silence, Trouble>;

// What to say and do. Actions are carried out after the last word was played.
struct Reply {
  struct Hangup {
    std::string reason;
  };
  struct Transfer {
    std::string target;
  };
  struct SendDigits {
    std::string digits;
  };
  using Action = std::variant<std::monostate, Hangup, Transfer, SendDigits>;

  std::string text; // sentences; cut for synthesis by the session
  Action action;
  bool interruptible = true; // may the caller speak over it?
  std::string voice;         // "" for the session's
  bool ask_llm = false;      // ask the language model; `text` is said meanwhile, `system` heads its context
  std::string system;
  std::optional<Samples> silence; // instead of Config::silence, e.g. while the caller looks for a pen
  std::string state;              // for the journal: where the dialogue stands now
  std::string intent;             // for the journal: what was understood
};

// What the call has been about so far: a value that the caller gave, in its canonical form.
struct SlotValue {
  std::string name, value;
  bool operator==(const SlotValue&) const = default;
};

class Dialogue {
 public:
  virtual ~Dialogue() = default;
  virtual Reply start(const in::Start& start, Random& random) = 0;
  virtual Reply answer(const Heard& heard, Random& random) = 0;
  virtual language::Completeness completeness(const Utterance& utterance) const = 0;
  virtual language::Completeness completeness(const Digits& digits) const = 0;
  // What it has asked for last and is waiting to hear.
  virtual Expectation expectation() const { return {}; }
  // What the caller has given so far, in an order that does not change; what is not known is left out.
  virtual std::vector<SlotValue> slots() const { return {}; }
  // A copy in the same state: the session goes back to it if the caller goes on speaking before any of
  // the answer was sent.
  virtual std::unique_ptr<Dialogue> clone() const = 0;
};

} // namespace talky::voice
