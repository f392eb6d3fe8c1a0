#include "call/outgoing_invite.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "call/protocol.hpp"
#include "sip/status.hpp"

namespace talky::call {
namespace {

using Outcome = OutgoingInvite::Outcome;

constexpr std::size_t kMaxForks = 16;
constexpr std::size_t kMaxKnown = 32; // URIs of one call; what a 3xx names beyond them is passed over
constexpr int kRequestTimeout = 408;

// Fields that are ours to write.
constexpr std::array kReserved = {sip::HeaderId::via,
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
                                  sip::HeaderId::record_route,
                                  sip::HeaderId::session_expires,
                                  sip::HeaderId::min_se};

// Without header fields: they would become those of the INVITE.
std::string bare(const sip::Uri& uri) {
  std::string out(uri.text.substr(0, uri.text.size() - uri.headers.size()));
  if (out.ends_with('?')) out.pop_back();
  return out;
}

bool same(const std::string& one, const std::string& other) {
  const auto left = sip::Uri::parse(one);
  const auto right = sip::Uri::parse(other);
  return left && right && sip::equivalent(*left, *right);
}

} // namespace

OutgoingInvite::OutgoingInvite(CallSignalling& signalling, TimerTable& timers, CallMedia& media,
                               sip::SessionTimer& timer, InviteOptions options)
    : signalling_(signalling),
      timers_(timers),
      media_(media),
      session_timer_(timer),
      options_(std::move(options)) {}

// ---- The INVITE ----

Result<> OutgoingInvite::check() const {
  const auto target = sip::Uri::parse(options_.target);
  if (!target || !target->is_sip()) return fail(Errc::malformed, 0, "a target URI such as sip:100@127.0.0.1");
  if (!options_.to.empty() && !sip::Uri::parse(options_.to)) return fail(Errc::malformed, 0, "a To URI");
  if (!options_.from.empty() && !sip::Uri::parse(options_.from)) {
    return fail(Errc::malformed, 0, "a From URI");
  }
  for (const auto& [name, value] : options_.headers) {
    const sip::HeaderId id = sip::to_header_id(name);
    if (!sip::is_token(name) || std::find(kReserved.begin(), kReserved.end(), id) != kReserved.end()) {
      return fail(Errc::malformed, 0, "a header that is not written by talky itself");
    }
  }
  return {};
}

Result<> OutgoingInvite::start(Time now) {
  if (auto checked = check(); !checked) return checked;
  const sdp::Capabilities& capabilities =
      options_.capabilities ? *options_.capabilities : signalling_.config().capabilities;
  if (auto begun = media_.negotiate(capabilities, options_.media, ""); !begun) return begun;
  if (auto made = media_.create(capabilities, options_.recording, true); !made) return made;
  contact_ = sip::contact_for(options_.flow, "talky");
  signalling_.set_credentials(options_.credentials);
  if (options_.to.empty()) options_.to = options_.target;
  known_.push_back(options_.target);
  timers_.set(Timer::no_answer, now + options_.answer_timeout);
  send(now);
  return {};
}

void OutgoingInvite::send(Time now) {
  const Config& config = signalling_.config();
  const std::string from =
      options_.from.empty() ? "sip:talky@" + options_.flow.local.to_string() : options_.from;
  sip::Builder invite = sip::Builder::request(sip::Method::invite, options_.target);
  invite.header(sip::HeaderId::max_forwards, 70)
      .header(sip::HeaderId::from,
              fmt::format("{}<{}>;tag={}",
                          options_.from_display.empty() ? "" : sip::quote(options_.from_display) + " ", from,
                          signalling_.local_tag()))
      .header(sip::HeaderId::to, "<" + options_.to + ">")
      .header(sip::HeaderId::call_id, signalling_.call_id())
      .header(sip::HeaderId::cseq, fmt::format("{} INVITE", ++cseq_))
      .header(sip::HeaderId::contact, contact_)
      .header(sip::HeaderId::allow, allow(config))
      // A reliable 18x to an INVITE without an offer would bring one, to be answered in the PRACK.
      .header(sip::HeaderId::supported, options_.late_offer ? "timer, replaces" : supported(config));
  session_timer_.request_headers(invite);
  signalling_.add_identity(invite);
  authorization_.clear();
  if (sip::DigestClient* const digest = signalling_.ready_digest()) {
    authorization_ = digest->authorization("INVITE", options_.target, signalling_.random().token(16));
    invite.header(digest->field(), authorization_);
  }
  for (const auto& [name, value] : options_.headers)
    invite.header(name, value);
  sip::Message message =
      options_.late_offer ? invite.build() : invite.body(kSdpType, media_.negotiation().make_offer());
  transaction_ = signalling_.layer().request(options_.flow, message, now);
  sent_ = std::move(message.bytes);
  signalling_.own(transaction_);
}

void OutgoingInvite::cancel(EndCause cause, std::string_view reason, Time now) {
  redirected_ = false;
  cancelled_ = true;
  cancel_cause_ = cause;
  cancel_reason_ = reason;
  timers_.stop(Timer::no_answer);
  signalling_.layer().cancel(transaction_, now);
}

// ---- Responses ----

Outcome OutgoingInvite::receive(const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  const int status = view.status();
  if (sip::is_provisional(status)) {
    provisional(response, now);
    return {};
  }
  if (sip::is_success(status)) return success(response, now);
  signalling_.disown(transaction_);
  if (over_) return {};
  const bool again =
      !cancelled_ && (((status == 401 || status == 407) && signalling_.learn_challenge(view)) ||
                      (status == 422 && !session_timer_.receive_response(view, now)));
  if (!again) return fail_over(view);
  send(now);
  return {};
}

Outcome OutgoingInvite::fail_over(const sip::MessageView& response) {
  status_ = response.status();
  if (cancelled_) return {Outcome::Kind::over, cancel_cause_, false, cancel_reason_};
  if (status_ < 400) learn_contacts(response);
  if (try_elsewhere(status_)) return {};
  return {Outcome::Kind::over, EndCause::rejected, true, std::string(response.reason())};
}

Outcome OutgoingInvite::lost(Time) {
  if (signalling_.dialog() != nullptr) return {}; // it was answered
  if (cancelled_) return {Outcome::Kind::over, cancel_cause_, false, cancel_reason_};
  if (try_elsewhere(0)) return {};
  return {Outcome::Kind::over, EndCause::lost, false, "no response"};
}

bool OutgoingInvite::receive_early(sip::Dialog& dialog, const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  auto receiver = std::find_if(provisionals_.begin(), provisionals_.end(),
                               [&](const auto& entry) { return entry.first == view.to_tag(); });
  if (receiver == provisionals_.end()) {
    receiver = provisionals_.emplace(provisionals_.end(), view.to_tag(), sip::ReliableProvisionalReceiver{});
  }
  using Action = sip::ReliableProvisionalReceiver::Action;
  const Action action = receiver->second.receive(view);
  if (action == Action::again || action == Action::ignore) return false;
  dialog.receive_response(*response);
  if (action == Action::acknowledge) {
    sip::Builder prack = dialog.request(sip::Method::prack);
    prack.header(sip::HeaderId::rack, receiver->second.rack());
    signalling_.request(std::move(prack), sip::Method::prack, "", "", now, &dialog);
  }
  return true;
}

void OutgoingInvite::provisional(const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  if (view.status() == 100 || over_ || signalling_.dialog() != nullptr) return;
  sip::Dialog* const dialog = fork(*response);
  if (dialog != nullptr && !receive_early(*dialog, response, now)) return;
  if (cancelled_) return;
  bool early_media = false;
  if (!options_.late_offer && !view.body().empty() && media_.take_answer(view.body())) {
    early_media = !media_.plan();
    media_.apply_plan(CallMedia::Phase::early, now);
  }
  if (view.status() != ringing_status_ || early_media) {
    ringing_status_ = view.status();
    signalling_.emit(CallRinging{signalling_.key(), view.status(), media_.plan().has_value()});
  }
}

void OutgoingInvite::acknowledge(std::string_view answer) {
  sip::Builder ack = signalling_.dialog()->ack(cseq_);
  signalling_.add_identity(ack);
  if (!authorization_.empty()) ack.header(signalling_.ready_digest()->field(), authorization_);
  signalling_.acknowledge(transaction_, answer.empty() ? ack.build() : ack.body(kSdpType, answer));
}

Outcome OutgoingInvite::success(const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  const sip::Dialog* const standing = signalling_.dialog();
  if (standing != nullptr && standing->id().remote_tag == view.to_tag()) { // again: our ACK was lost
    signalling_.acknowledge_again(transaction_);
    return {};
  }
  if (standing != nullptr || over_) {
    drop_fork(*response, now);
    return {};
  }
  sip::Dialog* const early = fork(*response);
  if (early == nullptr) // without a usable Contact or tag no request can be sent
    return {Outcome::Kind::over, EndCause::lost, true, "a 2xx without a usable dialog"};
  signalling_.set_dialog(std::move(*early));
  std::vector<sip::Dialog>().swap(forks_);
  sip::Dialog& dialog = *signalling_.dialog();
  dialog.receive_response(*response);
  dialog.confirm();
  timers_.stop(Timer::no_answer);
  status_ = view.status();
  allows_update_ = view.lists(sip::HeaderId::allow, "UPDATE");
  session_timer_.receive_response(view, now);

  bool agreed = false;
  std::string answer;
  if (!options_.late_offer) {
    agreed = view.body().empty() ? media_.plan().has_value() : media_.take_answer(view.body());
  } else if (auto made = media_.negotiation().accept_offer(view.body())) {
    answer = std::move(*made);
    agreed = true;
  }
  acknowledge(answer);
  if (cancelled_) return {Outcome::Kind::hang_up, cancel_cause_, false, cancel_reason_};
  if (!agreed) return {Outcome::Kind::hang_up, EndCause::media_failed, false, "no codec in common"};
  media_.forget_plan(); // early media was only heard: the same plan lets us speak now
  media_.apply_plan(CallMedia::Phase::answering, now);
  return {Outcome::Kind::answered, {}, false, {}};
}

// ---- Forks ----

sip::Dialog* OutgoingInvite::fork(const sip::Incoming& response) {
  const std::string_view tag = response.view().to_tag();
  for (sip::Dialog& dialog : forks_) {
    if (dialog.id().remote_tag == tag) return &dialog;
  }
  const auto invite = sip::MessageView::parse(sent_);
  if (tag.empty() || !invite || forks_.size() >= kMaxForks) return nullptr;
  auto dialog = sip::Dialog::from_response(*invite, response, contact_);
  if (!dialog) return nullptr;
  return &forks_.emplace_back(std::move(*dialog));
}

// Another branch of a forked INVITE answered, too: one call is enough (RFC 3261 13.2.2.4).
void OutgoingInvite::drop_fork(const sip::Incoming& response, Time now) {
  const auto invite = sip::MessageView::parse(sent_);
  if (!invite) return;
  auto dialog = sip::Dialog::from_response(*invite, response, contact_);
  if (!dialog) return;
  dialog->receive_response(response);
  signalling_.layer().send(dialog->flow(), dialog->ack(cseq_).build());
  sip::Builder bye = dialog->request(sip::Method::bye);
  signalling_.add_identity(bye);
  signalling_.layer().request(dialog->flow(), bye.build(), now);
}

sip::Dialog* OutgoingInvite::early_dialog(const sip::DialogId& id) {
  const auto it =
      std::find_if(forks_.begin(), forks_.end(), [&](const sip::Dialog& fork) { return fork.id() == id; });
  return it == forks_.end() ? nullptr : &*it;
}

void OutgoingInvite::drop_early_dialog(const sip::DialogId& id) {
  std::erase_if(forks_, [&](const sip::Dialog& fork) { return fork.id() == id; });
}

// ---- Redirection ----

// Adds them to the target set: each URI once for as long as the call lives, so nothing goes round in circles.
void OutgoingInvite::learn_contacts(const sip::MessageView& response) {
  for (const std::string_view value : response.values(sip::HeaderId::contact)) {
    const auto contact = sip::NameAddr::parse(value);
    if (!contact || contact->wildcard || !contact->uri.is_sip()) continue;
    std::string uri = bare(contact->uri);
    const bool known =
        std::any_of(known_.begin(), known_.end(), [&](const std::string& one) { return same(one, uri); });
    if (known || known_.size() >= kMaxKnown) continue;
    known_.push_back(uri);
    contacts_.push_back({sip::parse_qvalue(contact->params.get("q").value_or("1")), std::move(uri)});
  }
  std::stable_sort(contacts_.begin(), contacts_.end(),
                   [](const Contact& a, const Contact& b) { return a.q > b.q; });
}

// Whether the call goes on after the failure `status` (0: no answer). A 6xx speaks for the person called, and
// not for the place alone.
bool OutgoingInvite::try_elsewhere(int status) {
  if (contacts_.empty() || status >= 600 || redirects_ >= options_.max_redirects) return false;
  status_ = status == 0 ? kRequestTimeout : status;
  redirected_ = true;
  CallRedirected event{signalling_.key(), status_, {}};
  event.targets.reserve(contacts_.size());
  for (const Contact& contact : contacts_)
    event.targets.push_back(contact.uri);
  signalling_.emit(std::move(event));
  return true;
}

// The same call to another place: Call-ID, From and To stay, CSeq counts on.
Result<> OutgoingInvite::redirect(const Redirection& to, Time now) {
  if (!redirected_) return fail(Errc::closed, 0, "a redirected call");
  const std::string& request_uri = to.request_uri.empty() ? to.target : to.request_uri;
  const auto uri = sip::Uri::parse(request_uri);
  if (!uri || !uri->is_sip()) return fail(Errc::malformed, 0, "a SIP URI");
  const auto contact = std::find_if(contacts_.begin(), contacts_.end(),
                                    [&](const Contact& one) { return one.uri == to.target; });
  if (contact == contacts_.end()) return fail(Errc::closed, 0, "a target of the redirection");
  contacts_.erase(contact);
  ++redirects_;
  redirected_ = false;
  status_ = 0;
  options_.target = request_uri;
  options_.flow = to.flow;
  options_.credentials = to.credentials;
  contact_ = sip::contact_for(to.flow, "talky");
  forks_.clear();
  provisionals_.clear();
  media_.negotiation().abandon_offer();
  signalling_.set_credentials(to.credentials);
  send(now);
  return {};
}

} // namespace talky::call
