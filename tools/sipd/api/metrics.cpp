#include "sipd/api/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <vector>

#include "audio/frame.hpp"

namespace talky::sipd {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

const Buckets& setup_buckets() {
  static const Buckets kBuckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20};
  return kBuckets;
}

const Buckets& pace_buckets() {
  static const Buckets kBuckets = [] {
    Buckets out;
    for (const std::int64_t us : media::PaceCounts::kBoundsUs)
      out.push_back(static_cast<double>(us) / 1e6);
    return out;
  }();
  return kBuckets;
}

// A counter that somebody else keeps.
void set_total(Counter& counter, std::uint64_t total) {
  counter.Increment(std::max(0.0, static_cast<double>(total) - counter.Value()));
}

const Buckets& response_buckets() {
  static const Buckets kBuckets{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10};
  return kBuckets;
}

} // namespace

struct Metrics::Impl {
  Family<Counter>& counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Counter& counter(const char* name, const char* help) { return counters(name, help).Add({}); }
  Gauge& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
  Histogram& histogram(const char* name, const char* help, const Buckets& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
  }

  // What a call has counted so far, so that only what is new is added.
  struct Seen {
    std::uint64_t received = 0, sent = 0, lost = 0, late = 0, duplicates = 0, foreign = 0, malformed = 0,
                  unexpected = 0;
    std::uint64_t late_ticks = 0, unsent_ticks = 0;
    media::PaceCounts pace;
  };
  void count(const std::string& uuid, const media::MediaQuality& q) {
    Seen& seen = calls[uuid];
    const auto add = [](Counter& counter, std::uint64_t& before, std::uint64_t now) {
      if (now > before) counter.Increment(static_cast<double>(now - before));
      before = std::max(before, now);
    };
    add(received, seen.received, q.in.packets);
    add(sent, seen.sent, q.out.packets);
    add(lost, seen.lost, q.in.lost);
    add(drops.Add({{"cause", "late"}}), seen.late, q.late);
    add(drops.Add({{"cause", "duplicate"}}), seen.duplicates, q.duplicates);
    add(drops.Add({{"cause", "foreign"}}), seen.foreign, q.foreign);
    add(drops.Add({{"cause", "malformed"}}), seen.malformed, q.malformed);
    add(drops.Add({{"cause", "unexpected"}}), seen.unexpected, q.unexpected);
    add(late_ticks, seen.late_ticks, q.late_ticks);
    add(drops.Add({{"cause", "unsent"}}), seen.unsent_ticks, q.unsent_ticks);
    std::vector<double> ticks(q.pace.counts.size());
    bool any = false;
    for (std::size_t i = 0; i < ticks.size(); ++i) {
      ticks[i] = static_cast<double>(q.pace.counts[i] - std::min(seen.pace.counts[i], q.pace.counts[i]));
      any = any || ticks[i] > 0;
    }
    const std::uint64_t sum_us = q.pace.sum_us - std::min(seen.pace.sum_us, q.pace.sum_us);
    if (any) lateness.ObserveMultiple(ticks, static_cast<double>(sum_us) / 1e6);
    seen.pace = q.pace;
  }

