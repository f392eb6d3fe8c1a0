// What happens in a call as a trace (call_trace.hpp).
#pragma once
#include <cstdint>

#include "sipd/messages/call_event.hpp"
#include "sipd/sinks/call_trace.hpp"

namespace talky::sipd {

class TraceSink {
 public:
  TraceSink(Tracer& tracer, const CallFacts& call, const Moment& now, std::uint64_t seed);
  void happened(const CallEvent& event, Time now); // until event::Ended

 private:
  CallTrace trace_;
};

} // namespace talky::sipd
