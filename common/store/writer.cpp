#include "store/writer.hpp"

#include <algorithm>

namespace talky::store {
namespace {

constexpr std::size_t max_messages = 100'000;
constexpr auto never = std::chrono::hours(24);

} // namespace

Writer::Writer(Options options)
    : options_(std::move(options)),
      complete_at_(Clock::now()),
      tend_at_(Clock::now()),
      thread_([this] { run(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

// ---- Any thread

void Writer::began(CallRecord record) {
  push({Message::Kind::began, std::move(record), false});
}
void Writer::ended(CallRecord record, bool files_follow) {
  push({Message::Kind::ended, std::move(record), files_follow});
}
void Writer::files_closed(std::string uuid) {
  CallRecord record;
  record.uuid = std::move(uuid);
  push({Message::Kind::closed, std::move(record), false});
}

void Writer::push(Message message) {
  {
    const std::lock_guard lock(mutex_);
    if (messages_.size() < max_messages) {
      if (message.kind == Message::Kind::ended) ++status_.waiting;
      messages_.push_back(std::move(message));
    } else if (message.kind == Message::Kind::ended) {
      ++dropped_;
      tell_lost(message.record, "the thread that writes records stands still");
    }
  }
  wake_.notify_one();
}

Writer::Status Writer::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool Writer::wait_until_stored(Milliseconds limit) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, limit, [this] { return status_.waiting == 0 && messages_.empty(); });
}

// ---- The thread

Writer::Clock::time_point Writer::wake_time() const {
  Clock::time_point at = Clock::now() + never;
  if (!ending_.empty()) at = std::min(at, complete_at_);
  if (retry_at_ && (!ready_.empty() || !on_disk_.empty())) at = std::min(at, *retry_at_);
  if (spool_retry_at_ && options_.open) at = std::min(at, *spool_retry_at_);
  if (options_.retention.wanted()) at = std::min(at, tend_at_);
  return at;
}

void Writer::run() {
  if (options_.begin) options_.begin();
  if (options_.open && open_spool()) recover();
  bool stopping = false;
  Clock::time_point stop_at{};
  for (;;) {
    std::deque<Message> messages;
    {
      std::unique_lock lock(mutex_);
      const auto until = stopping ? std::min(stop_at, wake_time()) : wake_time();
      // The first round opens the database, so that there is one to be read from the start.
      if (opened_once_ || !options_.open)
        wake_.wait_until(lock, until, [&] { return !messages_.empty() || (stopping_ && !stopping); });
      messages.swap(messages_);
      if (stopping_ && !stopping) {
        stopping = true;
        stop_at = Clock::now() + options_.stop_limit;
        retry_at_.reset(); // one more attempt
      }
    }
    for (Message& message : messages)
      apply(std::move(message));
    const bool time_is_up = stopping && Clock::now() >= stop_at;
    save();
    complete(time_is_up);
    save();
    store();
    limit_memory();
    tidy_spool();
    if (!stopping) tend();
    publish();
    if (!stopping) continue;
    const std::lock_guard lock(mutex_);
    const bool more = !messages_.empty() || !ending_.empty();
    if (time_is_up || !more) break;
  }
  save();
  for (const auto& [uuid, pending] : pending_) {
    if (pending.phase != Phase::active && pending.spooled == Phase::none)
      lose(pending.record, "neither the database nor the spool takes it");
  }
}

void Writer::apply(Message message) {
  const std::string uuid = message.record.uuid;
  Pending& pending = pending_[uuid];
  switch (message.kind) {
    case Message::Kind::began:
      pending.record = std::move(message.record);
      pending.phase = Phase::active;
      break;
    case Message::Kind::ended:
      pending.record = std::move(message.record);
      pending.phase = Phase::ended;
      pending.files_open = message.files_follow;
      pending.ended_at = Clock::now();
      ending_.insert(uuid);
      complete_at_ = Clock::now();
      break;
    case Message::Kind::closed:
      if (pending.phase == Phase::active) { // of a call that nobody has told us of, or is stored already
        if (pending.record.uuid.empty()) pending_.erase(uuid);
        return;
      }
      pending.files_open = false;
      complete_at_ = Clock::now();
      return;
  }
  tidy(pending.record);
  if (options_.open) unsaved_.insert(uuid);
}

void Writer::publish() {
  const std::lock_guard lock(mutex_);
  status_ = now_;
  status_.lost += dropped_;
  status_.active = 0;
  for (const auto& [uuid, pending] : pending_)
    status_.active += pending.phase == Phase::active ? 1 : 0;
  status_.waiting = pending_.size() - status_.active + on_disk_.size();
  for (const Message& message : messages_)
    status_.waiting += message.kind == Message::Kind::ended ? 1 : 0;
  if (status_.waiting == 0) idle_.notify_all();
}

} // namespace talky::store
