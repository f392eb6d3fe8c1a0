#include "call/user_agent.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "call/call.hpp"
#include "call/call_table.hpp"
#include "call/out_of_dialog.hpp"
#include "call/protocol.hpp"
#include "call/subscription.hpp"

namespace talky::call {
namespace {

sip::TransactionLayer::Config layer_config(const Config& config) {
  sip::TransactionLayer::Config result;
  result.timers = config.timers;
  result.policy.methods = kMethods;
  result.policy.schemes = {"sip", "tel"}; // sips asks for TLS on every hop
  result.policy.extensions = {"timer", "100rel", "replaces"};
  if (config.follow_refer) {
    result.policy.extensions.emplace_back("norefersub");
  } else {
    result.policy.unlisted.insert(sip::Method::refer);
  }
  result.max_transactions = config.max_transactions;
  result.max_transactions_per_source = config.max_pending_per_source;
  result.server = config.product;
  return result;
}

Random::Seed draw_seed(Random& random) {
  Random::Seed seed{};
  for (auto& word : seed)
    word = random();
  return seed;
}

// Fields that talky uses itself, or that mean something for one hop only: the rest is told to the rim.
constexpr std::array kKnownFields = {sip::HeaderId::via,
                                     sip::HeaderId::from,
                                     sip::HeaderId::to,
                                     sip::HeaderId::call_id,
                                     sip::HeaderId::cseq,
                                     sip::HeaderId::contact,
                                     sip::HeaderId::max_forwards,
                                     sip::HeaderId::content_length,
                                     sip::HeaderId::content_type,
                                     sip::HeaderId::allow,
                                     sip::HeaderId::supported,
                                     sip::HeaderId::require,
                                     sip::HeaderId::proxy_require,
                                     sip::HeaderId::record_route,
                                     sip::HeaderId::route,
                                     sip::HeaderId::authorization,
                                     sip::HeaderId::proxy_authorization,
                                     sip::HeaderId::session_expires,
                                     sip::HeaderId::min_se,
                                     sip::HeaderId::user_agent,
                                     sip::HeaderId::accept,
                                     sip::HeaderId::allow_events};

Headers other_headers(const sip::MessageView& view) {
  constexpr std::size_t kMost = 64;
  Headers headers;
  for (const sip::Header& header : view.headers()) {
    if (std::find(kKnownFields.begin(), kKnownFields.end(), header.id) != kKnownFields.end()) continue;
    if (headers.size() == kMost) break;
    const std::string_view name = header.id == sip::HeaderId::other ? header.name : sip::to_string(header.id);
    headers.emplace_back(name, sip::unfold(header.value));
  }
  return headers;
}

} // namespace

UserAgent::UserAgent(Config config, Random random)
    : config_(std::move(config)),
      random_(random),
      layer_(layer_config(config_), draw_seed(random_)),
      outside_(std::make_unique<OutOfDialog>(config_, layer_, outbox_)),
      media_scratch_(std::make_shared<media::MediaScratch>()),
      calls_(std::make_unique<CallTable>()),
      counter_(config_.max_calls, config_.max_calls_per_source) {
  if (!config_.admit) {
    config_.admit = [this](const IpAddress& source) { return counter_.enter(source); };
    config_.release = [this](const IpAddress& source) { counter_.leave(source); };
  }
}

UserAgent::~UserAgent() = default;

Services UserAgent::services() {
  return {config_, layer_, random_, outbox_, owners_, media_scratch_};
}

// Runs `command` on a call that has not ended, and what follows from it.
template <class Command>
auto UserAgent::with(CallKey key, Time now, Command command) -> decltype(command(std::declval<Call&>())) {
  now_ = now;
  Call* const call = calls_->find_live(key);
  if (call == nullptr) return fail(Errc::not_found, 0, "a call that has not ended");
  auto result = command(*call);
  calls_->touch(*call);
  pump(now);
  return result;
}

template <class Command>
auto UserAgent::with_media(CallKey key, Command command) -> decltype(command(std::declval<media::Media&>())) {
  Call* const call = calls_->find_live(key);
  if (call == nullptr) return fail(Errc::not_found, 0, "a call that has not ended");
  if (call->sound().media() == nullptr) return fail(Errc::closed, 0, "a call that has been accepted");
  auto result = command(*call->sound().media());
  calls_->touch(*call);
  return result;
}

// ---- The network ----

void UserAgent::receive_sip(const sip::Flow& flow, std::string_view bytes, Time now) {
  now_ = now;
  if (flow.reliable()) {
    receive_stream(flow, bytes, now);
  } else {
    layer_.receive(flow, bytes, now);
  }
  pump(now);
}

void UserAgent::receive_stream(const sip::Flow& flow, std::string_view bytes, Time now) {
  if (!framers_.contains(flow.connection) && framers_.size() >= config_.max_connections) {
    outbox_.emplace_back(CloseFlow{flow});
    return;
  }
  sip::Framer& framer = framers_.feed(flow.connection, bytes);
  for (bool whole = false;; whole = true) {
    const auto item = framer.next();
    if (!item) {
      if (!framer.broken().empty()) layer_.receive(flow, framer.broken(), now);
      pump(now);
      outbox_.emplace_back(CloseFlow{flow});
      return;
    }
    if (!*item) return framers_.drained(flow.connection, whole, now);
    switch ((*item)->kind) {
      case sip::Framer::Kind::message: layer_.receive(flow, (*item)->bytes, now); break;
      case sip::Framer::Kind::ping: outbox_.emplace_back(SendSip{flow, "\r\n"}); break;
      case sip::Framer::Kind::pong: break;
    }
  }
}

bool UserAgent::receive_rtp(CallKey key, Bytes bytes, const Endpoint& source, bool is_rtcp, Time now) {
  now_ = now;
  Call* const call = calls_->find_live(key);
  if (call == nullptr || !call->receive_rtp(bytes, source, is_rtcp, now)) return false;
  calls_->touch(*call);
  return true;
}

void UserAgent::flow_opened(const sip::Flow& flow, Time now) {
  now_ = now;
  calls_->for_each([&](Call& call) { call.signalling().flow_opened(flow); });
}

void UserAgent::flow_closed(const sip::Flow& flow, Time now) {
  now_ = now;
  framers_.erase(flow.connection);
  layer_.transport_failed(flow, now);
  outside_->flow_closed(flow, now);
  calls_->for_each([&](Call& call) { call.signalling().flow_closed(flow); });
  pump(now);
}

Call* UserAgent::owner(sip::TransactionId id) {
  const auto it = owners_.find(id);
  return it == owners_.end() ? nullptr : calls_->find(it->second);
}

// Carries out what the transaction layer has to say.
void UserAgent::pump(Time now) {
  while (auto output = layer_.poll()) {
    if (auto* const datagram = std::get_if<sip::Datagram>(&*output)) {
      outbox_.emplace_back(std::move(*datagram));
    } else if (const auto* const received = std::get_if<sip::RequestReceived>(&*output)) {
      request(received->id, received->request, now);
    } else if (const auto* const ack = std::get_if<sip::AckReceived>(&*output)) {
      if (Call* const call = calls_->find_tag(ack->ack->view().to_tag())) {
        call->receive_ack(ack->ack, now);
        calls_->touch(*call);
      }
    } else if (const auto* const cancel = std::get_if<sip::CancelReceived>(&*output)) {
      if (Call* const call = owner(cancel->invite)) {
        call->receive_cancel(now);
        calls_->touch(*call);
      }
    } else if (const auto* const response = std::get_if<sip::ResponseReceived>(&*output)) {
      if (Call* const call = owner(response->id)) {
        call->receive_response(response->id, response->response, now);
        calls_->touch(*call);
      }
    } else if (const auto* const refused = std::get_if<sip::MessageRefused>(&*output)) {
      outbox_.emplace_back(Log{log::Level::info, log::Line("sip.refused")
                                                     .add("source", refused->flow.remote.to_string())
                                                     .add("status", refused->status)
                                                     .add("reason", refused->reason)
                                                     .str()});
    } else {
      const auto* const timed_out = std::get_if<sip::TransactionTimedOut>(&*output);
      const auto* const failed = std::get_if<sip::TransactionFailed>(&*output);
      const sip::TransactionId id = timed_out != nullptr ? timed_out->id : failed != nullptr ? failed->id : 0;
      if (Call* const call = owner(id)) {
        call->transaction_lost(id, now);
        calls_->touch(*call);
      }
    }
  }
}

void UserAgent::request(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  const std::string_view tag = view.to_tag();
  if (!tag.empty()) {
    if (Call* const call = calls_->find_tag(tag)) {
      call->receive_request(id, request, now);
      return calls_->touch(*call);
    }
    if (view.method() != sip::Method::subscribe || tag != subscription_tag(view))
      return outside_->respond(id, *request, 481, now);
  }
  if (!outside_->has_hops(*request)) return outside_->respond(id, *request, 483, now);
  if (view.method() == sip::Method::invite) return new_call(id, request, now);
  outside_->receive(id, request, shutting_down_, now);
}

// ---- New calls ----

// RFC 3891 3. Whoever names Call-ID and both tags of a call has them from one of its two ends, and has passed
// the same test of password or registration as any caller: that is the authorisation. 0: `replaced` is found.
int UserAgent::find_replaced(const sip::MessageView& view, CallKey& replaced) {
  const auto named = sip::Replaces::parse(view.value(sip::HeaderId::replaces));
  if (!named) return 400;
  Call* const found = calls_->find_tag(named->to_tag);
  if (found == nullptr) return 481;
  Call& call = *found;
  if (!call.has_dialog(
          {std::string(named->call_id), std::string(named->to_tag), std::string(named->from_tag)}))
    return 481;
  if (call.over()) return 603;
  if (!call.replaceable()) return 481;
  if (named->early_only && call.confirmed()) return 486;
  replaced = call.key();
  return 0;
}

void UserAgent::new_call(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  std::string user;
  if (!outside_->authorized(id, request, user, now)) return;
  const auto unavailable = [&](std::string_view reason) {
    sip::Builder refusal = outside_->reply(*request, 503, reason);
    refusal.header(sip::HeaderId::retry_after, 5);
    layer_.respond(id, refusal.build(), now);
  };
  if (shutting_down_) return unavailable("Shutting Down");
  IncomingCall event;
  if (view.has(sip::HeaderId::replaces)) {
    const int status = find_replaced(view, event.replaces);
    if (status != 0) return outside_->respond(id, *request, status, now);
  }
  if (view.body().empty()) {
    event.late_offer = true;
  } else if (auto plan = sdp::OfferAnswer::preview(config_.capabilities, view.body())) {
    event.preview = std::move(*plan);
  } else {
    const bool unsupported = plan.error().code == Errc::unsupported;
    sip::Builder refusal =
        outside_->reply(*request, unsupported ? 488 : 400, unsupported ? "" : "Bad Session Description");
    refusal.header(sip::HeaderId::warning,
                   fmt::format("304 talky {}", sip::quote(fmt::format("expected {}", plan.error().what))));
    return layer_.respond(id, refusal.build(), now);
  }
  sip::SessionTimer timer({config_.session_expires, config_.min_se});
  if (!timer.receive_request(view, now)) {
    sip::Builder refusal = outside_->reply(*request, 422);
    timer.reject_headers(refusal);
    return layer_.respond(id, refusal.build(), now);
  }
  const auto target = sip::Uri::parse(view.request_uri());
  const std::string dialled = target ? sip::unescape(target->user) : std::string();
  const std::string contact = sip::contact_for(request->flow(), target ? target->user : std::string_view{});
  auto dialog = sip::Dialog::from_invite(*request, random_.token(16), contact);
  if (!dialog) return outside_->respond(id, *request, 400, now, dialog.error().what);

  switch (config_.admit(request->flow().remote.ip)) {
    case CallCounter::Verdict::full: return unavailable("Too Many Calls");
    case CallCounter::Verdict::source_full: return outside_->respond(id, *request, 486, now);
    case CallCounter::Verdict::granted: break;
  }
  layer_.respond(id, sip::Builder::reply(*request, 100).build(), now);
  const auto from = view.from();
  const auto to = view.to();
  event.call = next_key_++;
  event.call_id = view.call_id();
  if (from) {
    event.from = from->uri.text;
    event.from_display = from->display_name();
  }
  if (to) event.to = to->uri.text;
  event.request_uri = view.request_uri();
  event.dialled = dialled;
  event.user = user;
  event.registered = outside_->is_registered(*request);
  event.flow = request->flow();
  event.headers = other_headers(view);
  event.user_agent = view.value(sip::HeaderId::user_agent);

  Call& call =
      calls_->add(std::make_unique<Call>(services(), event.call, id, request, std::move(*dialog), now));
  call.replaces = event.replaces;
  outbox_.emplace_back(std::move(event));
}

Result<CallKey> UserAgent::invite(const InviteOptions& options, Time now) {
  now_ = now;
  if (shutting_down_) return fail(Errc::closed, 0, "a user agent that is not shutting down");
  if (options.refer != 0) {
    const Call* const referrer = calls_->find(options.refer);
    if (referrer == nullptr || !referrer->follows_refer())
      return fail(Errc::not_found, 0, "a call whose REFER is followed");
  }
  auto call = std::make_unique<Call>(services(), next_key_, options, now);
  if (config_.admit(IpAddress()) != CallCounter::Verdict::granted)
    return fail(Errc::too_large, 0, "fewer calls than the limit");
  if (auto started = call->start(now); !started) {
    config_.release(IpAddress());
    return tl::unexpected(started.error());
  }
  calls_->add(std::move(call));
  pump(now);
  return next_key_++;
}

// ---- Commands ----

Result<> UserAgent::ring(CallKey call, Time now) {
  return with(call, now, [&](Call& c) { return c.ring(now); });
}
Result<> UserAgent::accept(CallKey call, const AcceptOptions& options, Time now) {
  return with(call, now, [&](Call& c) { return c.accept(options, now); });
}
Result<> UserAgent::reject(CallKey call, int status, std::string_view reason, Time now) {
  return with(call, now, [&](Call& c) { return c.reject(status, reason, now); });
}
Result<> UserAgent::hangup(CallKey call, std::string_view reason, bool after_playout, Time now) {
  return with(call, now, [&](Call& c) {
    c.hangup(EndCause::hangup, reason, after_playout, now);
    return Result<>();
  });
}
Result<> UserAgent::hold(CallKey call, Time now) {
  return with(call, now, [&](Call& c) { return c.set_hold(true, now); });
}
Result<> UserAgent::resume(CallKey call, Time now) {
  return with(call, now, [&](Call& c) { return c.set_hold(false, now); });
}
Result<> UserAgent::transfer(CallKey call, std::string_view target, Time now) {
  return with(call, now, [&](Call& c) { return c.transfer(target, now); });
}
Result<> UserAgent::redirect(CallKey call, const Redirection& to, Time now) {
  return with(call, now, [&](Call& c) { return c.redirect(to, now); });
}
Result<> UserAgent::answer_refer(CallKey call, int status, Time now) {
  return with(call, now, [&](Call& c) { return c.answer_refer(status, now); });
}
// Not with(): the call itself may have ended, and its subscription goes on.
Result<> UserAgent::end_refer(CallKey key, int status, Time now) {
  now_ = now;
  Call* const call = calls_->find(key);
  if (call == nullptr) return fail(Errc::not_found, 0, "a call with a REFER");
  if (!call->follows_refer()) return fail(Errc::closed, 0, "a REFER that is followed");
  call->refer_progress(status, now);
  calls_->touch(*call);
  pump(now);
  return {};
}
Result<> UserAgent::dtmf(CallKey call, std::string_view digits, Duration length, Time now) {
  return with(call, now, [&](Call& c) { return c.dtmf(digits, length, now); });
}
Result<> UserAgent::attach_bridge(CallKey call) {
  Call* const found = calls_->find_live(call);
  if (found == nullptr) return fail(Errc::not_found, 0, "a call that has not ended");
  found->sound().attach_bridge();
  return {};
}
Result<std::size_t> UserAgent::play(CallKey call, std::span<const std::int16_t> samples) {
  Call* const found = calls_->find_live(call);
  if (found == nullptr) return fail(Errc::not_found, 0, "a call that has not ended");
  if (found->sound().media() == nullptr) return fail(Errc::closed, 0, "a call that has been accepted");
  if (found->hangs_up_after_playout()) return std::size_t{0};
  return found->sound().media()->play(samples);
}
Result<> UserAgent::duck(CallKey call, bool on) {
  return with_media(call, [on](media::Media& media) {
    media.duck(on);
    return Result<>();
  });
}

Result<media::Cleared> UserAgent::clear(CallKey call) {
  return with_media(call, [](media::Media& media) { return Result<media::Cleared>(media.clear()); });
}
Result<> UserAgent::mark(CallKey call, std::string_view name) {
  return with_media(call, [name](media::Media& media) {
    media.mark(std::string(name));
    return Result<>();
  });
}
Result<std::size_t> UserAgent::talk_in(CallKey call, std::span<const std::int16_t> samples) {
  return with_media(call, [&](media::Media& media) { return Result<std::size_t>(media.talk_in(samples)); });
}
Result<std::uint64_t> UserAgent::hand_over(CallKey from, CallKey to) {
  return with_media(from, [&](media::Media& old) {
    return with_media(to, [&](media::Media& fresh) { return Result<std::uint64_t>(old.hand_over(fresh)); });
  });
}
std::uint64_t UserAgent::queued(CallKey key) const {
  Call* const call = calls_->find(key);
  const media::Media* const media = call == nullptr ? nullptr : call->sound().media();
  return media != nullptr ? media->samples_queued() : 0;
}
std::optional<media::MediaQuality> UserAgent::quality(CallKey key) const {
  Call* const call = calls_->find(key);
  const media::Media* const media = call == nullptr ? nullptr : call->sound().media();
  return media != nullptr ? std::optional(media->quality()) : std::nullopt;
}

void UserAgent::shutdown(Time now) {
  now_ = now;
  shutting_down_ = true;
  for (const CallKey key : calls_->keys()) {
    Call& call = *calls_->find(key);
    call.hangup(EndCause::shutdown, "shutting down", false, now);
    calls_->touch(call);
  }
  pump(now);
}

// ---- Time and outputs ----

std::optional<Time> UserAgent::deadline() const {
  return earlier(earlier(layer_.deadline(), outside_->deadline()),
                 earlier(framers_.deadline(), calls_->deadline()));
}

void UserAgent::expire(Time now) {
  now_ = now;
  layer_.expire(now);
  pump(now);
  outside_->expire(now);
  for (const std::uint64_t connection : framers_.expire(now)) {
    outbox_.emplace_back(
        Log{log::Level::info, log::Line("connection.stalled").add("why", "a message does not end").str()});
    outbox_.emplace_back(CloseFlow{{sip::Transport::tcp, {}, {}, connection}});
  }
  while (Call* const call = calls_->take_due(now)) {
    call->expire(now);
    calls_->touch(*call);
  }
  pump(now);
}

std::optional<Output> UserAgent::poll() {
  for (;;) {
    if (!outbox_.empty()) {
      Output output = std::move(outbox_.front());
      outbox_.pop_front();
      return output;
    }
    Call* const call = calls_->first_touched();
    if (call == nullptr) return std::nullopt;
    follow_up(*call);
    auto output = call->poll(now_);
    pump(now_); // a silent peer or the last word may have ended the call
    if (output) {
      if (std::holds_alternative<CallEnded>(*output)) {
        calls_->ended();
        config_.release(call->source());
      }
      return output;
    }
    if (outbox_.empty()) calls_->drained(now_); // else look at this call once more
  }
}

// What one call means for another. Called when all that it has said so far has been polled: the rim has moved
// to the new call before the old one ends.
void UserAgent::follow_up(Call& call) {
  if (call.refer() != 0) {
    if (Call* const referrer = calls_->find(call.refer())) {
      referrer->refer_progress(call.progress(), now_);
      calls_->touch(*referrer);
    }
  }
  if (call.replaces != 0 && call.confirmed()) {
    if (Call* const replaced = calls_->find_live(std::exchange(call.replaces, 0))) {
      replaced->hangup(EndCause::transferred, "replaced", false, now_);
      calls_->touch(*replaced);
    }
  }
  pump(now_);
}

// ---- Registrations, lists ----

std::optional<Location> UserAgent::locate(const sip::Uri& uri, bool any_domain) const {
  return outside_->locate(uri, any_domain);
}
void UserAgent::learn(const RegistrationChanged& change, Time now) {
  now_ = now;
  outside_->learn(change, now);
}
void UserAgent::offer_digests(std::vector<sip::DigestAlgorithm> algorithms) {
  outside_->offer_digests(std::move(algorithms));
}
std::size_t UserAgent::calls() const {
  return calls_->live();
}
std::size_t UserAgent::transactions() const {
  return layer_.size();
}
std::size_t UserAgent::dialogs() const {
  return calls_->size();
}
std::size_t UserAgent::registrations() const {
  return outside_->registrations();
}

} // namespace talky::call
