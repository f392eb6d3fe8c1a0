// Who guesses passwords: after a number of wrong ones within a minute a source is refused unheard for a
// while, each time for twice as long. Registered phones of the same address are not its concern: see
// OutOfDialog.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "core/endpoint.hpp"
#include "core/time.hpp"

namespace talky::call {

class GuessGuard {
 public:
  struct Config {
    unsigned guesses = 10; // wrong passwords within `window`, then a ban
    Duration window = std::chrono::minutes(1);
    Duration ban = std::chrono::minutes(1); // the first one
    Duration max_ban = std::chrono::hours(1);
    std::size_t max_sources = 10'000; // beyond it the one that has been quiet for longest is forgotten
  };

  GuessGuard() : GuessGuard(Config{}) {}
  explicit GuessGuard(const Config& config) : config_(config) {}

  bool is_banned(const IpAddress& source, Time now) const;
  // A wrong password, or a request while it is banned. At most once a second for each source: how many there
  // have been since the last time, for a line in the log.
  std::optional<std::uint64_t> wrong(const IpAddress& source, Time now);
  // It knows a password: what went before was a mistake.
  void right(const IpAddress& source);

 private:
  struct Source {
    Endpoint address; // port 0
    Time window_begin{};
    unsigned guesses = 0; // in the window
    unsigned bans = 0;
    Time banned_until{};
    std::optional<Time> reported{};
    std::uint64_t unreported = 0;
  };
  static Endpoint key(const IpAddress& source) { return {source, 0}; }
  Source& find_or_add(const IpAddress& source);

  Config config_;
  std::list<Source> sources_; // the one that was heard of last is the last
  std::unordered_map<Endpoint, std::list<Source>::iterator> places_;
};

} // namespace talky::call
