// What /metrics shows of the moment.
#include "sipd/api/api.hpp"
#include "sipd/sinks/records.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {

std::string Api::metrics_text() {
  const std::int64_t now_us = net::wall_clock_us();
  Metrics::Gauges gauges;
  gauges.active = state_.calls().size();
  gauges.registrations = state_.registrations(now_us);
  gauges.http_connections = server_->connections();
  gauges.event_readers = readers_.size();
  gauges.event_readers_cut = readers_.cut_off();
  gauges.listeners = audio_clients_.size();
  gauges.listener_frames_dropped = listener_drops_;
  for (const auto& listener : audio_clients_)
    gauges.listener_frames_dropped += listener->dropped();
  for (const auto& [uuid, call] : state_.calls())
    gauges.queued_samples += call.now.queued;
  gauges.uptime_s = static_cast<double>(now_us - started_us_) / 1e6;
  gauges.sip_up = sip_ == Sip::running;
  for (const WorkerCounters& counters : worker_counters_)
    gauges.workers += counters;
  if (shared_.recorder) gauges.recorder = shared_.recorder->status();
  if (shared_.records) gauges.records = shared_.records->status();
  if (shared_.tracer) gauges.traces = shared_.tracer->counts();
  return metrics_.text(gauges);
}

} // namespace talky::sipd
