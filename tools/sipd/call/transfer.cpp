// Another party takes the place of the one that called: it asked for that (REFER), or the other one says so
// (Replaces). The bridge, the recording and the journal go on with the new party.
#include <fmt/format.h>

#include <utility>

#include "core/ascii.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

constexpr unsigned max_transfers = 10; // of one session, one after the other
constexpr auto ring_limit = std::chrono::seconds(60);

} // namespace

// ---- REFER

void Session::transfer_requested(const call::TransferRequested& event) {
  const auto refuse = [&](int status, std::string_view why) {
    log(log::Level::warn,
        log::Line("call.transfer_refused").add("to", event.target).add("status", status).add("why", why));
    host_.user_agent().answer_refer(event.call, status, host_.now());
  };
  if (over_ || event.call != current() || next_ || referrer_ != 0 || hangup_asked_)
    return refuse(491, "another transfer or the goodbye is under way");
  if (!host_.permits(event.target, CallHost::Wish::referral))
    return refuse(603, "no --allow-refer pattern fits");
  if (transfers_ >= max_transfers) return refuse(603, "too many transfers of one call");
  ++transfers_;
  referrer_ = event.call;
  log(log::Level::info, log::Line("call.transfer")
                            .add("to", event.target)
                            .add("by", "peer")
                            .add("attended", !event.replaces.empty())
                            .add("referred_by", event.referred_by));
  host_.user_agent().answer_refer(event.call, 202, host_.now());
  next_hop_.emplace(host_, event.target, [this, event](tl::expected<NextHop, int> hop) {
    place(event, std::move(hop));
    host_.drain();
  });
}

void Session::place(const call::TransferRequested& event, tl::expected<NextHop, int> hop) {
  if (over_ || referrer_ == 0) return;
  if (!hop) return fail_transfer(hop.error(), "no way there");
  auto next = std::make_unique<SipLeg>(host_, hop->flow);
  if (const auto done = open(*next); !done) return fail_transfer(503, done.error());
  call::InviteOptions options;
  options.target = hop->target;
  options.to = event.target;
  options.from = out_ ? incoming_.from : incoming_.to;
  options.flow = hop->flow;
  options.media = next->media();
  options.call_id = host_.new_call_id();
  options.refer = referrer_;
  options.max_redirects = max_redirects;
  options.answer_timeout = ring_limit;
  options.recording = recording();
  if (!event.referred_by.empty()) options.headers.emplace_back("Referred-By", event.referred_by);
  if (!event.replaces.empty()) options.headers.emplace_back("Replaces", event.replaces);
  if (event.require_replaces) options.headers.emplace_back("Require", "replaces");
  next_ = std::move(next);
  next_->peer = event.target;
  next_->sip_call_id = options.call_id;
  host_.expect_sip(options.call_id, *this);
  const auto placed = host_.user_agent().invite(options, host_.now());
  if (!placed) {
    host_.forget_sip(next_->sip_call_id);
    next_.reset();
    return fail_transfer(503, placed.error().what);
  }
  next_->key = *placed;
  host_.adopt(*placed, current());
}

// Nothing was placed; the old party stays.
void Session::fail_transfer(int status, std::string_view why) {
  log(log::Level::warn, log::Line("call.transfer_failed").add("status", status).add("why", why));
  host_.user_agent().end_refer(std::exchange(referrer_, 0), status, host_.now());
}

// Its RTP sockets stay, so the next place must be reached from the same address.
void Session::redirected(const call::CallRedirected& event) {
  Leg* const whose = leg(event.call);
  SipLeg* const to = whose ? whose->sip() : nullptr;
  const bool transfer = next_ && next_->key == event.call;
  if (!to || over_ || (!transfer && !out_)) {
    (void)host_.user_agent().hangup(event.call, "", false, host_.now());
    return;
  }
  const auto wish = transfer ? CallHost::Wish::referral : CallHost::Wish::call_out;
  redirects_ = Redirects::follow(host_, event, {wish, to->local(false).ip, uuid()});
}

