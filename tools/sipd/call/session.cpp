#include "sipd/call/session.hpp"

#include <fmt/format.h>

#include <utility>

#include "ipc/control.hpp"
#include "rtp/packet.hpp"
#include "sipd/sinks/hep_sender.hpp"

namespace talky::sipd {
namespace {

constexpr auto ring_after = std::chrono::milliseconds(150);

double rounded(double value) {
  return static_cast<double>(static_cast<std::int64_t>(value * 100 + (value < 0 ? -0.5 : 0.5))) / 100;
}

} // namespace

Session::Session(CallHost& host, std::unique_ptr<Leg> leg, call::IncomingCall incoming, const Target& target,
                 std::string uuid)
    : host_(host),
      incoming_(std::move(incoming)),
      target_(target),
      out_(leg->is_called()),
      leg_(std::move(leg)),
      began_(host_.now()),
      ringer_(host.timer([this] {
        if (accepted_ || over_ || !leg_->ring()) return;
        if (record_) record_->ringing();
        host_.drain();
      })) {
  leg_->key = incoming_.call;
  leg_->peer = out_ ? incoming_.to : incoming_.from;
  leg_->sip_call_id = incoming_.call_id;
  about_.call = std::move(uuid);
  about_.from = incoming_.from;
  about_.to = incoming_.request_uri;
  for (const auto& [name, value] : incoming_.headers) {
    if (name.size() > 2 && (name[0] == 'X' || name[0] == 'x') && name[1] == '-')
      about_.headers.emplace_back(name, value);
  }
  if (host_.sinks().recorder) {
    const bool journal = !(target_.destination->needs_agent() && host_.sinks().agent_keeps_journal);
    recording_ = std::make_unique<Recorder::Call>(*host_.sinks().recorder, about_.call, journal);
  }
  if (host_.sinks().records) {
    store::CallRecord record = begun_record(incoming_, about_.call, target_.text);
    record.transport = leg_->transport();
    if (out_) record.direction = "out";
    record_.emplace(*host_.sinks().records, std::move(record));
  }
}

Session::~Session() = default;

net::Loop& Session::loop() {
  return host_.loop();
}

// ---- The way to the answer

void Session::begin() {
  tell_began();
  trace_began();
  if (const auto refusal = target_.destination->refusal()) return reject(*refusal, "the route says so");
  if (SipLeg* const sip = leg_->sip()) {
    if (const auto done = open(*sip); !done) return reject(503, done.error());
  }
  note(about_);
  auto bridge = host_.make_bridge(*this, target_);
  if (!bridge) return reject(500, bridge.error());
  bridge_ = std::move(*bridge);
  ringer_->at(host_.now() + ring_after);
  bridge_->start();
}

tl::expected<void, std::string> Session::open(SipLeg& leg) {
  return leg.open([this, &leg](const MediaPort::Packet& packet) { receive(leg, packet); });
}

bool Session::recording() const {
  return recording_ != nullptr || host_.options().taps;
}

Leg* Session::leg(call::CallKey call) const {
  for (const auto* one : {&leg_, &next_, &leaving_}) {
    if (*one && (*one)->key == call) return one->get();
  }
  return nullptr;
}

void Session::ready() {
  if (accepted_ || over_) return;
  accepted_ = true;
  ringer_->cancel();
  const auto ring_time = host_.options().ring;
  if (record_ && ring_time.count() > 0) record_->ringing();
  leg_->attach_bridge();
  if (const auto done = leg_->accept(ring_time, recording()); !done) {
    log(log::Level::warn, log::Line("call.not_answered").add("why", done.error().what));
    (void)leg_->reject(488); // if it has ended meanwhile, that is told
  }
  host_.drain();
}

void Session::reject(int status, std::string_view why) {
  if (over_ || accepted_) return;
  failure_ = why;
  (void)leg_->reject(status); // likewise
  host_.drain();
}

void Session::failed(std::string_view why, int status) {
  if (over_) return;
  host_.bridge_failed();
  log(log::Level::error, log::Line("bridge.failed").add("bridge", target_.text).add("why", why));
  if (seat_) { // the caller need not know
    seat_->agent_lost = {std::string(why), status};
    return;
  }
  lose_bridge(why, status);
}

void Session::lose_bridge(std::string_view why, int status) {
  if (!accepted_) return reject(status, why);
  failure_ = why;
  discard(Owner::others); // nobody asks any more
  if (const auto apology = host_.apology()) play_as(Owner::others, *apology);
  end_after_playout("agent lost");
}

void Session::ringing(const call::CallRinging& event) {
  if (!out_ || event.call != current() || answered_) return;
  if (record_) record_->ringing();
  if (std::exchange(rang_, true)) return;
  log(log::Level::info, log::Line("call.ringing").add("to", incoming_.to).add("status", event.status));
  tell("call.ringing", fmt::format(R"("status":{})", event.status));
}

void Session::answered(const call::CallAnswered& event) {
  if (next_ && event.call == next_->key) return move_to_next(event);
  answered_ = true;
  tell_answered(event);
  if (trace_) trace_->answered(event.at);
  if (record_) record_->answered();
  log::Line line("call.start");
  line.add("from", incoming_.from)
      .add("to", incoming_.dialled)
      .add("bridge", target_.text)
      .add("codec", event.plan.codec)
      .add("peer", incoming_.flow.remote.to_string())
      .add("transport", leg_->transport());
  leg_->describe(event, line);
  line.add("user_agent", incoming_.user_agent);
  if (!incoming_.call_id.empty()) line.add("sip_call_id", incoming_.call_id);
  log(log::Level::info, line.add("answer_ms", to_ms(event.at - began_)));
}

// ---- Media

void Session::receive(SipLeg& leg, const MediaPort::Packet& packet) {
  if (over_) return;
  const bool is_rtcp = packet.is_rtcp;
  if (recording_) {
    const std::int64_t age_us = to_us(host_.now()) - to_us(packet.arrival);
    recording_->packet(host_.wall_us() - age_us, packet.from, leg.local(is_rtcp), false, packet.bytes);
  }
  if (host_.sinks().hep && (is_rtcp || rtp::classify(packet.bytes) == rtp::Traffic::rtcp)) {
    host_.sinks().hep->rtcp(leg.sip_call_id, packet.from, leg.local(is_rtcp), packet.bytes, host_.wall_us());
  }
  host_.user_agent().receive_rtp(leg.key, packet.bytes, packet.from, is_rtcp, packet.arrival);
  host_.drain();
}

void Session::send(const call::SendMedia& media) {
  Leg* const whose = leg(media.call);
  SipLeg* const to = whose ? whose->sip() : nullptr;
  if (!to) return;
  to->send(media);
  if (!media.is_rtcp && to == leg_.get()) audio_left();
  if (host_.sinks().hep && (media.is_rtcp || rtp::classify(media.bytes) == rtp::Traffic::rtcp)) {
    host_.sinks().hep->rtcp(to->sip_call_id, to->local(media.is_rtcp), media.to, media.bytes,
                            host_.wall_us());
  }
  if (recording_) {
    recording_->packet(host_.wall_us(), to->local(media.is_rtcp), media.to, false, media.bytes);
  }
}

void Session::sip(const sip::Flow& flow, std::string_view bytes, bool incoming, std::int64_t time_us) {
  if (!recording_) return;
  const bool tcp = flow.transport == sip::Transport::tcp;
  recording_->packet(time_us, incoming ? flow.remote : flow.local, incoming ? flow.local : flow.remote, tcp,
                     as_bytes(bytes));
}

// ---- What happens in the call

void Session::dtmf(const call::DtmfPressed& event) {
  if (event.call != current()) return;
  const ipc::DtmfReceived key{event.digit, event.duration_ms};
  log(log::Level::info, log::Line("dtmf")
                            .add("digit", std::string_view(&event.digit, 1))
                            .add("via", event.via == call::DtmfPressed::Via::rtp ? "rtp" : "info")
                            .add("duration_ms", event.duration_ms));
  note(key);
  tell("dtmf", fmt::format(R"("digit":"{}","duration_ms":{})", event.digit, event.duration_ms));
  if (Bridge* const heard_by = partner()) heard_by->dtmf(key);
}

void Session::held(call::CallKey call, bool held) {
  if (call != current()) return;
  held_ = held;
  log(log::Level::info, log::Line(held ? "call.hold" : "call.resume"));
  tell(held ? "call.hold" : "call.resume", "");
  tell_hold(held);
}

void Session::tell_hold(bool held) {
  note(held ? ipc::ToAgent(ipc::Hold{}) : ipc::ToAgent(ipc::Resume{}));
  if (Bridge* const heard_by = partner()) heard_by->hold(held);
}

void Session::finish(const call::CallEnded& event) {
  ringer_->cancel();
  const std::string_view cause = call::to_string(event.cause);
  std::string reason = !failure_.empty() ? failure_ : event.reason;
  const auto length = event.answered ? event.ended - *event.answered : Duration{0};
  log::Line line(answered_ ? "call.end" : "call.refused");
  line.add("cause", cause).add("by", event.by_peer ? "peer" : "us");
  if (!reason.empty()) line.add("reason", reason);
  if (!answered_) {
    line.add("status", event.status)
        .add("from", incoming_.from)
        .add("to", incoming_.dialled)
        .add("bridge", target_.text)
        .add("peer", incoming_.flow.remote.to_string());
  }
  if (answered_) line.add("seconds", rounded(static_cast<double>(length.count()) / 1e6));
  if (event.quality) {
    const media::MediaQuality& q = *event.quality;
    line.add("codec", event.codec)
        .add("in_packets", q.in.packets)
        .add("in_lost", q.in.lost)
        .add("in_jitter_ms", rounded(q.in.jitter_ms))
        .add("in_mos", rounded(q.in.mos))
        .add("out_packets", q.out.packets);
    if (q.out_reported) {
      line.add("out_lost", q.out.lost)
          .add("out_jitter_ms", rounded(q.out.jitter_ms))
          .add("out_mos", rounded(q.out.mos));
    }
    line.add("late", q.late)
        .add("foreign", q.foreign)
        .add("late_ticks", q.late_ticks)
        .add("unsent_ticks", q.unsent_ticks)
        .add("underruns", q.underruns)
        .add("underrun_ms", q.underrun_samples * 1000 / media::kSampleRate)
        .add("pauses", q.pauses);
    if (q.rtt_ms) line.add("rtt_ms", rounded(*q.rtt_ms));
    note("end",
         fmt::format(
             R"({{"cause":"{}","by_peer":{},"status":{},"duration_ms":{},"in":{{"packets":{},"lost":{},)"
             R"("jitter_ms":{},"mos":{}}},"out":{{"packets":{}}}}})",
             cause, event.by_peer, event.status, to_ms(length), q.in.packets, q.in.lost,
             rounded(q.in.jitter_ms), rounded(q.in.mos), q.out.packets));
  } else {
    note("end",
         fmt::format(R"({{"cause":"{}","by_peer":{},"status":{}}})", cause, event.by_peer, event.status));
  }
  const bool ours = !answered_ && !event.by_peer && !failure_.empty() && event.status >= 500;
  log(ours ? log::Level::error : log::Level::info, std::move(line));
  const std::string_view last_word = reason.empty() ? cause : std::string_view(reason);
  if (seat_) seat_->bridge.stop(last_word); // before the API lets it go
  tell_ended(event, cause, reason);
  trace_ended(event, cause, reason);
  over_ = true;
  if (record_) record_->ended(event, reason, recording_ != nullptr);
  if (bridge_) bridge_->stop(last_word);
  recording_.reset();
}

// ---- Logs

void Session::log(log::Level level, log::Line line) {
  host_.sinks().log(level, line.add("call", about_.call).str());
}

void Session::note(const ipc::ToAgent& message) {
  note("to_agent", ipc::to_json(message));
}

void Session::note(std::string_view kind, const std::string& json) {
  if (!recording_) return;
  recording_->event(fmt::format(R"({{"t_ms":{},"{}":{}}})", to_ms(host_.now() - began_), kind, json));
}

} // namespace talky::sipd
