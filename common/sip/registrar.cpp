#include "sip/registrar.hpp"

#include <algorithm>
#include <utility>

#include "core/ascii.hpp"
#include "sip/headers.hpp"
#include "sip/uri.hpp"

namespace talky::sip {

namespace {

std::string other_params(const Params& params) {
  std::string out;
  for (const Param& param : params) {
    if (ascii::iequals(param.name, "expires")) continue;
    out.append(";").append(param.name);
    if (param.has_value) out.append("=").append(param.value);
  }
  return out;
}

// The same contact: equivalent URIs, or the same instance and flow of one phone (RFC 5626 6) at a new
// address.
bool same_contact(const Binding& a, const Binding& b) {
  const auto x = Uri::parse(a.contact);
  const auto y = Uri::parse(b.contact);
  if (x && y && equivalent(*x, *y)) return true;
  const Params p(a.params);
  const Params q(b.params);
  const auto instance = p.get("+sip.instance");
  return instance && instance == q.get("+sip.instance") && p.get("reg-id") == q.get("reg-id");
}

// Best q first, then the latest, which was put last.
std::vector<Binding> in_order(const std::vector<Binding>& bindings) {
  std::vector<Binding> out(bindings.rbegin(), bindings.rend());
  std::stable_sort(out.begin(), out.end(), [](const Binding& a, const Binding& b) { return a.q > b.q; });
  return out;
}

constexpr int kOk = 200;

// How addresses-of-record of this user begin, as canonical_aor() writes them.
std::string begin_of_user(std::string_view user) {
  return "sip:" + std::string(user) + "@";
}

// Where a phone can be connected to once its connection is gone.
Endpoint reachable_at(const Binding& binding) {
  const auto contact = Uri::parse(binding.contact);
  const auto ip = contact && contact->is_sip() ? contact->host_ip() : std::nullopt;
  return ip ? Endpoint{*ip, contact->port_or_default()} : binding.flow.remote;
}

} // namespace

struct Registrar::Request {
  struct Contact {
    Binding binding;
    std::chrono::seconds expires;
  };
  std::vector<Contact> contacts;
  bool all = false; // Contact: *
  std::string call_id;
  std::uint32_t cseq = 0;

