// Counts in all and by source address, with a cap on each: calls, connections.
#pragma once
#include <cstddef>
#include <map>

#include "core/endpoint.hpp"

namespace talky::call {

class CallCounter {
 public:
  enum class Verdict : std::uint8_t { granted, full, source_full };

  CallCounter(std::size_t most, std::size_t most_per_source)
      : most_(most), most_per_source_(most_per_source) {}

  // Each that is granted is given back by leave(). An unspecified address counts in all only: our own calls.
  Verdict enter(const IpAddress& source) {
    if (total_ >= most_) return Verdict::full;
    if (!source.is_unspecified()) {
      std::size_t& count = sources_[source];
      if (count >= most_per_source_) return Verdict::source_full;
      ++count;
    }
    ++total_;
    return Verdict::granted;
  }
  void leave(const IpAddress& source) {
    --total_;
    const auto it = sources_.find(source);
    if (it != sources_.end() && --it->second == 0) sources_.erase(it);
  }

 private:
  std::size_t most_, most_per_source_;
  std::size_t total_ = 0;
  std::map<IpAddress, std::size_t> sources_;
};

} // namespace talky::call
