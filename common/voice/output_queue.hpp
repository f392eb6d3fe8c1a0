// What a session has to say to the outside, in order, and the media time; shared by its parts. Not public.
#pragma once
#include <deque>
#include <type_traits>
#include <utility>
#include <vector>

#include "voice/journal.hpp"
#include "voice/output.hpp"

namespace talky::voice {

// The entries that journal::transcript() folds.
template <class T>
inline constexpr bool kIsConversation =
    std::is_same_v<T, journal::Turn> || std::is_same_v<T, journal::TurnReopened> ||
    std::is_same_v<T, journal::Digits> || std::is_same_v<T, journal::SentenceStart> ||
    std::is_same_v<T, journal::SentenceEnd>;

struct OutputQueue {
  Samples now = 0;
  RequestId last_request = 0;
  std::deque<Output> outputs;
  // What was said and heard, for the context of a language model.
  std::vector<journal::Entry> conversation;

  RequestId next_request() { return ++last_request; }

  template <class T>
  void put(T output) {
    outputs.emplace_back(std::move(output));
  }
  template <class T>
  void note(T what) {
    journal::Entry entry{now, std::move(what)};
    outputs.emplace_back(JournalLine{journal::to_line(entry)});
    if constexpr (kIsConversation<T>) conversation.push_back(std::move(entry));
  }
  void cancel(RequestId id, const char* kind) {
    put(Cancel{id});
    note(journal::Cancelled{id, kind});
  }
};

} // namespace talky::voice
