#include "sipd/worker/session_table.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t kDestroyedATurn = 8;
constexpr std::size_t kRecentMessages = 32;

} // namespace

SessionTable::SessionTable(net::Loop& loop, std::function<void()> destroyed)
    : loop_(loop), destroyed_(std::move(destroyed)) {}

SessionTable::~SessionTable() = default;

Session* SessionTable::find(call::CallKey key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second.get();
}

std::shared_ptr<Session> SessionTable::hold(call::CallKey key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second;
}

std::shared_ptr<Session> SessionTable::hold_uuid(std::string_view uuid) const {
  const auto found = std::find_if(by_key_.begin(), by_key_.end(),
                                  [&](const auto& item) { return item.second->uuid() == uuid; });
  return found == by_key_.end() ? nullptr : found->second;
}

std::vector<CallSnapshot> SessionTable::snapshots() const {
  std::set<const Session*> all; // one stands under each of its legs
  for (const auto& [key, session] : by_key_)
    all.insert(session.get());
  std::vector<CallSnapshot> out;
  out.reserve(all.size());
  for (const Session* session : all)
    out.push_back(session->snapshot());
  return out;
}

void SessionTable::shut_down(Time now) {
  for (const auto& [key, session] : by_key_)
    session->shut_down(now);
}

void SessionTable::add(call::CallKey key, std::shared_ptr<Session> session) {
  by_key_.emplace(key, std::move(session));
}

void SessionTable::adopt(call::CallKey call, call::CallKey of) {
  if (auto session = hold(of)) by_key_.emplace(call, std::move(session));
}

void SessionTable::rename(call::CallKey from, call::CallKey to) {
  adopt(to, from);
  by_key_.erase(from);
}

void SessionTable::expect_sip(const std::string& call_id, Session& session) {
  by_call_id_.emplace(call_id, &session);
  for (auto it = recent_.begin(); it != recent_.end();) {
    const bool ours = it->call_id == call_id;
    if (ours) session.sip(it->flow, it->bytes, it->incoming, it->time_us);
    it = ours ? recent_.erase(it) : it + 1;
  }
}

std::shared_ptr<Session> SessionTable::take(call::CallKey key) {
  auto node = by_key_.extract(key);
  return node.empty() ? nullptr : std::move(node.mapped());
}

std::vector<std::string> SessionTable::retire(std::shared_ptr<Session> session) {
  std::vector<std::string> over;
  for (const auto& [call_id, owner] : by_call_id_) {
    if (owner == session.get() && !session->knows_sip(call_id)) over.push_back(call_id);
  }
  for (const std::string& call_id : over)
    by_call_id_.erase(call_id);
  ended_.push_back(std::move(session)); // one of its callbacks may be what brought us here
  return over;
}

void SessionTable::destroy_ended() {
  if (!ended_.empty() && !std::exchange(destroying_, true)) destroy_some();
}

void SessionTable::destroy_some() {
  loop_.post([this] {
    ended_.resize(ended_.size() - std::min(ended_.size(), kDestroyedATurn));
    destroying_ = !ended_.empty();
    if (destroying_) return destroy_some();
    destroyed_();
  });
}

void SessionTable::keep_sip(const sip::Flow& flow, std::string_view bytes, bool incoming,
                            std::int64_t time_us) {
  if (!scratch_.assign(bytes)) return;
  std::string call_id(scratch_.call_id());
  const auto session = by_call_id_.find(call_id);
  if (session != by_call_id_.end()) return session->second->sip(flow, bytes, incoming, time_us);
  if (scratch_.method() != sip::Method::invite) return;
  recent_.push_back({std::move(call_id), flow, std::string(bytes), incoming, time_us});
  if (recent_.size() > kRecentMessages) recent_.pop_front();
}

} // namespace talky::sipd
