// Other places for an outgoing call: the Contacts of a 3xx, one after the other (RFC 3261 8.1.3.4). Which of
// them may be called at all, and how they are reached, is the rim's affair.
#include <algorithm>
#include <utility>

#include "call/call.hpp"
#include "sip/status.hpp"

namespace talky::call {
namespace {

constexpr std::size_t max_known = 32; // URIs of one call; what a 3xx names beyond them is passed over
constexpr int request_timeout = 408;

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

// Adds them to the target set: each URI once for as long as the call lives, so nothing goes round in circles.
void Call::learn_contacts(const sip::MessageView& response) {
  for (const std::string_view value : response.values(sip::HeaderId::contact)) {
    const auto contact = sip::NameAddr::parse(value);
    if (!contact || contact->wildcard || !contact->uri.is_sip()) continue;
    std::string uri = bare(contact->uri);
    const bool known =
        std::any_of(known_.begin(), known_.end(), [&](const std::string& one) { return same(one, uri); });
    if (known || known_.size() >= max_known) continue;
    known_.push_back(uri);
    contacts_.push_back({sip::parse_qvalue(contact->params.get("q").value_or("1")), std::move(uri)});
  }
  std::stable_sort(contacts_.begin(), contacts_.end(),
                   [](const Contact& a, const Contact& b) { return a.q > b.q; });
}

// Whether the call goes on after the failure `status` (0: no answer). A 6xx speaks for the person called, and
// not for the place alone.
bool Call::try_elsewhere(int status) {
  if (contacts_.empty() || status >= 600 || redirects_ >= invite_options_.max_redirects) return false;
  last_status_ = status == 0 ? request_timeout : status;
  redirected_ = true;
  CallRedirected event{key_, last_status_, {}};
  event.targets.reserve(contacts_.size());
  for (const Contact& contact : contacts_)
    event.targets.push_back(contact.uri);
  emit(std::move(event));
  return true;
}

// The same call to another place: Call-ID, From and To stay, CSeq counts on.
Result<> Call::redirect(const Redirection& to, Time now) {
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
  last_status_ = 0;
  invite_options_.target = request_uri;
  invite_options_.flow = to.flow;
  invite_options_.credentials = to.credentials;
  contact_ = sip::contact_for(to.flow, "talky");
  forks_.clear();
  provisionals_.clear();
  negotiation_->abandon_offer();
  digest_.reset();
  if (to.credentials) digest_.emplace(to.credentials->user, to.credentials->password);
  send_invite(now);
  return {};
}

} // namespace talky::call