  // What an older or the same REGISTER of this series has set may not be undone by it (RFC 3261 10.3 (7)).
  bool outdated_by(const Binding& binding) const {
    return binding.call_id == call_id && binding.cseq >= cseq;
  }
  // 200, or what is wrong with it.
  int read(const Incoming& incoming, const Config& config);
};

int Registrar::Request::read(const Incoming& incoming, const Config& config) {
  const MessageView& view = incoming.view();
  const auto number = view.cseq();
  if (!number) return 400;
  cseq = number->number;
  call_id = std::string(view.call_id());
  if (call_id.size() > config.max_call_id) return 400;
  const auto common = parse_delta_seconds(view.value(HeaderId::expires));

  for (const std::string_view value : view.values(HeaderId::contact)) {
    const auto contact = NameAddr::parse(value);
    if (!contact) return 400;
    if (contact->wildcard) {
      all = true;
      continue;
    }
    Contact out;
    const auto own = contact->params.get("expires");
    auto seconds = own ? parse_delta_seconds(*own) : common;
    out.expires =
        std::min(seconds ? std::chrono::seconds(*seconds) : config.default_expires, config.max_expires);
    if (out.expires.count() != 0 && out.expires < config.min_expires) return 423;
    out.binding.contact = std::string(contact->uri.text);
    out.binding.params = other_params(contact->params);
    out.binding.call_id = call_id;
    out.binding.cseq = cseq;
    out.binding.q = parse_qvalue(contact->params.get("q").value_or("1"));
    out.binding.expires = incoming.time() + out.expires;
    out.binding.flow = incoming.flow();
    if (out.binding.contact.size() + out.binding.params.size() > config.max_contact) return 400;
    out.binding.user_agent = unfold(view.value(HeaderId::user_agent));
    out.binding.user_agent.resize(std::min(out.binding.user_agent.size(), config.max_user_agent));
    out.binding.user_agent.shrink_to_fit();
    contacts.push_back(std::move(out));
  }
  if (all && (!contacts.empty() || common != 0u)) return 400; // * stands alone, with Expires: 0
  return kOk;
}

int Registrar::remove_all(const Request& request, Bindings& bindings) {
  const bool outdated = std::any_of(bindings.begin(), bindings.end(),
                                    [&](const Binding& binding) { return request.outdated_by(binding); });
  if (outdated) return 500;
  bindings.clear();
  return kOk;
}

// Works on a copy: a REGISTER takes effect as a whole or not at all.
int Registrar::apply(const Request& request, Bindings& bindings) const {
  for (const Request::Contact& contact : request.contacts) {
    const auto known = std::find_if(bindings.begin(), bindings.end(), [&](const Binding& binding) {
      return same_contact(binding, contact.binding);
    });
    if (known != bindings.end()) {
      if (request.outdated_by(*known)) return 500;
      bindings.erase(known);
    }
    if (contact.expires.count() != 0) bindings.push_back(contact.binding);
  }
  // Of a phone that came anew over TCP what its last connection left behind makes room.
  while (bindings.size() > config_.max_bindings) {
    const auto left = std::find_if(bindings.begin(), bindings.end(), [](const Binding& binding) {
      return binding.flow.reliable() && binding.flow.connection == 0;
    });
    if (left == bindings.end()) return 503;
    bindings.erase(left);
  }
  return kOk;
}

std::string Registrar::aor_of(const Uri& to) const {
  std::string aor = canonical_aor(to);
  if (to.user.empty() || bindings_.contains(aor)) return aor;
  const std::string start = begin_of_user(unescape(to.user));
  const auto known = bindings_.lower_bound(start);
  return known != bindings_.end() && known->first.starts_with(start) ? known->first : aor;
}

// One address cannot fill the table for all others.
bool Registrar::too_many_from(const Incoming& request, const Bindings& before, const Bindings& after) const {
  const IpAddress& ip = request.flow().remote.ip;
  const auto source = sources_.find(Endpoint{ip, 0});
  const auto from_there = [&ip](const Bindings& list) {
    return std::count_if(list.begin(), list.end(),
                         [&ip](const Binding& b) { return b.flow.remote.ip == ip; });
  };
  const auto more = from_there(after) - from_there(before);
  const auto now = source == sources_.end() ? 0 : source->second;
  return more > 0 && static_cast<std::size_t>(now + more) > config_.max_bindings_per_source;
}

Message Registrar::receive(const Incoming& request, std::string_view aor, bool proved,
                           std::string_view to_tag, Time now) {
  expire(now);
  const auto found = bindings_.find(aor);
  const Bindings before = found == bindings_.end() ? Bindings{} : found->second;
  Bindings bindings = before;
  Request wish;
  int status = aor.size() > config_.max_aor ? 400 : wish.read(request, config_);
  if (status == kOk) status = wish.all ? remove_all(wish, bindings) : apply(wish, bindings);
  if (status == kOk && !proved && too_many_from(request, before, bindings)) status = 503;
  if (status == kOk && found == bindings_.end() && !bindings.empty() &&
      bindings_.size() >= config_.max_aors) {
    status = 503;
  }
  Builder reply = Builder::reply(request, status, {.to_tag = to_tag});
  if (status == 423) reply.header(HeaderId::min_expires, config_.min_expires.count());
  if (status == 503) reply.header(HeaderId::retry_after, 60);
  if (status != kOk) return reply.build();

  for (const Binding& binding : bindings) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(binding.expires - now);
    reply.header(HeaderId::contact,
                 "<" + binding.contact + ">" + binding.params + ";expires=" + std::to_string(left.count()));
  }
  if (wish.all || !wish.contacts.empty()) commit(aor, std::move(bindings));
  return reply.build();
}

void Registrar::commit(std::string_view aor, Bindings bindings) {
  const auto found = bindings_.find(aor);
  const Bindings before = found == bindings_.end() ? Bindings{} : found->second;
  const auto in = [](const Bindings& list, const Binding& binding) {
    return std::find_if(list.begin(), list.end(), [&](const Binding& x) { return same_contact(x, binding); });
  };
  for (const Binding& old : before) {
    count_source(old.flow.remote.ip, -1);
    if (in(bindings, old) == bindings.end()) tell(RegistrarChange::Kind::removed, aor, old);
  }
  for (const Binding& binding : bindings) {
    count_source(binding.flow.remote.ip, 1);
    note_connection(aor, binding.flow);
    const auto old = in(before, binding);
    const bool same = old != before.end() && old->call_id == binding.call_id && old->cseq == binding.cseq;
    if (same) continue;
    tell(old == before.end() ? RegistrarChange::Kind::added : RegistrarChange::Kind::refreshed, aor, binding);
  }
  if (!bindings.empty()) {
    bindings_.insert_or_assign(std::string(aor), std::move(bindings));
  } else if (found != bindings_.end()) {
    bindings_.erase(found);
  }
  reschedule(aor);
}

