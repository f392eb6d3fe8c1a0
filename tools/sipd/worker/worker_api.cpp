// What the HTTP API asks of a worker, on the worker's own thread.
#include <algorithm>
#include <set>
#include <utility>

#include "sipd/call/session.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {

std::vector<CallSnapshot> Worker::snapshots() const {
  std::set<const Session*> all; // one stands under each of its legs
  for (const auto& [key, session] : sessions_)
    all.insert(session.get());
  std::vector<CallSnapshot> out;
  out.reserve(all.size());
  for (const Session* session : all)
    out.push_back(session->snapshot());
  return out;
}

WorkerCounters Worker::totals() const {
  WorkerCounters out = counters_;
  out.sip_unread = signalling_.dropped();
  if (hep_) {
    out.hep_sent = hep_->sent();
    out.hep_dropped = hep_->dropped();
  }
  return out;
}

Result<> Worker::command(std::string_view uuid, const CallCommand& command) {
  const auto session = call(uuid);
  if (!session) return fail(Errc::not_found, 0, "the call has ended");
  return session->command(command);
}

void Worker::take_part(std::string_view uuid, Part part, std::shared_ptr<AudioTap> tap, SeatLine line) {
  const auto session = call(uuid);
  if (!session) return line.to_client->send(SeatLost{1000, "the call has ended"});
  session->add_tap(std::move(tap));
  if (part != Part::listen) session->take_part(part, std::move(line));
}

std::shared_ptr<Session> Worker::call(std::string_view uuid) const {
  const auto found = std::find_if(sessions_.begin(), sessions_.end(),
                                  [&](const auto& item) { return item.second->uuid() == uuid; });
  return found == sessions_.end() ? nullptr : found->second;
}

void Worker::stop_sip(bool now, std::function<void()> done) {
  refuses_ = true;
  if (done) drained_ = std::move(done);
  if (now) return shutdown([this] { end_sip(); });
  drain();
}

// Nothing is left of what the sockets were for. From the loop, not from amid the UserAgent's outputs.
void Worker::end_sip() {
  loop_.post([this] {
    if (!drained_) return;
    signalling_.close_all();
    make_user_agent();
    std::exchange(drained_, nullptr)();
  });
}

net::SysResult<> Worker::start_sip(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    if (auto done = signalling_.listen(endpoint); !done) return done;
  }
  refuses_ = false;
  return {};
}

} // namespace talky::sipd
