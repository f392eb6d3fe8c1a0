#include "sipd/bridge/remote_bridge.hpp"

#include <variant>

#include "audio/frame.hpp"
#include "core/overloaded.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint64_t kRate = audio::kBridgeRate;
constexpr std::uint64_t kPauseAbove = 60 * kRate;  // samples queued
constexpr std::uint64_t kResumeBelow = 30 * kRate; // samples queued
constexpr std::uint64_t kSilentAfter = 10 * kRate; // samples of the caller without any of the program
constexpr std::uint32_t kMaxControls = 500;        // a second
constexpr std::uint32_t kMaxComplaints = 5;        // lines about bad messages, a call

} // namespace

void RemoteBridge::caller_audio(std::span<const std::int16_t> samples, Time now) {
  if (over_) return;
  const bool new_second = caller_samples_ / kRate != (caller_samples_ + samples.size()) / kRate;
  caller_samples_ += samples.size();
  if (new_second) controls_ = 0;
  if (!send_audio(samples, now) && !told_slow_) {
    told_slow_ = true;
    host_.log(log::Level::warn,
              log::Line("bridge.slow").add("why", "the program does not read: its audio is dropped"));
  }
  if (!heard_ && !told_silent_ && caller_samples_ >= kSilentAfter) {
    told_silent_ = true;
    host_.log(log::Level::warn, log::Line("bridge.silent").add("seconds", kSilentAfter / kRate));
  }
  if (paused_ && host_.queued() < kResumeBelow) {
    paused_ = false;
    pause(false);
  }
}

void RemoteBridge::agent_audio(std::span<const std::int16_t> samples, Time now) {
  if (said_bye_ || over_) return;
  heard_ = true;
  host_.play(samples, now);
  if (paused_ || host_.queued() < kPauseAbove) return;
  paused_ = true;
  pause(true);
  if (told_flood_) return;
  told_flood_ = true;
  host_.log(log::Level::warn, log::Line("bridge.flood")
                                  .add("queued_s", host_.queued() / kRate)
                                  .add("why", "audio comes faster than it plays: reading waits"));
}

bool RemoteBridge::flooding(Time now) {
  if (++controls_ <= kMaxControls) return false;
  host_.log(log::Level::error, log::Line("bridge.flood").add("control_messages_a_second", controls_));
  lose("the program floods us with control messages", now);
  return true;
}

void RemoteBridge::agent_control(std::string_view json, Time now) {
  if (over_ || flooding(now)) return;
  const auto message = ipc::parse_from_agent(json);
  if (!message) {
    if (++complaints_ <= kMaxComplaints) {
      host_.log(
          log::Level::warn,
          log::Line("bridge.message").add("expected", message.error().what).add("got", json.substr(0, 200)));
    }
    return;
  }
  std::visit(Overloaded{[this](const ipc::Accepts& m) { accepts_ = m; },
                        [&](const ipc::Clear&) {
                          host_.clear(now);
                          if (!paused_) return;
                          paused_ = false;
                          pause(false);
                        },
                        [this](const ipc::Duck& m) { host_.duck(m.on); },
                        [this](const ipc::Mark& m) { host_.mark(m.name); },
                        [&](const ipc::Hangup& m) {
                          said_bye_ = true;
                          host_.hangup(m.reason.empty() ? "agent hung up" : m.reason, now);
                        },
                        [&](const ipc::Transfer& m) { host_.transfer(m.to, now); },
                        [&](const ipc::SendDtmf& m) { host_.send_dtmf(m, now); },
                        [&](const ipc::TurnTaken& m) { host_.turn(m, now); },
                        [&](const ipc::SpeechActive& m) { host_.shown(m, now); },
                        [&](const ipc::Caption& m) { host_.shown(m, now); },
                        [&](const ipc::HeardPart& m) { host_.shown(m, now); }},
             *message);
}

bool RemoteBridge::say(const ipc::Say& say) {
  if (over_ || !accepts_.say) return false;
  tell(say);
  return true;
}

void RemoteBridge::lose(std::string_view why, Time now, int status) {
  if (over_) return;
  over_ = true;
  const std::string reason(why); // the program's own words may go with it
  break_off();
  host_.failed(reason, status, now);
}

void RemoteBridge::leave(std::string_view reason, Time now) {
  if (over_) return;
  over_ = true;
  const std::string text(reason);
  break_off();
  if (!said_bye_) host_.hangup(text, now);
}

} // namespace talky::sipd
