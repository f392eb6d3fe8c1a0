// The client's side of the first INVITE: credentials, provisional responses, forks, the 2xx and its ACK.
#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "call/call.hpp"
#include "call/protocol.hpp"
#include "core/ascii.hpp"
#include "sip/status.hpp"

namespace talky::call {
namespace {

// Fields that are ours to write.
constexpr std::array reserved = {sip::HeaderId::via,
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

std::string host_and_port(const Endpoint& endpoint) {
  return endpoint.to_string(); // brackets around IPv6, as a URI wants
}

} // namespace

Result<> Call::check_invite() const {
  const auto target = sip::Uri::parse(invite_options_.target);
  if (!target || !target->is_sip()) return fail(Errc::malformed, 0, "a target URI such as sip:100@127.0.0.1");
  if (!invite_options_.to.empty() && !sip::Uri::parse(invite_options_.to))
    return fail(Errc::malformed, 0, "a To URI");
  if (!invite_options_.from.empty() && !sip::Uri::parse(invite_options_.from)) {
    return fail(Errc::malformed, 0, "a From URI");
  }
  for (const auto& [name, value] : invite_options_.headers) {
    const sip::HeaderId id = sip::to_header_id(name);
    if (!sip::is_token(name) || std::find(reserved.begin(), reserved.end(), id) != reserved.end()) {
      return fail(Errc::malformed, 0, "a header that is not written by talky itself");
    }
  }
  return {};
}

Result<> Call::start(Time now) {
  if (auto checked = check_invite(); !checked) return checked;
  const sdp::Capabilities& capabilities =
      invite_options_.capabilities ? *invite_options_.capabilities : services_.config.capabilities;
  negotiation_.emplace(capabilities, invite_options_.media, services_.random() >> 1);
  if (auto made = make_media(open_session(capabilities), invite_options_.recording); !made) return made;
  contact_ = sip::contact_for(invite_options_.flow, "talky");
  if (invite_options_.credentials) {
    digest_.emplace(invite_options_.credentials->user, invite_options_.credentials->password);
  }
  if (invite_options_.to.empty()) invite_options_.to = invite_options_.target;
  known_.push_back(invite_options_.target);
  cancel_at_ = now + invite_options_.answer_timeout;
  cseq_ = 0;
  send_invite(now);
  return {};
}

void Call::send_invite(Time now) {
  const InviteOptions& options = invite_options_;
  const std::string from =
      options.from.empty() ? "sip:talky@" + host_and_port(options.flow.local) : options.from;
  sip::Builder invite = sip::Builder::request(sip::Method::invite, options.target);
  invite.header(sip::HeaderId::max_forwards, 70)
      .header(sip::HeaderId::from,
              fmt::format("{}<{}>;tag={}",
                          options.from_display.empty() ? "" : sip::quote(options.from_display) + " ", from,
                          local_tag_))
      .header(sip::HeaderId::to, "<" + options.to + ">")
      .header(sip::HeaderId::call_id, call_id_)
      .header(sip::HeaderId::cseq, fmt::format("{} INVITE", ++cseq_))
      .header(sip::HeaderId::contact, contact_)
      .header(sip::HeaderId::allow, allow(services_.config))
      // A reliable 18x to an INVITE without an offer would bring one, to be answered in the PRACK.
      .header(sip::HeaderId::supported, options.late_offer ? "timer, replaces" : supported(services_.config));
  session_timer_.request_headers(invite);
  add_identity(invite);
  authorization_.clear();
  if (digest_ && digest_->ready()) {
    authorization_ = digest_->authorization("INVITE", options.target, services_.random.token(16));
    invite.header(digest_->field(), authorization_);
  }
  for (const auto& [name, value] : options.headers)
    invite.header(name, value);
  sip::Message message =
      options.late_offer ? invite.build() : invite.body(sdp_type, negotiation_->make_offer());
  client_invite_ = first_invite_ = services_.layer.request(options.flow, message, now);
  sent_invite_ = std::move(message.bytes);
  own(client_invite_);
}

sip::Dialog* Call::fork(const sip::Incoming& response) {
  const std::string_view tag = response.view().to_tag();
  for (sip::Dialog& dialog : forks_) {
    if (dialog.id().remote_tag == tag) return &dialog;
  }
  constexpr std::size_t max_forks = 16;
  const auto invite = sip::MessageView::parse(sent_invite_);
  if (tag.empty() || !invite || forks_.size() >= max_forks) return nullptr;
  auto dialog = sip::Dialog::from_response(*invite, response, contact_);
  if (!dialog) return nullptr;
  return &forks_.emplace_back(std::move(*dialog));
}

void Call::invite_response(const sip::IncomingPtr& response, Time now) {
  const int status = response->view().status();
  if (sip::is_provisional(status)) return provisional(response, now);
  if (sip::is_success(status)) return success(response, now);
  disown(first_invite_);
  client_invite_ = 0;
  if (over()) return;
  if (state_ == State::calling && (status == 401 || status == 407) &&
      retry_with_credentials(response->view())) {
    return send_invite(now);
  }
  if (state_ == State::calling && status == 422 && !session_timer_.receive_response(response->view(), now)) {
    return send_invite(now);
  }
  invite_failed(response->view(), now);
}

int Call::progress() const {
  if (answered_) return 200;
  if (!over()) return std::max(ringing_status_, 100);
  if (last_status_ >= 300) return last_status_;
  switch (ended_ ? ended_->cause : EndCause::lost) {
    case EndCause::no_answer: return 408;
    case EndCause::media_failed: return 488;
    case EndCause::lost: return 503;
    default: return 487;
  }
}

void Call::invite_failed(const sip::MessageView& response, Time now) {
  last_status_ = response.status();
  if (state_ == State::calling) {
    if (last_status_ < 400) learn_contacts(response);
    if (try_elsewhere(last_status_)) return;
  }
  const bool ours = state_ == State::cancelling;
  state_ = State::ended;
  if (ours) return end(cancel_cause_, false, cancel_reason_, now);
  end(EndCause::rejected, true, response.reason(), now);
}

bool Call::retry_with_credentials(const sip::MessageView& response) {
  return digest_ && digest_->receive(response, digest_->ready()).has_value();
}

// The answer to our INVITE's offer; a later one (of another fork, or in the 2xx after a 183) takes its place.
bool Call::take_answer(std::string_view sdp) {
  return negotiation_->offer_pending() ? negotiation_->accept_answer(sdp).has_value()
                                       : negotiation_->replace_answer(sdp).has_value();
}

void Call::provisional(const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  if (view.status() == 100 || over() || dialog_) return;
  sip::Dialog* const dialog = fork(*response);
  if (dialog != nullptr) {
    auto receiver = std::find_if(provisionals_.begin(), provisionals_.end(),
                                 [&](const auto& entry) { return entry.first == view.to_tag(); });
    if (receiver == provisionals_.end()) {
      receiver =
          provisionals_.emplace(provisionals_.end(), view.to_tag(), sip::ReliableProvisionalReceiver{});
    }
    using Action = sip::ReliableProvisionalReceiver::Action;
    const Action action = receiver->second.receive(view);
    if (action == Action::again || action == Action::ignore) return;
    dialog->receive_response(*response);
    if (action == Action::acknowledge) {
      sip::Builder prack = dialog->request(sip::Method::prack);
      prack.header(sip::HeaderId::rack, receiver->second.rack());
      send_request(std::move(prack), sip::Method::prack, "", "", now, dialog);
    }
  }
  if (state_ != State::calling) return;
  bool early_media = false;
  if (!invite_options_.late_offer && !view.body().empty() && take_answer(view.body())) {
    early_media = !plan_;
    apply_plan(now);
  }
  if (view.status() != ringing_status_ || early_media) {
    ringing_status_ = view.status();
    emit(CallRinging{key_, view.status(), plan_.has_value()});
  }
}

void Call::acknowledge(std::uint32_t cseq, std::string_view sdp) {
  sip::Builder ack = dialog_->ack(cseq);
  add_identity(ack);
  if (!authorization_.empty() && cseq == cseq_) ack.header(digest_->field(), authorization_);
  ack_ = sdp.empty() ? ack.build() : ack.body(sdp_type, sdp);
  services_.layer.send(dialog_->flow(), *ack_);
}

void Call::success(const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  if (dialog_ && dialog_->id().remote_tag == view.to_tag()) { // again: our ACK was lost
    if (ack_ && acked_invite_ == first_invite_) services_.layer.send(dialog_->flow(), *ack_);
    return;
  }
  if (dialog_ || over()) return drop_fork(*response, now);
  sip::Dialog* const early = fork(*response);
  if (early == nullptr) { // without a usable Contact or tag nobody can be told anything
    state_ = State::ended;
    return end(EndCause::lost, true, "a 2xx without a usable dialog", now);
  }
  const bool cancelled = state_ == State::cancelling;
  dialog_ = std::move(*early);
  forks_.clear();
  dialog_->receive_response(*response);
  dialog_->confirm();
  acked_invite_ = first_invite_;
  client_invite_ = 0;
  cancel_at_.reset();
  last_status_ = view.status();
  state_ = State::confirmed;
  peer_allows_update_ = view.lists(sip::HeaderId::allow, "UPDATE");
  session_timer_.receive_response(view, now);

  bool agreed = false;
  std::string answer;
  if (!invite_options_.late_offer) {
    agreed = view.body().empty() ? plan_.has_value() : take_answer(view.body());
  } else if (auto made = negotiation_->accept_offer(view.body())) {
    answer = std::move(*made);
    agreed = true;
  }
  acknowledge(cseq_, answer);
  if (cancelled) return send_bye(cancel_cause_, cancel_reason_, now);
  if (!agreed) return send_bye(EndCause::media_failed, "no codec in common", now);
  plan_.reset(); // early media was only heard: the same plan lets us speak now
  answered_ = now;
  apply_plan(now);
  tell_answered(now);
  start_media(now);
  check_playout(now);
}

// Another branch of a forked INVITE answered, too: one call is enough (RFC 3261 13.2.2.4).
void Call::drop_fork(const sip::Incoming& response, Time now) {
  const auto invite = sip::MessageView::parse(sent_invite_);
  if (!invite) return;
  auto dialog = sip::Dialog::from_response(*invite, response, contact_);
  if (!dialog) return;
  dialog->receive_response(response);
  services_.layer.send(dialog->flow(), dialog->ack(cseq_).build());
  sip::Builder bye = dialog->request(sip::Method::bye);
  add_identity(bye);
  services_.layer.request(dialog->flow(), bye.build(), now);
}

} // namespace talky::call
