// The daemon's sinks of a call, behind one interface: its lines in the log, its files, its record, its trace,
// the capture server, and whoever watches all calls.
#pragma once
#include <cstdint>
#include <memory>

#include "core/log.hpp"
#include "sipd/sinks/call_sink.hpp"

namespace talky::sipd {

class HepSender;
class Recorder;
class Records;
class Tracer;

// Counted over all calls of a worker.
struct BridgeCounters {
  std::uint64_t failures = 0;   // bridges that broke or never stood
  std::uint64_t reconnects = 0; // attempts to get one back
};

// Each outlives the calls; null: there is none.
struct SinkTargets {
  log::Sink log;
  Recorder* recorder = nullptr;
  Records* records = nullptr;
  Tracer* tracer = nullptr;
  HepSender* hep = nullptr;
  CallWatcher* watcher = nullptr;
  BridgeCounters* bridges = nullptr;
};

// `seed`: of the identifiers of the trace's spans.
std::unique_ptr<CallSink> make_call_sinks(const SinkTargets& targets, std::shared_ptr<const CallFacts> call,
                                          const Moment& now, std::uint64_t seed);

} // namespace talky::sipd
