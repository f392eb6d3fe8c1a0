// Where a call can lead: one class for each kind of target, and what it makes its bridges of. To add a kind:
// a class behind Destination with a function that reads it, and one line in the table of target.cpp.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>

#include "audio/samples.hpp"
#include "net/loop.hpp"
#include "sipd/agent/agent.hpp"
#include "sipd/agent/spoken.hpp"
#include "sipd/bridge/bridge.hpp"

namespace talky::sipd {

// What the bridges of one loop share.
struct BridgeContext {
  net::Loop& loop;                        // of the calls
  std::string ca_file;                    // PEM, for wss://; "": the system's authorities
  SpokenSentence* reconnecting = nullptr; // for callers whose agent is dialled again; null: a tone alone
  Agent* agent = nullptr;                 // null: no route leads to one
  // Of play: by path, mono at 16 kHz.
  std::unordered_map<std::string, std::shared_ptr<const audio::Samples>> files;
};

// Does not change, and is shared by all calls that lead there.
class Destination {
 public:
  Destination() = default;
  virtual ~Destination() = default;
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  // The bridge of one call; host and context outlive it. The error says, for the log, why there is none.
  virtual tl::expected<std::unique_ptr<Bridge>, std::string> connect(BridgeHost& host,
                                                                     const BridgeContext& context) const = 0;

  virtual std::optional<int> refusal() const { return std::nullopt; } // the status that refuses every call
  virtual bool needs_agent() const { return false; }                  // BridgeContext::agent
  // Somebody hears the caller there, and would be disturbed by an echo of what they say.
  virtual bool listens() const { return true; }
  virtual std::string_view sound_file() const { return {}; } // that must be in BridgeContext::files
};

// nullptr: the text is none of that kind, or something in it is wrong.
using DestinationPtr = std::shared_ptr<const Destination>;

// "tone:440" is 440; "" where nothing follows.
inline std::string_view behind_colon(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
}

} // namespace talky::sipd
