#include "sipd/call/session.hpp"

#include <fmt/format.h>

#include <utility>

#include "ipc/control.hpp"
#include "sipd/bridge/exec_bridge.hpp"
#include "sipd/bridge/media_streams_bridge.hpp"
#include "sipd/bridge/socket_bridge.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

constexpr auto ring_after = std::chrono::milliseconds(150);

double rounded(double value) {
  return static_cast<double>(static_cast<std::int64_t>(value * 100 + (value < 0 ? -0.5 : 0.5))) / 100;
}

} // namespace

Session::Session(Worker& worker, std::unique_ptr<Leg> leg, call::IncomingCall incoming, const Target& target,
                 std::string uuid)
    : worker_(worker),
      incoming_(std::move(incoming)),
      target_(target),
      out_(leg->is_called()),
      leg_(std::move(leg)),
      began_(net::now()),
      ringer_(worker.loop(), [this] {
        if (accepted_ || over_ || !leg_->ring()) return;
        if (record_) record_->ringing();
        worker_.drain();
      }) {
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
  if (worker_.shared().recorder) {
    const bool journal = !(target_.as<AgentTarget>() && worker_.shared().agent_keeps_journal);
    recording_ = std::make_unique<Recorder::Call>(*worker_.shared().recorder, about_.call, journal);
  }
  if (worker_.shared().records) {
    store::CallRecord record = begun_record(incoming_, about_.call, target_.text);
    record.transport = leg_->transport();
    if (out_) record.direction = "out";
    record_.emplace(*worker_.shared().records, std::move(record));
  }
}

Session::~Session() = default;

net::Loop& Session::loop() {
  return worker_.loop();
}

// ---- The way to the answer

void Session::begin() {
  tell_began();
  trace_began();
  if (const auto* refusal = target_.as<RejectTarget>()) return reject(refusal->status, "the route says so");
  if (SipLeg* const sip = leg_->sip()) {
    if (const auto done = open(*sip); !done) return reject(503, done.error());
  }
  note(about_);
  bridge_ = make_bridge();
  ringer_.at(net::now() + ring_after);
  bridge_->start();
}

std::unique_ptr<Bridge> Session::make_bridge() {
  if (const auto* tone = target_.as<ToneTarget>()) return make_tone(*this, tone->hertz);
  if (const auto* exec = target_.as<ExecTarget>()) return make_exec_bridge(*this, exec->command);
  if (const auto* socket = target_.as<SocketTarget>()) return make_socket_bridge(*this, *socket);
  if (const auto* streams = target_.as<MediaStreamsTarget>())
    return make_media_streams_bridge(*this, *streams, worker_.options().bridge_ca,
                                     *worker_.shared().reconnecting);
  if (target_.as<AgentTarget>() && worker_.shared().agent)
    return make_agent_bridge(*this, *worker_.shared().agent);
  if (const auto* play = target_.as<PlayTarget>()) {
    const auto file = worker_.live().files.find(play->path);
    if (file != worker_.live().files.end()) return make_player(*this, file->second);
  }
  return make_echo(*this);
}

tl::expected<void, std::string> Session::open(SipLeg& leg) {
  return leg.open([this](SipLeg& from, const net::UdpSocket::Datagram& datagram, bool is_rtcp) {
    receive(from, datagram, is_rtcp);
  });
}

bool Session::recording() const {
  return recording_ != nullptr || worker_.shared().api != nullptr;
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
  ringer_.cancel();
  const auto ring_time = worker_.options().ring;
  if (record_ && ring_time.count() > 0) record_->ringing();
  leg_->attach_bridge();
  if (const auto done = leg_->accept(ring_time, recording()); !done) {
    log(log::Level::warn, log::Line("call.not_answered").add("why", done.error().what));
    (void)leg_->reject(488); // if it has ended meanwhile, that is told
  }
  worker_.drain();
}

void Session::reject(int status, std::string_view why) {
  if (over_ || accepted_) return;
  failure_ = why;
  (void)leg_->reject(status); // likewise
  worker_.drain();
}

void Session::failed(std::string_view why, int status) {
  if (over_) return;
  ++worker_.counters().bridge_failures;
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
  if (worker_.shared().agent) {
    worker_.shared().agent->wanted();
    play_as(Owner::others, *worker_.shared().agent->apology());
  }
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

void Session::receive(SipLeg& leg, const net::UdpSocket::Datagram& datagram, bool is_rtcp) {
  if (over_) return;
  if (recording_) {
    const std::int64_t age_us = to_us(net::now()) - to_us(datagram.arrival);
    recording_->packet(net::wall_clock_us() - age_us, datagram.from, leg.local(is_rtcp), false,
                       datagram.bytes);
  }
  if (worker_.hep() && (is_rtcp || is_muxed_rtcp(datagram.bytes))) {
    worker_.hep()->rtcp(leg.sip_call_id, datagram.from, leg.local(is_rtcp), datagram.bytes,
                        net::wall_clock_us());
  }
  worker_.agent().receive_rtp(leg.key, datagram.bytes, datagram.from, is_rtcp, datagram.arrival);
  worker_.drain();
}

void Session::send(const call::SendMedia& media) {
  Leg* const whose = leg(media.call);
  SipLeg* const to = whose ? whose->sip() : nullptr;
  if (!to) return;
  to->send(media);
  if (!media.is_rtcp && to == leg_.get()) audio_left();
  if (worker_.hep() && (media.is_rtcp || is_muxed_rtcp(media.bytes))) {
    worker_.hep()->rtcp(to->sip_call_id, to->local(media.is_rtcp), media.to, media.bytes,
                        net::wall_clock_us());
  }
  if (recording_) {
    recording_->packet(net::wall_clock_us(), to->local(media.is_rtcp), media.to, false, media.bytes);
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
  ringer_.cancel();
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
  worker_.shared().log(level, line.add("call", about_.call).str());
}

void Session::note(const ipc::ToAgent& message) {
  note("to_agent", ipc::to_json(message));
}

void Session::note(std::string_view kind, const std::string& json) {
  if (!recording_) return;
  recording_->event(fmt::format(R"({{"t_ms":{},"{}":{}}})", to_ms(net::now() - began_), kind, json));
}

} // namespace talky::sipd
