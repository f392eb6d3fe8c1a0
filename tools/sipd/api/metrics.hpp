// /metrics in Prometheus' text format. Base units, prefix talky_. Used on the API's loop only.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "sipd/api/api_state.hpp"
#include "sipd/sinks/recorder.hpp"
#include "sipd/sinks/tracer.hpp"
#include "sipd/worker/worker_counters.hpp"
#include "store/writer.hpp"

namespace talky::sipd {

class Metrics {
 public:
  Metrics(std::size_t capacity, std::size_t workers);
  ~Metrics();

  void began();
  void answered(double setup_s); // INVITE to answer
  void first_audio(double s);    // answer to the agent's first sample
  void turn(const telemetry::TurnMeasure& measure);
  void live(const CallSnapshot& now); // packet counts so far
  void ended(const std::string& uuid, const event::Ended& ended);
  void registered(bool is_new);
  void http_request(int status);

  struct Gauges {
    std::size_t active = 0, registrations = 0, http_connections = 0, event_readers = 0, listeners = 0;
    std::uint64_t queued_samples = 0; // of all calls
    std::uint64_t listener_frames_dropped = 0, event_readers_cut = 0;
    double uptime_s = 0;
    bool sip_up = false;
    WorkerCounters workers; // of all together
    Recorder::Status recorder;
    store::Writer::Status records;
    Tracer::Counts traces;
  };
  std::string text(const Gauges& gauges);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::sipd