  prometheus::Registry registry;
  Counter& begun = counter("talky_calls_started_total", "Calls that came in.");
  Family<Counter>& ended = counters("talky_calls_total", "Calls that ended, by result.");
  Gauge& active = gauge("talky_calls_active", "Calls that are up or ring.");
  Gauge& capacity = gauge("talky_calls_capacity", "Calls that may be up at once.");
  Histogram& setup = histogram("talky_call_setup_seconds", "From the INVITE to the answer.", setup_buckets());
  Histogram& first = histogram("talky_call_first_audio_seconds",
                               "From the answer to the first audio of the bridge.", setup_buckets());
  Histogram& response = histogram(
      "talky_response_seconds",
      "From the end of the caller's speech to the packet with the first sample of the agent's answer.",
      response_buckets());
  Family<Histogram>& stages =
      prometheus::BuildHistogram()
          .Name("talky_response_stage_seconds")
          .Help("Parts of talky_response_seconds: endpoint, stt, dialogue, tts, out are told by the agent.")
          .Register(registry);
  std::array<Histogram*, telemetry::kStageCount> stage{};
  Histogram& duration = histogram("talky_call_duration_seconds", "From the answer to the end.",
                                  {1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600});
  Histogram& jitter =
      histogram("talky_call_jitter_seconds", "Interarrival jitter (RFC 3550) at the end of a call.",
                {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1});
  Histogram& mos = histogram("talky_call_mos", "Estimated listening quality of what was received, 1 to 4.5.",
                             {1, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4});
  Histogram& echo_level =
      histogram("talky_call_echo_level_db",
                "Of calls with an echo of the agent: how loud it came back, relative to what was sent.",
                {-60, -50, -40, -30, -20, -10, 0});
  Histogram& echo_delay = histogram("talky_call_echo_delay_seconds", "Of the same calls: after what time.",
                                    {0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6});
  Counter& received = counter("talky_rtp_received_packets_total", "RTP packets accepted.");
  Counter& sent = counter("talky_rtp_sent_packets_total", "RTP packets sent.");
  Counter& lost =
      counter("talky_rtp_lost_packets_total", "RTP packets that never came, by their sequence numbers.");
  Family<Counter>& drops =
      counters("talky_rtp_dropped_packets_total", "RTP packets not used or not sent, by cause.");
  Histogram& lateness =
      histogram("talky_rtp_pacing_lateness_seconds",
                "How long after its time each frame of 20 ms of a call was received, decoded and sent.",
                pace_buckets());
  Counter& late_ticks =
      counter("talky_rtp_late_ticks_total", "Frames carried out more than 10 ms after their time.");
  Gauge& registrations = gauge("talky_registrations", "Contacts that are registered.");
  Counter& registered =
      counter("talky_registers_total", "REGISTER requests that added or renewed a contact.");
  Gauge& queued = gauge("talky_playout_queue_seconds", "Audio of all calls that waits to be sent.");
  Gauge& up = gauge("talky_sip_up", "1 while calls are taken, 0 while the SIP side drains or is stopped.");
  Gauge& uptime = gauge("talky_uptime_seconds", "Since the start of the daemon.");
  Family<Counter>& requests = counters("talky_http_requests_total", "Answers of the HTTP API, by status.");
  Gauge& connections = gauge("talky_http_connections", "Connections to the HTTP API.");
  Gauge& readers = gauge("talky_event_readers", "Readers of the event stream.");
  Counter& readers_cut =
      counter("talky_event_readers_cut_total", "Readers of the event stream that were too slow.");
  Gauge& listeners = gauge("talky_audio_listeners", "WebSockets that listen to a call.");
  Counter& frames_dropped = counter("talky_audio_listener_dropped_frames_total",
                                    "Frames of 20 ms that listeners were too slow for.");
  Counter& sip_received = counter("talky_sip_received_total", "SIP messages received.");
  Counter& sip_sent = counter("talky_sip_sent_total", "SIP messages sent.");
  Counter& sip_unread = counter("talky_sip_unread_datagrams_total",
                                "SIP datagrams that the kernel dropped because we read too slowly.");
  Counter& bridge_failures =
      counter("talky_bridge_failures_total", "Bridges that broke in a call, or could not be had for one.");
  Counter& bridge_reconnects =
      counter("talky_bridge_reconnects_total", "Attempts to reach the program behind a bridge again.");
  Gauge& recorder_waiting = gauge("talky_recorder_queue_bytes", "What is to be written to recordings.");
  Counter& recorder_overruns = counter("talky_recorder_dropped_blocks_total",
                                       "Blocks of recordings dropped because the disk was too slow.");
  Counter& recorder_failures = counter("talky_recorder_failures_total",
                                       "Recordings that stopped because a file could not be written.");
  Gauge& records_waiting =
      gauge("talky_records_queue", "Calls that have ended and are not in the database yet.");
  Counter& records_stored =
      counter("talky_records_stored_total", "Call records that the database has taken.");
  Family<Counter>& records_lost =
      counters("talky_records_lost_total", "Call records that are not in the database for good, by cause.");
  Gauge& database_up = gauge("talky_records_database_up", "1 while call records can be written.");
  Gauge& spans_waiting = gauge("talky_trace_queue_spans", "Spans that wait for the OpenTelemetry collector.");
  Counter& spans_sent = counter("talky_trace_spans_sent_total", "Spans that the collector has taken.");
  Family<Counter>& spans_dropped =
      counters("talky_trace_spans_dropped_total", "Spans that the collector never got, by cause.");
  Counter& trace_failures =
      counter("talky_trace_export_failures_total", "Attempts to send spans that came to nothing.");
  Counter& hep_sent = counter("talky_hep_packets_sent_total", "HEP packets sent to the capture server.");
  Counter& hep_dropped = counter("talky_hep_packets_dropped_total", "HEP packets that could not be sent.");
  std::map<std::string, Seen> calls;
  std::uint64_t frames_dropped_before = 0, readers_cut_before = 0;
};

Metrics::Metrics(std::size_t capacity, std::size_t workers) : impl_(std::make_unique<Impl>()) {
  impl_->capacity.Set(static_cast<double>(capacity));
  prometheus::BuildGauge()
      .Name("talky_build_info")
      .Help("1; the labels say what runs.")
      .Register(impl_->registry)
      .Add({{"version", TALKY_VERSION}, {"compiler", __VERSION__}})
      .Set(1);
  impl_->gauge("talky_workers", "Event loops.").Set(static_cast<double>(workers));
  for (std::size_t i = 0; i < telemetry::kStageCount; ++i)
    impl_->stage[i] = &impl_->stages.Add({{"stage", telemetry::kStageNames[i]}}, response_buckets());
  // What has not happened yet is there as 0, so that a rate can be told from the first one on.
  for (const char* cause : {"late", "duplicate", "foreign", "malformed", "unexpected", "unsent"})
    impl_->drops.Add({{"cause", cause}});
  using call::EndCause;
  for (const EndCause cause : {EndCause::hangup, EndCause::transferred, EndCause::rtp_timeout,
                               EndCause::session_timer, EndCause::no_ack, EndCause::lost, EndCause::shutdown})
    impl_->ended.Add({{"result", "answered"}, {"cause", std::string(call::to_string(cause))}});
  for (const EndCause cause : {EndCause::rejected, EndCause::cancelled, EndCause::media_failed})
    impl_->ended.Add({{"result", "refused"}, {"cause", std::string(call::to_string(cause))}});
  impl_->requests.Add({{"code", "200"}});
}

