#include "sipd/call/web_leg.hpp"

#include <algorithm>
#include <utility>

#include "codec/l16.hpp"
#include "core/overloaded.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

using namespace std::chrono_literals;

constexpr auto kClearLimit = 1s;       // for the browser's last word
constexpr std::size_t kRtpHeader = 12; // of the packets that Media makes: no CSRC, no extension
constexpr auto kGoodbyeWait = 3s;
constexpr std::uint32_t kEyMs = 100; // a browser does not say how long a key was held

media::MediaSession media_session(const Endpoint& peer, media::Direction direction) {
  media::MediaSession session;
  session.formats = {{"L16", kWebPayloadType, media::kSampleRate}};
  session.remote = peer;
  session.direction = direction;
  return session;
}

std::string_view ended_by(const call::CallEnded& event) {
  if (event.by_peer) return "caller";
  const bool asked = event.cause == call::EndCause::hangup || event.cause == call::EndCause::rejected;
  return asked && event.reason != "api" ? "agent" : "system";
}

} // namespace

WebLeg::WebLeg(CallHost& host, WebCall call, std::shared_ptr<void> slot, Time now)
    : host_(host),
      call_(std::move(call)),
      slot_(std::move(slot)),
      random_(host.random()()),
      ticker_(host.timer([this](Time at) { tick(at); })),
      ring_end_(host.timer([this](Time at) { answer(at); })),
      clear_limit_(host.timer([this](Time at) {
        settled(playout_.settle_unanswered(at), at);
        later();
      })),
      invited_(now),
      sound_(random_),
      playout_(call_.reports) {
  media::MediaConfig config;
  config.session = media_session(call_.peer, media::Direction::sendrecv);
  config.rtcp = false;
  config.recording = true;
  media_.emplace(std::move(*media::Media::create(config, random_)));
}

WebLeg::~WebLeg() {
  *alive_ = false;
  call_.to_call->close();
}

void WebLeg::serve(Session& session, const std::string& uuid) {
  session_ = &session;
  uuid_ = uuid;
  call_.to_call->open([this, alive = alive_](FromBrowser& message, Time now) {
    if (*alive) received(message, now);
  });
  show(WebState{uuid_, false});
}

void WebLeg::show(WebEvent event) {
  if (!over_) call_.to_browser->send(std::move(event));
}

LegDetails WebLeg::details(const call::CallAnswered& /*event*/) const {
  return {std::nullopt, 0, call_.voice};
}

// ---- The way to the answer

bool WebLeg::ring(Time /*now*/) {
  return !over_ && !std::exchange(rings_, true); // the browser has been told at once
}

Result<> WebLeg::accept(Duration ring_time, bool recording, Time now) {
  if (over_ || accepted_) return fail(Errc::closed, 0, "a call that waits for its answer");
  accepted_ = true;
  recording_ = recording;
  ring_end_->at(now + ring_time); // not from within what the bridge is doing
  return {};
}

void WebLeg::answer(Time now) {
  if (over_ || answered_) return;
  answered_ = now;
  show(WebState{uuid_, true});
  call::CallAnswered event;
  event.call = key;
  event.plan.codec = "L16";
  event.plan.clock_rate = media::kSampleRate;
  event.plan.remote_rtp = call_.peer;
  event.at = now;
  session_->answered(event, now);
  media_->start(now);
  tick(now);
}

Result<> WebLeg::reject(int status, Time now) {
  if (over_ || answered_) return fail(Errc::closed, 0, "a call that waits for its answer");
  end(call::EndCause::rejected, false, status, "", now);
  return {};
}

// ---- The clock

void WebLeg::tick(Time now) {
  media_->expire(now);
  pump(now);
}

void WebLeg::later() {
  if (std::exchange(pump_posted_, true)) return;
  host_.post([this, alive = alive_](Time now) {
    if (!*alive) return;
    pump_posted_ = false;
    pump(now);
  });
}

void WebLeg::arm() {
  if (over_) return;
  if (const auto due = media_->deadline()) ticker_->at(*due);
}

