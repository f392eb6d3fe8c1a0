#include "call/user_agent.hpp"

#include "call/user_agent_impl.hpp"

namespace talky::call {

UserAgent::UserAgent(Config config, Random random)
    : impl_(std::make_unique<Impl>(std::move(config), random)) {}
UserAgent::~UserAgent() = default;

void UserAgent::receive_sip(const sip::Flow& flow, std::string_view bytes, Time now) {
  impl_->receive_sip(flow, bytes, now);
}
void UserAgent::receive_rtp(CallKey call, Bytes bytes, const Endpoint& source, bool is_rtcp, Time now) {
  impl_->receive_rtp(call, bytes, source, is_rtcp, now);
}
void UserAgent::flow_opened(const sip::Flow& flow, Time now) {
  impl_->flow_opened(flow, now);
}
void UserAgent::flow_closed(const sip::Flow& flow, Time now) {
  impl_->flow_closed(flow, now);
}
Result<> UserAgent::ring(CallKey call, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.ring(now); });
}
Result<> UserAgent::accept(CallKey call, const AcceptOptions& options, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.accept(options, now); });
}
Result<> UserAgent::reject(CallKey call, int status, std::string_view reason, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.reject(status, reason, now); });
}
Result<CallKey> UserAgent::invite(const InviteOptions& options, Time now) {
  return impl_->invite(options, now);
}
Result<> UserAgent::hangup(CallKey call, std::string_view reason, bool after_playout, Time now) {
  return impl_->with(call, now, [&](Call& c) {
    c.hangup(EndCause::hangup, reason, after_playout, now);
    return Result<>();
  });
}
Result<> UserAgent::hold(CallKey call, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.set_hold(true, now); });
}
Result<> UserAgent::resume(CallKey call, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.set_hold(false, now); });
}
Result<> UserAgent::transfer(CallKey call, std::string_view target, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.transfer(target, now); });
}
Result<> UserAgent::redirect(CallKey call, const Redirection& to, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.redirect(to, now); });
}
Result<> UserAgent::answer_refer(CallKey call, int status, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.answer_refer(status, now); });
}
Result<> UserAgent::end_refer(CallKey call, int status, Time now) {
  return impl_->end_refer(call, status, now);
}
Result<> UserAgent::dtmf(CallKey call, std::string_view digits, Duration length, Time now) {
  return impl_->with(call, now, [&](Call& c) { return c.dtmf(digits, length, now); });
}
Result<> UserAgent::attach_bridge(CallKey call) {
  Call* const found = impl_->find(call);
  if (found == nullptr) return fail(Errc::not_found, 0, "a call that has not ended");
  found->attach_bridge();
  return {};
}
Result<std::size_t> UserAgent::play(CallKey call, std::span<const std::int16_t> samples) {
  Call* const found = impl_->find(call);
  if (found == nullptr) return fail(Errc::not_found, 0, "a call that has not ended");
  if (found->media() == nullptr) return fail(Errc::closed, 0, "a call that has been accepted");
  if (found->hangs_up_after_playout()) return std::size_t{0};
  return found->media()->play(samples);
}
Result<media::Cleared> UserAgent::clear(CallKey call) {
  return impl_->with_media(call, [](media::Media& media) { return Result<media::Cleared>(media.clear()); });
}
Result<> UserAgent::mark(CallKey call, std::string_view name) {
  return impl_->with_media(call, [name](media::Media& media) {
    media.mark(std::string(name));
    return Result<>();
  });
}
Result<std::size_t> UserAgent::talk_in(CallKey call, std::span<const std::int16_t> samples) {
  return impl_->with_media(call,
                           [&](media::Media& media) { return Result<std::size_t>(media.talk_in(samples)); });
}
Result<std::uint64_t> UserAgent::hand_over(CallKey from, CallKey to) {
  return impl_->with_media(from, [&](media::Media& old) {
    return impl_->with_media(
        to, [&](media::Media& fresh) { return Result<std::uint64_t>(old.hand_over(fresh)); });
  });
}
std::uint64_t UserAgent::queued(CallKey call) const {
  return impl_->queued(call);
}
std::optional<media::MediaQuality> UserAgent::quality(CallKey call) const {
  return impl_->quality(call);
}
void UserAgent::shutdown(Time now) {
  impl_->shutdown(now);
}
void UserAgent::expire(Time now) {
  impl_->expire(now);
}
std::optional<Time> UserAgent::deadline() const {
  return impl_->deadline();
}
std::optional<Output> UserAgent::poll() {
  return impl_->poll();
}
std::optional<UserAgent::Location> UserAgent::locate(const sip::Uri& uri, bool any_domain) const {
  return impl_->locate(uri, any_domain);
}
void UserAgent::learn(const RegistrationChanged& change, Time now) {
  impl_->learn(change, now);
}
void UserAgent::offer_digests(std::vector<sip::DigestAlgorithm> algorithms) {
  impl_->offer_digests(std::move(algorithms));
}
std::size_t UserAgent::calls() const {
  return impl_->live();
}
std::size_t UserAgent::transactions() const {
  return impl_->transactions();
}
std::size_t UserAgent::dialogs() const {
  return impl_->dialogs();
}
std::size_t UserAgent::registrations() const {
  return impl_->registrations();
}

} // namespace talky::call
