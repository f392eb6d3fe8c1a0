// What a person who watches a conversation is shown of it, as it goes on: a fold over the journal.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "ipc/control.hpp"
#include "voice/journal.hpp"

namespace talky::agent {

class Captions {
 public:
  // The entries in their order. nullopt: there is nothing to be shown of it.
  std::optional<ipc::FromAgent> show(const voice::journal::Entry& entry);

 private:
  struct Spoken {
    std::uint64_t turn;
    std::string text;
  };
  std::uint64_t turn_ = 0;                 // that the agent answers
  std::map<std::uint64_t, Spoken> spoken_; // sentences that are not over
};

} // namespace talky::agent