void WebLeg::pump(Time now) {
  if (over_ || pumping_) return; // a command from within a callback: the loop below sees what came of it
  pumping_ = true;
  while (auto output = media_->poll()) {
    std::visit(
        Overloaded{[&](const media::SendRtp& e) { send_sound(e.bytes, now); },
                   [&](const media::CallerFrame& e) {
                     session_->caller_audio({key, e}, now);
                   },
                   [this](const media::RecordingFrame& e) {
                     if (recording_) session_->recorded({key, e});
                   },
                   [&](media::MarkReached& e) { playout_.mark(std::move(e.name), e.samples_played, now); },
                   [](const auto&) {}},
        *output);
    if (over_) break;
  }
  pumping_ = false;
  pass_marks(now);
  check_goodbye(now);
  host_.drain(); // what the bridge has done to other calls
  arm();
}

// ---- From the browser

void WebLeg::received(FromBrowser& message, Time now) {
  if (over_) return;
  std::visit(Overloaded{[&](WebSound& m) { caller_sound(m.samples, now); },
                        [&](const ipc::browser::HangUp&) {
                          end(answered_ ? call::EndCause::hangup : call::EndCause::cancelled, true,
                              answered_ ? 200 : 487, "", now);
                        },
                        [&](const ipc::browser::Key& m) { pressed(m.digit, now); },
                        [&](const ipc::browser::Played& m) {
                          playout_.skipped(m.skipped);
                          playout_.played(m.samples, now);
                          pass_marks(now);
                          check_goodbye(now);
                        },
                        [&](const ipc::browser::Cleared& m) {
                          playout_.skipped(m.skipped);
                          settled(playout_.cleared(m.samples, now), now);
                          pass_marks(now);
                          check_goodbye(now);
                        },
                        [&](const WebGone& m) {
                          if (!answered_) return end(call::EndCause::cancelled, true, 487, "", now);
                          end(m.in_order ? call::EndCause::hangup : call::EndCause::lost, true, 200,
                              m.in_order ? "" : "the browser is gone", now);
                        }},
             message);
}

void WebLeg::pressed(char digit, Time now) {
  if (!answered_) return;
  session_->dtmf({key, digit, kEyMs, media_->samples(), call::DtmfPressed::Via::info}, now);
}

// ---- The agent's voice, and what was heard of it

void WebLeg::attach_bridge() {
  media_->attach_bridge();
}

Result<std::size_t> WebLeg::play(std::span<const std::int16_t> samples) {
  if (over_) return fail(Errc::not_found, 0, "a call that has not ended");
  if (goodbye_) return samples.size(); // what is said after the goodbye is dropped
  return media_->play(samples);
}

std::uint64_t WebLeg::queued() const {
  return media_->samples_queued();
}

void WebLeg::mark(const std::string& name) {
  if (over_) return;
  media_->mark(name);
  later();
}

std::optional<media::MediaQuality> WebLeg::quality() const {
  if (!answered_) return std::nullopt;
  return media_->quality();
}

std::size_t WebLeg::talk_in(std::span<const std::int16_t> samples) {
  return over_ ? samples.size() : media_->talk_in(samples);
}

std::optional<ipc::Cleared> WebLeg::clear(Time now) {
  if (over_) return ipc::Cleared{};
  settled(playout_.settle(), now); // two at once: the first makes do with what is known
  const auto queue = media_->clear();
  later(); // the marks passed over follow the answer
  // Of somebody who talks in, the fraction of a second that waits in the browser goes with the rest.
  call_.to_browser->send(WebClear{});
  const auto answer = playout_.clear(queue, media_->samples_played());
  if (!answer) clear_limit_->at(now + kClearLimit);
  return answer;
}

// What waits in the browser already is heard as it is.
void WebLeg::duck(bool on) {
  if (!over_) media_->duck(on);
}

void WebLeg::settled(const std::optional<ipc::Cleared>& answer, Time now) {
  if (!answer) return;
  clear_limit_->cancel();
  session_->cleared(*answer, now);
}

void WebLeg::pass_marks(Time now) {
  while (!over_) {
    auto mark = playout_.poll(now);
    if (!mark) return;
    call::MarkPassed passed;
    passed.call = key;
    passed.name = std::move(mark->name);
    passed.samples_played = mark->played;
    session_->mark(passed, now);
  }
}