Metrics::~Metrics() = default;

void Metrics::began() {
  impl_->begun.Increment();
}

void Metrics::answered(double setup_s) {
  impl_->setup.Observe(setup_s);
}

void Metrics::first_audio(double s) {
  impl_->first.Observe(s);
}

void Metrics::turn(const telemetry::TurnMeasure& measure) {
  if (measure.turn == 0) return; // the greeting answers nothing
  const auto seconds = [](Duration d) { return static_cast<double>(d.count()) / 1e6; };
  impl_->response.Observe(seconds(measure.response));
  for (std::size_t i = 0; i < telemetry::kStageCount; ++i)
    impl_->stage[i]->Observe(seconds(measure.stages[i]));
}

void Metrics::live(const CallSnapshot& now) {
  if (now.quality) impl_->count(now.uuid, *now.quality);
}

void Metrics::ended(const std::string& uuid, const event::Ended& ended) {
  impl_->ended
      .Add({{"result", ended.answered ? "answered" : "refused"},
            {"cause", std::string(call::to_string(ended.end.cause))}})
      .Increment();
  if (const auto& quality = ended.end.quality) {
    impl_->count(uuid, *quality);
    if (quality->in.packets > 0) impl_->jitter.Observe(quality->in.jitter_ms / 1000);
    if (quality->in.mos > 0) impl_->mos.Observe(quality->in.mos);
  }
  if (const auto& echo = ended.echo) {
    impl_->echo_level.Observe(echo->level_db);
    impl_->echo_delay.Observe(static_cast<double>(echo->delay.count()) / 1e6);
  }
  if (ended.answered) impl_->duration.Observe(ended.seconds());
  impl_->calls.erase(uuid);
}

void Metrics::registered(bool is_new) {
  if (is_new) impl_->registered.Increment();
}

void Metrics::http_request(int status) {
  impl_->requests.Add({{"code", std::to_string(status)}}).Increment();
}

std::string Metrics::text(const Gauges& gauges) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  impl_->active.Set(number(gauges.active));
  impl_->registrations.Set(number(gauges.registrations));
  impl_->connections.Set(number(gauges.http_connections));
  impl_->readers.Set(number(gauges.event_readers));
  impl_->listeners.Set(number(gauges.listeners));
  impl_->queued.Set(number(gauges.queued_samples) / audio::kBridgeRate);
  impl_->uptime.Set(gauges.uptime_s);
  impl_->up.Set(gauges.sip_up ? 1 : 0);
  set_total(impl_->sip_received, gauges.workers.sip_received);
  set_total(impl_->sip_sent, gauges.workers.sip_sent);
  set_total(impl_->sip_unread, gauges.workers.sip_unread);
  set_total(impl_->bridge_failures, gauges.workers.bridge_failures);
  set_total(impl_->bridge_reconnects, gauges.workers.bridge_reconnects);
  set_total(impl_->hep_sent, gauges.workers.hep_sent);
  set_total(impl_->hep_dropped, gauges.workers.hep_dropped);
  impl_->recorder_waiting.Set(number(gauges.recorder.waiting));
  set_total(impl_->recorder_overruns, gauges.recorder.overruns);
  set_total(impl_->recorder_failures, gauges.recorder.failures);
  impl_->records_waiting.Set(number(gauges.records.waiting));
  set_total(impl_->records_stored, gauges.records.stored);
  set_total(impl_->records_lost.Add({{"cause", "refused"}}), gauges.records.refused);
  set_total(impl_->records_lost.Add({{"cause", "no_room"}}), gauges.records.lost);
  impl_->database_up.Set(gauges.records.database_trouble.empty() ? 1 : 0);
  impl_->spans_waiting.Set(number(gauges.traces.waiting));
  set_total(impl_->spans_sent, gauges.traces.sent);
  set_total(impl_->spans_dropped.Add({{"cause", "no_room"}}), gauges.traces.no_room);
  set_total(impl_->spans_dropped.Add({{"cause", "refused"}}), gauges.traces.refused);
  set_total(impl_->trace_failures, gauges.traces.failures);
  impl_->frames_dropped.Increment(number(gauges.listener_frames_dropped - impl_->frames_dropped_before));
  impl_->frames_dropped_before = gauges.listener_frames_dropped;
  impl_->readers_cut.Increment(number(gauges.event_readers_cut - impl_->readers_cut_before));
  impl_->readers_cut_before = gauges.event_readers_cut;
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

} // namespace talky::sipd