void Session::transfer_failed(const call::TransferFailed& event) {
  log(log::Level::warn, log::Line("call.transfer_failed").add("status", event.status));
}

// ---- Replaces

void Session::replaced_by(const call::IncomingCall& call) {
  const auto refuse = [&](int status) { host_.user_agent().reject(call.call, status, "", host_.now()); };
  if (over_ || call.replaces != current() || !answered_ || next_ || referrer_ != 0 || hangup_asked_)
    return refuse(491);
  auto next = std::make_unique<SipLeg>(host_, call.flow);
  if (!open(*next)) return refuse(503);
  next_ = std::move(next);
  next_->key = call.call;
  next_->peer = call.from;
  next_->sip_call_id = call.call_id;
  log(log::Level::info, log::Line("call.transfer").add("to", call.from).add("by", "replaces"));
  if (!next_->accept(Duration{0}, recording())) refuse(488);
}

// ---- The change

void Session::move_to_next(const call::CallAnswered& event) {
  leaving_ = std::exchange(leg_, std::move(next_));
  referrer_ = 0;
  if (leaving_) {
    leg_->played_before =
        leaving_->played_before + host_.user_agent().hand_over(leaving_->key, leg_->key).value_or(0);
  }
  record_at_.reset();
  turns_.restart();
  leg_->attach_bridge();
  if (std::exchange(held_, false)) {
    tell_hold(false);
  }
  log::Line line("call.transferred");
  line.add("to", leg_->peer).add("codec", event.plan.codec);
  leg_->describe(event, line);
  log(log::Level::info, line.add("sip_call_id", leg_->sip_call_id));
  note("transferred", R"({"to":)" + ipc::json_string(leg_->peer) + "}");
  if (hangup_asked_) (void)leg_->hangup(*hangup_asked_, true);
}

void Session::ended(const call::CallEnded& event) {
  if (leaving_ && event.call == leaving_->key) {
    log_leg(*leaving_, event);
    leaving_.reset();
    return;
  }
  if (next_ && event.call == next_->key) {
    next_.reset();
    referrer_ = 0;
    next_hop_.reset();
    if (over_) return;
    log(log::Level::warn,
        log::Line("call.transfer_failed").add("status", event.status).add("why", event.reason));
    if (!leg_) finish(event);
    return;
  }
  // A call that was refused at once has no leg.
  const bool ours = leg_ ? event.call == leg_->key : event.call == incoming_.call && !accepted_;
  if (!ours || over_) return;
  const bool goes_on = next_ && !hangup_asked_ && event.cause != call::EndCause::shutdown;
  if (!goes_on) {
    if (next_) host_.user_agent().hangup(next_->key, "the call has ended", false, host_.now());
    next_hop_.reset();
    finish(event);
    leg_.reset();
    return;
  }
  // The party that asked for the transfer has left before the new one answers: the bridge waits for that one.
  log_leg(*leg_, event);
  next_->played_before =
      leg_->played_before + host_.user_agent().hand_over(leg_->key, next_->key).value_or(0);
  leg_.reset();
}

bool Session::knows_sip(std::string_view call_id) const {
  for (const auto* one : {&leg_, &next_, &leaving_}) {
    if (*one && (*one)->sip_call_id == call_id) return true;
  }
  return false;
}

void Session::log_leg(const Leg& leg, const call::CallEnded& event) {
  log::Line line("call.leg");
  line.add("peer", leg.peer)
      .add("cause", call::to_string(event.cause))
      .add("by", event.by_peer ? "peer" : "us");
  if (event.answered) line.add("seconds", static_cast<double>(to_ms(event.ended - *event.answered)) / 1000);
  if (event.quality) {
    line.add("in_packets", event.quality->in.packets)
        .add("in_lost", event.quality->in.lost)
        .add("out_packets", event.quality->out.packets);
  }
  log(log::Level::info, std::move(line));
}

} // namespace talky::sipd
