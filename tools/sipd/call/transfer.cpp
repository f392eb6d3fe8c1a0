#include "sipd/call/transfer.hpp"

#include <utility>

#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

constexpr unsigned kMaxTransfers = 10; // of one session, one after the other
constexpr auto kRingLimit = std::chrono::seconds(60);

} // namespace

CallHost& Transfer::host() {
  return session_.host();
}

// ---- REFER

void Transfer::requested(const call::TransferRequested& event, Time now) {
  const auto refuse = [&](int status, const char* why) {
    session_.report(event::TransferRefused{event.target, status, why}, now);
    host().user_agent().answer_refer(event.call, status, now);
  };
  if (!session_.may_move(event.call) || is_under_way())
    return refuse(491, "another transfer or the goodbye is under way");
  if (!host().permits(event.target, CallHost::Wish::referral))
    return refuse(603, "no --allow-refer pattern fits");
  if (count_ >= kMaxTransfers) return refuse(603, "too many transfers of one call");
  ++count_;
  referrer_ = event.call;
  session_.report(event::TransferAsked{event.target, "peer", !event.replaces.empty(), event.referred_by},
                  now);
  host().user_agent().answer_refer(event.call, 202, now);
  next_hop_.emplace(host(), event.target, now,
                    [this, event](const tl::expected<NextHop, int>& hop, Time then) {
                      place(event, hop, then);
                      host().drain();
                    });
}

void Transfer::place(const call::TransferRequested& event, const tl::expected<NextHop, int>& hop, Time now) {
  if (session_.is_over() || referrer_ == 0) return;
  if (!hop) return fail(hop.error(), "no way there", now);
  auto next = std::make_unique<SipLeg>(host(), hop->flow);
  if (const auto done = session_.open(*next); !done) return fail(503, done.error(), now);
  call::InviteOptions options;
  options.target = hop->target;
  options.to = event.target;
  options.from = session_.facts().out ? session_.facts().party.from : session_.facts().party.to;
  options.flow = hop->flow;
  options.media = next->media();
  options.call_id = host().new_call_id();
  options.refer = referrer_;
  options.max_redirects = kMaxRedirects;
  options.answer_timeout = kRingLimit;
  options.recording = session_.wants_recording();
  if (!event.referred_by.empty()) options.headers.emplace_back("Referred-By", event.referred_by);
  if (!event.replaces.empty()) options.headers.emplace_back("Replaces", event.replaces);
  if (event.require_replaces) options.headers.emplace_back("Require", "replaces");
  next_ = std::move(next);
  next_->peer = event.target;
  next_->sip_call_id = options.call_id;
  host().expect_sip(options.call_id, session_);
  const auto placed = host().user_agent().invite(options, now);
  if (!placed) {
    host().forget_sip(next_->sip_call_id);
    next_.reset();
    return fail(503, placed.error().what, now);
  }
  next_->key = *placed;
  host().adopt(*placed, session_.current());
}

// Nothing was placed; the old party stays.
void Transfer::fail(int status, std::string_view why, Time now) {
  session_.report(event::TransferFailed{status, std::string(why)}, now);
  host().user_agent().end_refer(std::exchange(referrer_, 0), status, now);
}

// Its RTP sockets stay, so the next place must be reached from the same address.
void Transfer::redirected(const call::CallRedirected& event, Time now) {
  Leg* const whose = session_.leg(event.call);
  SipLeg* const to = whose ? whose->sip() : nullptr;
  const bool transfer = is_next(event.call);
  if (!to || session_.is_over() || (!transfer && !session_.facts().out)) {
    (void)host().user_agent().hangup(event.call, "", false, now);
    return;
  }
  const auto wish = transfer ? CallHost::Wish::referral : CallHost::Wish::call_out;
  redirects_ = Redirects::follow(
      host(), event, {wish, to->local(false).ip, [&session = session_](event::Redirected e, Time then) {
                        session.report(std::move(e), then);
                      }});
}

// ---- Replaces

void Transfer::replaced_by(const call::IncomingCall& call, Time now) {
  const auto refuse = [&](int status) { host().user_agent().reject(call.call, status, "", now); };
  if (!session_.may_move(call.replaces) || !session_.is_answered() || is_under_way()) return refuse(491);
  auto next = std::make_unique<SipLeg>(host(), call.flow);
  if (!session_.open(*next)) return refuse(503);
  next_ = std::move(next);
  next_->key = call.call;
  next_->peer = call.from;
  next_->sip_call_id = call.call_id;
  session_.report(event::TransferAsked{call.from, "replaces", std::nullopt, ""}, now);
  if (!next_->accept(Duration{0}, session_.wants_recording(), now)) refuse(488);
}

// ---- The change

std::unique_ptr<Leg> Transfer::take_next(std::unique_ptr<Leg> left) {
  leaving_ = std::move(left);
  referrer_ = 0;
  if (leaving_) {
    next_->played_before =
        leaving_->played_before + host().user_agent().hand_over(leaving_->key, next_->key).value_or(0);
  }
  return std::move(next_);
}

void Transfer::wait_for_next(const Leg& left) {
  next_->played_before = left.played_before + host().user_agent().hand_over(left.key, next_->key).value_or(0);
}

Transfer::End Transfer::ended(const call::CallEnded& event, Time now) {
  if (leaving_ && event.call == leaving_->key) {
    session_.report(event::LegEnded{leaving_->peer, event}, now);
    leaving_.reset();
    return End::left;
  }
  if (!is_next(event.call)) return End::none;
  next_.reset();
  referrer_ = 0;
  next_hop_.reset();
  if (!session_.is_over()) session_.report(event::TransferFailed{event.status, event.reason}, now);
  return End::failed;
}

void Transfer::give_up(Time now) {
  if (next_) (void)host().user_agent().hangup(next_->key, "the call has ended", false, now);
  next_hop_.reset();
}

} // namespace talky::sipd
