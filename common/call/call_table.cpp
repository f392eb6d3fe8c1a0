#include "call/call_table.hpp"

#include <algorithm>

namespace talky::call {

Call& CallTable::add(std::unique_ptr<Call> call) {
  Call& added = *call;
  ++live_;
  by_tag_.emplace(added.local_tag(), added.key());
  calls_.emplace(added.key(), std::move(call));
  touch(added);
  return added;
}

Call* CallTable::find(CallKey key) const {
  const auto it = calls_.find(key);
  return it == calls_.end() ? nullptr : it->second.get();
}

Call* CallTable::find_live(CallKey key) const {
  Call* const call = find(key);
  return call == nullptr || call->over() ? nullptr : call;
}

Call* CallTable::find_tag(std::string_view local_tag) const {
  const auto it = by_tag_.find(std::string(local_tag));
  return it == by_tag_.end() ? nullptr : find(it->second);
}

std::vector<CallKey> CallTable::keys() const {
  std::vector<CallKey> keys;
  keys.reserve(calls_.size());
  for (const auto& [key, call] : calls_)
    keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

void CallTable::touch(Call& call) {
  if (call.listed) return;
  call.listed = true;
  ready_.push_back(&call);
}

void CallTable::drained(Time now) {
  Call& call = *ready_.front();
  ready_.pop_front();
  call.listed = false;
  // An earlier entry finds nothing to do, and schedules anew.
  if (const auto due = call.deadline(); due && (!call.scheduled || *call.scheduled > *due)) {
    call.scheduled = due;
    due_.emplace(*due, call.key());
  }
  if (!call.gone(now)) return;
  by_tag_.erase(call.local_tag());
  calls_.erase(call.key());
}

std::optional<Time> CallTable::deadline() const {
  return due_.empty() ? std::nullopt : std::optional(due_.top().first);
}

Call* CallTable::take_due(Time now) {
  while (!due_.empty() && due_.top().first <= now) {
    const auto [at, key] = due_.top();
    due_.pop();
    Call* const call = find(key);
    if (call == nullptr || call->scheduled != at) continue; // gone, or due earlier meanwhile
    call->scheduled.reset();
    return call;
  }
  return nullptr;
}

} // namespace talky::call
