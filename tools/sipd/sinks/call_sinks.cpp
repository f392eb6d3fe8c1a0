#include "sipd/sinks/call_sinks.hpp"

#include <optional>
#include <utility>

#include "core/overloaded.hpp"
#include "rtp/packet.hpp"
#include "sipd/sinks/hep_sender.hpp"
#include "sipd/sinks/log_sink.hpp"
#include "sipd/sinks/recorder.hpp"
#include "sipd/sinks/records.hpp"
#include "sipd/sinks/trace_sink.hpp"

namespace talky::sipd {
namespace {

class CallSinks final : public CallSink {
 public:
  CallSinks(const SinkTargets& targets, std::shared_ptr<const CallFacts> call, const Moment& now,
            std::uint64_t seed)
      : targets_(targets), call_(std::move(call)), seed_(seed) {
    if (targets_.recorder) recording_.emplace(*targets_.recorder, call_->uuid, !call_->agent_journal);
    if (targets_.records) record_.emplace(*targets_.records, begun_record(*call_), now.wall_us);
  }

  void happened(const CallEvent& event, const Moment& now) override {
    if (recording_) {
      const std::string entry = journal_entry(*call_, event, now.at);
      if (!entry.empty()) recording_->event(entry);
    }
    if (const auto entry = log_entry(*call_, event)) targets_.log(entry->level, entry->line.str());
    count(event);
    if (targets_.watcher) targets_.watcher->happened(call_, event, now);
    trace(event, now);
    if (record_) record_->happened(event, now.wall_us, recording_.has_value());
    if (std::holds_alternative<event::Ended>(event)) recording_.reset(); // behind the record's own end
  }

  void log(log::Level level, log::Line line) override {
    targets_.log(level, line.add("call", call_->uuid).str());
  }

  bool wants_packets() const override { return recording_ || targets_.hep; }
  void packet(const CallPacket& packet) override {
    using Kind = CallPacket::Kind;
    const bool sip = packet.kind == Kind::sip_tcp || packet.kind == Kind::sip_udp;
    if (targets_.hep && !sip &&
        (packet.kind == Kind::rtcp || rtp::classify(packet.bytes) == rtp::Traffic::rtcp))
      targets_.hep->rtcp(packet.sip_call_id, packet.from, packet.to, packet.bytes, packet.wall_us);
    if (recording_)
      recording_->packet(packet.wall_us, packet.from, packet.to, packet.kind == Kind::sip_tcp, packet.bytes);
  }

  bool wants_audio() const override { return recording_.has_value(); }
  void audio(std::uint64_t first_sample, std::span<const std::int16_t> stereo) override {
    if (recording_) recording_->audio(first_sample, stereo);
  }

 private:
  void count(const CallEvent& event) {
    if (!targets_.bridges) return;
    if (std::holds_alternative<event::BridgeFailed>(event)) ++targets_.bridges->failures;
    if (std::holds_alternative<event::BridgeRedialled>(event)) ++targets_.bridges->reconnects;
  }

  void trace(const CallEvent& event, const Moment& now) {
    if (!targets_.tracer) return;
    if (std::holds_alternative<event::Began>(event)) trace_.emplace(*targets_.tracer, *call_, now, seed_);
    if (trace_) trace_->happened(event, now.at);
    if (std::holds_alternative<event::Ended>(event)) trace_.reset();
  }

  SinkTargets targets_;
  std::shared_ptr<const CallFacts> call_;
  std::uint64_t seed_;
  std::optional<Recorder::Call> recording_;
  std::optional<Records::Call> record_;
  std::optional<TraceSink> trace_;
};

} // namespace

std::unique_ptr<CallSink> make_call_sinks(const SinkTargets& targets, std::shared_ptr<const CallFacts> call,
                                          const Moment& now, std::uint64_t seed) {
  return std::make_unique<CallSinks>(targets, std::move(call), now, seed);
}

} // namespace talky::sipd