// A packet of Media's holds the agent's samples, or those of somebody who talks in, and silence behind them
// where there are fewer: only the first go.
void WebLeg::send_sound(Bytes rtp, Time now) {
  const std::uint64_t played = media_->samples_played(), talked = media_->samples_talked_in();
  const std::uint64_t fresh = played - std::exchange(sent_, played);
  const std::uint64_t count = std::max(fresh, talked - std::exchange(talked_, talked));
  if (count == 0 || rtp.size() <= kRtpHeader) return;
  const Bytes payload = rtp.subspan(kRtpHeader);
  WebSound sound;
  sound.samples.resize(payload.size() / 2);
  codec::l16::decode(payload, sound.samples);
  sound.samples.resize(std::min<std::size_t>(count, sound.samples.size()));
  const std::uint64_t size = sound.samples.size();
  playout_.sent(std::min(fresh, size), size - std::min(fresh, size));
  call_.to_browser->send(std::move(sound));
  if (fresh > 0) session_->audio_left(now);
}

void WebLeg::caller_sound(std::span<const std::int16_t> samples, Time now) {
  if (!answered_) return;
  sound_.push(samples, now, [this, now](Bytes packet) { media_->receive(packet, call_.peer, false, now); });
}

// ---- What is done to it

Result<> WebLeg::dtmf(std::string_view digits, Duration /*length*/, Time /*now*/) {
  if (!answered_ || over_) return fail(Errc::closed, 0, "a call that has been answered");
  show(WebKeys{std::string(digits)});
  return {};
}

Result<> WebLeg::set_hold(bool held, Time now) {
  if (!answered_ || over_) return fail(Errc::closed, 0, "a call that has been answered");
  const auto direction = held ? media::Direction::sendonly : media::Direction::sendrecv;
  if (auto done = media_->update(media_session(call_.peer, direction), now); !done) return done;
  show(WebHold{held});
  return {};
}

Result<> WebLeg::hold(Time now) {
  return set_hold(true, now);
}

Result<> WebLeg::resume(Time now) {
  return set_hold(false, now);
}

Result<> WebLeg::transfer(std::string_view /*target*/, Time /*now*/) {
  return fail(Errc::unsupported, 0, "a telephone: a browser cannot be transferred");
}

Result<> WebLeg::hangup(std::string_view reason, bool after_playout, Time now) {
  if (over_) return fail(Errc::not_found, 0, "a call that has not ended");
  if (!after_playout) {
    end(answered_ ? call::EndCause::hangup : call::EndCause::rejected, false, answered_ ? 200 : 480, reason,
        now);
    return {};
  }
  if (goodbye_) return {};
  goodbye_ = reason;
  later();
  return {};
}

void WebLeg::check_goodbye(Time now) {
  if (!goodbye_ || over_ || !answered_ || !media_->playout_idle()) return;
  if (!goodbye_limit_) goodbye_limit_ = now + kGoodbyeWait;
  if (playout_.is_waiting() && now < *goodbye_limit_) return;
  end(call::EndCause::hangup, false, 200, *goodbye_, now);
}

void WebLeg::shut_down(Time now) {
  if (!over_) end(call::EndCause::shutdown, false, answered_ ? 200 : 503, "", now);
}

// The session hears of it from the loop: it destroys the leg.
void WebLeg::end(call::EndCause cause, bool by_peer, int status, std::string_view reason, Time now) {
  if (std::exchange(over_, true)) return;
  ticker_->cancel();
  ring_end_->cancel();
  clear_limit_->cancel();
  call::CallEnded event = call::call_ended(key, cause, by_peer, status, reason, invited_, answered_, now);
  if (answered_) {
    event.codec = "L16";
    event.quality = media_->quality();
  }
  const double seconds = answered_ ? static_cast<double>((event.ended - *answered_).count()) / 1e6 : 0.0;
  call_.to_browser->send(
      WebEnd{cause, ended_by(event), status, std::string(session_->why(event.reason)), seconds});
  call_.to_call->close();
  host_.leg_ended(event);
}

} // namespace talky::sipd