void Registrar::reschedule(std::string_view aor) {
  if (const auto old = next_expiry_.find(aor); old != next_expiry_.end()) {
    due_.erase({old->second, old->first});
    next_expiry_.erase(old);
  }
  const auto entry = bindings_.find(aor);
  if (entry == bindings_.end()) return;
  const auto first =
      std::min_element(entry->second.begin(), entry->second.end(),
                       [](const Binding& a, const Binding& b) { return a.expires < b.expires; });
  next_expiry_.emplace(aor, first->expires);
  due_.emplace(first->expires, aor);
}

template <class Predicate>
void Registrar::remove_if(std::string_view aor, RegistrarChange::Kind kind, Predicate predicate) {
  const auto entry = bindings_.find(aor);
  if (entry == bindings_.end()) return;
  std::erase_if(entry->second, [&](const Binding& binding) {
    if (!predicate(binding)) return false;
    count_source(binding.flow.remote.ip, -1);
    tell(kind, aor, binding);
    return true;
  });
  if (entry->second.empty()) bindings_.erase(entry);
  reschedule(aor);
}

void Registrar::tell(RegistrarChange::Kind kind, std::string_view aor, const Binding& binding) {
  if (binding.learnt) return; // whoever took the REGISTER tells it
  changes_.push_back({kind, std::string(aor), binding});
}

void Registrar::count_source(const IpAddress& ip, int by) {
  const auto source = sources_.try_emplace(Endpoint{ip, 0}).first;
  source->second += by;
  if (source->second <= 0) sources_.erase(source);
}

void Registrar::learn(std::string_view aor, Binding binding, bool gone) {
  binding.learnt = true;
  const auto known = bindings_.find(aor);
  Bindings bindings = known == bindings_.end() ? Bindings{} : known->second;
  std::erase_if(bindings, [&](const Binding& other) { return same_contact(other, binding); });
  if (!gone) bindings.push_back(std::move(binding));
  commit(aor, std::move(bindings));
}

std::vector<Binding> Registrar::lookup(std::string_view aor) const {
  const auto found = bindings_.find(aor);
  return found == bindings_.end() ? Bindings{} : in_order(found->second);
}

std::vector<Binding> Registrar::lookup_user(std::string_view user) const {
  Bindings all;
  const std::string start = begin_of_user(user);
  for (auto entry = bindings_.lower_bound(start); entry != bindings_.end() && entry->first.starts_with(start);
       ++entry) {
    all.insert(all.end(), entry->second.begin(), entry->second.end());
  }
  return in_order(all);
}

bool Registrar::knows_source(const IpAddress& ip) const {
  return sources_.contains(Endpoint{ip, 0});
}

bool Registrar::is_registered(const Flow& flow, std::string_view user) const {
  const std::string start = begin_of_user(user);
  const auto same_flow = [&flow](const Binding& binding) {
    return binding.flow.transport == flow.transport && binding.flow.remote == flow.remote &&
           (!flow.reliable() || binding.flow.connection == flow.connection);
  };
  for (auto entry = bindings_.lower_bound(start); entry != bindings_.end() && entry->first.starts_with(start);
       ++entry) {
    if (std::any_of(entry->second.begin(), entry->second.end(), same_flow)) return true;
  }
  return false;
}

void Registrar::note_connection(std::string_view aor, const Flow& flow) {
  if (!flow.reliable() || flow.connection == 0) return;
  const auto [first, last] = connections_.equal_range(flow.connection);
  if (std::none_of(first, last, [aor](const auto& entry) { return entry.second == aor; }))
    connections_.emplace(flow.connection, aor);
}

void Registrar::flow_closed(std::uint64_t connection) {
  const auto [first, last] = connections_.equal_range(connection);
  for (auto it = first; it != last; ++it) {
    const auto entry = bindings_.find(it->second);
    if (entry == bindings_.end()) continue;
    for (Binding& binding : entry->second) {
      if (!binding.flow.reliable() || binding.flow.connection != connection) continue;
      count_source(binding.flow.remote.ip, -1);
      binding.flow.connection = 0;
      binding.flow.remote = reachable_at(binding);
      count_source(binding.flow.remote.ip, 1);
      tell(RegistrarChange::Kind::moved, entry->first, binding);
    }
  }
  connections_.erase(first, last);
}

void Registrar::expire(Time now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const std::string aor = due_.begin()->second;
    remove_if(aor, RegistrarChange::Kind::expired,
              [now](const Binding& binding) { return binding.expires <= now; });
  }
}

std::optional<Time> Registrar::deadline() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

std::optional<RegistrarChange> Registrar::poll() {
  if (changes_.empty()) return std::nullopt;
  RegistrarChange change = std::move(changes_.front());
  changes_.pop_front();
  return change;
}

} // namespace talky::sip
