#include "metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace talky::sipd {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

const Buckets& setup_buckets() {
  static const Buckets buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20};
  return buckets;
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
  };
  void count(const std::string& uuid, const call::MediaQuality& q) {
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
  }

  prometheus::Registry registry;
  Counter& begun = counter("talky_calls_started_total", "Calls that came in.");
  Family<Counter>& ended = counters("talky_calls_total", "Calls that ended, by result.");
  Gauge& active = gauge("talky_calls_active", "Calls that are up or ring.");
  Gauge& capacity = gauge("talky_calls_capacity", "Calls that may be up at once.");
  Histogram& setup = histogram("talky_call_setup_seconds", "From the INVITE to the answer.", setup_buckets());
  Histogram& first = histogram("talky_call_first_audio_seconds",
                               "From the answer to the first audio of the bridge.", setup_buckets());
  Histogram& duration = histogram("talky_call_duration_seconds", "From the answer to the end.",
                                  {1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600});
  Histogram& jitter =
      histogram("talky_call_jitter_seconds", "Interarrival jitter (RFC 3550) at the end of a call.",
                {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1});
  Histogram& mos = histogram("talky_call_mos", "Estimated listening quality of what was received, 1 to 4.5.",
                             {1, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4});
  Counter& received = counter("talky_rtp_received_packets_total", "RTP packets accepted.");
  Counter& sent = counter("talky_rtp_sent_packets_total", "RTP packets sent.");
  Counter& lost =
      counter("talky_rtp_lost_packets_total", "RTP packets that never came, by their sequence numbers.");
  Family<Counter>& drops =
      counters("talky_rtp_dropped_packets_total", "RTP packets not used or not sent, by cause.");
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
  for (const char* cause : {"late", "duplicate", "foreign", "malformed", "unexpected", "unsent"})
    impl_->drops.Add({{"cause", cause}}); // so that a rate can be told from the first one on
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

void Metrics::live(const CallSnapshot& now) {
  if (now.quality) impl_->count(now.uuid, *now.quality);
}

void Metrics::ended(const CallOver& call) {
  impl_->ended.Add({{"result", call.answered ? "answered" : "refused"}, {"cause", call.cause}}).Increment();
  if (call.quality) {
    impl_->count(call.uuid, *call.quality);
    if (call.quality->in.packets > 0) impl_->jitter.Observe(call.quality->in.jitter_ms / 1000);
    if (call.quality->in.mos > 0) impl_->mos.Observe(call.quality->in.mos);
  }
  if (call.answered) impl_->duration.Observe(call.seconds);
  impl_->calls.erase(call.uuid);
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
  impl_->queued.Set(number(gauges.queued_samples) / 16'000);
  impl_->uptime.Set(gauges.uptime_s);
  impl_->up.Set(gauges.sip_up ? 1 : 0);
  impl_->frames_dropped.Increment(number(gauges.listener_frames_dropped - impl_->frames_dropped_before));
  impl_->frames_dropped_before = gauges.listener_frames_dropped;
  impl_->readers_cut.Increment(number(gauges.event_readers_cut - impl_->readers_cut_before));
  impl_->readers_cut_before = gauges.event_readers_cut;
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

} // namespace talky::sipd
