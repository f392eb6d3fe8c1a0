#include "call/call_media.hpp"

#include <utility>

namespace talky::call {
namespace {

// Before offer and answer are complete: whatever our offer names is understood, and nothing is sent.
media::MediaSession open_session(const sdp::Capabilities& capabilities) {
  media::MediaSession session;
  session.formats.clear();
  for (const sdp::Codec& codec : capabilities.codecs)
    session.formats.push_back({codec.name, codec.payload_type, codec.clock_rate});
  session.telephone_event_in = capabilities.telephone_event;
  session.direction = media::Direction::recvonly;
  return session;
}

} // namespace

Result<> CallMedia::negotiate(const sdp::Capabilities& capabilities, const sdp::LocalMedia& local,
                              std::string_view offer) {
  negotiation_.emplace(capabilities, local, signalling_.random()() >> 1);
  if (offer.empty()) return {};
  if (const auto answer = negotiation_->accept_offer(offer); !answer) {
    negotiation_.reset();
    return tl::unexpected(answer.error());
  }
  plan_ = negotiation_->plan();
  return {};
}

Result<> CallMedia::create(const sdp::Capabilities& capabilities, bool recording, bool invited) {
  const Config& config = signalling_.config();
  media::MediaConfig wanted;
  wanted.session = plan_ ? media::MediaSession::from(*plan_) : open_session(capabilities);
  wanted.cname = "talky-" + signalling_.local_tag();
  wanted.ntp_at_epoch = config.ntp_at_epoch;
  wanted.rtp_timeout = config.rtp_timeout;
  wanted.recording = recording;
  wanted.vouched = invited;
  if (const sip::Dialog* const dialog = signalling_.dialog()) wanted.peer = dialog->flow().remote.ip;
  wanted.scratch = signalling_.media_scratch();
  auto media = media::Media::create(wanted, signalling_.random());
  if (!media) return tl::unexpected(media.error());
  media_ = std::move(*media);
  if (bridge_attached_) media_->attach_bridge();
  return {};
}

bool CallMedia::take_answer(std::string_view answer) {
  return negotiation_->offer_pending() ? negotiation_->accept_answer(answer).has_value()
                                       : negotiation_->replace_answer(answer).has_value();
}

void CallMedia::apply_plan(Phase phase, Time now) {
  if (const sip::Dialog* const dialog = signalling_.dialog(); dialog != nullptr && media_)
    media_->set_peer(dialog->flow().remote.ip);
  const sdp::MediaPlan& plan = *negotiation_->plan();
  if (plan_ && *plan_ == plan) return;
  const bool was_held = plan_ && plan_->remote_hold;
  plan_ = plan;
  if (media_) {
    media::MediaSession session = media::MediaSession::from(plan);
    if (phase == Phase::early) session.direction = sdp::both(session.direction, media::Direction::recvonly);
    if (const auto updated = media_->update(session, now); !updated) {
      signalling_.emit(Log{log::Level::error, log::Line("call.media_refused")
                                                  .add("call", signalling_.call_id())
                                                  .add("expected", updated.error().what)
                                                  .str()});
    }
  }
  if (phase != Phase::running) return;
  signalling_.emit(MediaChanged{signalling_.key(), plan});
  if (plan.remote_hold && !was_held) signalling_.emit(Held{signalling_.key()});
  if (!plan.remote_hold && was_held) {
    signalling_.emit(Resumed{signalling_.key()});
    // If nothing came during the hold, somebody must be heard again within the usual time.
    if (silent_) expect_media(now);
  }
}

void CallMedia::attach_bridge() {
  bridge_attached_ = true;
  if (media_) media_->attach_bridge();
}

bool CallMedia::receive(Bytes bytes, const Endpoint& source, bool is_rtcp, Time now) {
  if (!is_rtcp) silent_ = false;
  return media_->receive(bytes, source, is_rtcp, now);
}

void CallMedia::expect_media(Time now) {
  const Duration timeout = signalling_.config().rtp_timeout;
  silent_ = true;
  if (timeout > Duration::zero()) timers_.set(Timer::silence, now + timeout);
}

bool CallMedia::fell_silent() {
  silent_ = true;
  return plan_ && !plan_->remote_hold;
}

} // namespace talky::call
