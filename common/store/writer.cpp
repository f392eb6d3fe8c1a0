#include "store/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace talky::store {
namespace {

constexpr std::size_t kMaxMessages = 100'000;
constexpr auto kNever = std::chrono::hours(24);
constexpr std::size_t kCompactAbove = 1 << 20; // bytes of the log
constexpr std::size_t kSettledAtOnce = 100;    // that the log learns of, where nothing else is to be written
constexpr auto kSpoolRetry = std::chrono::seconds(1);
constexpr std::size_t kBatch = 100; // records in one transaction
constexpr auto kLookAgain = std::chrono::seconds(1);

std::string json_of(const CallRecord& record) {
  return boost::json::serialize(to_json(record));
}

std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

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
    if (messages_.size() < kMaxMessages) {
      if (message.kind == Message::Kind::ended) ++status_.waiting;
      messages_.push_back(std::move(message));
    } else if (message.kind == Message::Kind::ended) {
      ++dropped_;
      report_lost(message.record, "the thread that writes records stands still");
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
  Clock::time_point at = Clock::now() + kNever;
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
      if (pending.phase == Phase::active) { // of a call that nobody has reported, or is stored already
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

// ---- The spool: what waits for the database, on disk

bool Writer::open_spool() {
  auto made = Spool::open(options_.spool);
  if (made) {
    spool_ = std::move(*made);
    spool_retry_at_.reset();
    return true;
  }
  spool_retry_at_ = Clock::now() + kSpoolRetry;
  if (now_.spool_trouble != made.error().text) {
    options_.log(log::Level::error, log::Line("cdr.spool").add("error", made.error().text).str());
    now_.spool_trouble = made.error().text;
  }
  return false;
}

void Writer::recover() {
  const SpoolText left = spool_->adopt();
  std::map<std::string, const SpoolEntry*> last;
  std::size_t unreadable = left.damaged;
  for (const SpoolEntry& entry : left.entries) {
    if (entry.kind == SpoolEntry::Kind::stored) {
      last.erase(entry.body);
    } else if (const std::string uuid = uuid_of(entry); !uuid.empty()) {
      last[uuid] = &entry;
    }
  }
  std::size_t interrupted = 0;
  for (const auto& [uuid, entry] : last) {
    auto record = from_json(entry->body);
    if (!record) {
      ++unreadable;
      continue;
    }
    Pending& pending = pending_[uuid];
    if (pending.phase != Phase::active || !pending.record.uuid.empty()) continue; // we know better
    pending.record = std::move(*record);
    pending.recovered = true;
    pending.ended_at = Clock::now();
    if (entry->kind == SpoolEntry::Kind::complete) {
      pending.phase = Phase::complete;
      ready_.push_back(uuid);
    } else {
      if (entry->kind == SpoolEntry::Kind::began) {
        ++interrupted;
        pending.record.cause = "interrupted";
        pending.record.ended_by = "system";
        // Until the files of the call say more.
        if (pending.record.ended_ms == 0)
          pending.record.ended_ms = pending.record.answered_ms.value_or(pending.record.invited_ms);
      }
      pending.phase = Phase::ended;
      ending_.insert(uuid);
    }
    unsaved_.insert(uuid);
  }
  if (!last.empty() || unreadable > 0) {
    options_.log(log::Level::warn, log::Line("cdr.recovered")
                                       .add("records", last.size())
                                       .add("interrupted", interrupted)
                                       .add("damaged", unreadable)
                                       .str());
  }
  if (unsaved_.empty()) spool_->drop_adopted();
}

void Writer::save() {
  if (!options_.open || (unsaved_.empty() && settled_.size() < kSettledAtOnce)) return;
  if (spool_retry_at_ && Clock::now() < *spool_retry_at_) return;
  if (!spool_) {
    if (!open_spool()) return;
    recover();
  }
  std::vector<SpoolEntry> entries;
  for (const std::string& uuid : settled_)
    entries.push_back({SpoolEntry::Kind::stored, uuid});
  for (const std::string& uuid : unsaved_) {
    const Pending& pending = pending_.at(uuid);
    const auto kind = pending.phase == Phase::active  ? SpoolEntry::Kind::began
                      : pending.phase == Phase::ended ? SpoolEntry::Kind::ended
                                                      : SpoolEntry::Kind::complete;
    entries.push_back({kind, json_of(pending.record)});
  }
  if (const auto done = spool_->append(entries); !done) {
    spool_retry_at_ = Clock::now() + kSpoolRetry;
    if (now_.spool_trouble.empty()) {
      options_.log(log::Level::error, log::Line("cdr.spool").add("error", done.error().text).str());
    }
    now_.spool_trouble = done.error().text;
    return;
  }
  spool_retry_at_.reset();
  now_.spool_trouble.clear();
  settled_.clear();
  for (const std::string& uuid : unsaved_) {
    Pending& pending = pending_.at(uuid);
    pending.spooled = pending.phase;
    if (pending.phase == Phase::active) continue;
    options_.log(log::Level::debug,
                 log::Line("cdr.kept").add("call", uuid).add("cause", pending.record.cause).str());
    if (options_.on_spooled) options_.on_spooled(uuid);
  }
  unsaved_.clear();
  spool_->drop_adopted(); // all that was in them is in ours now
}

// Empty once nothing waits; otherwise written anew when most of it is of calls that are stored.
void Writer::tidy_spool() {
  if (!spool_ || !unsaved_.empty()) return;
  const std::size_t bytes = spool_->bytes();
  const bool nothing = pending_.empty() && on_disk_.empty();
  if (nothing ? bytes == 0 : bytes < kCompactAbove + 2 * compacted_bytes_) return;
  std::set<std::string> live = on_disk_;
  for (const auto& [uuid, pending] : pending_) {
    if (pending.spooled != Phase::none) live.insert(uuid);
  }
  if (const auto done = spool_->compact(live); !done) {
    compacted_bytes_ = bytes; // no room for a second one: not again at once
    return;
  }
  compacted_bytes_ = spool_->bytes();
  settled_.clear();
}

// Too many wait for the database: the spool holds them as well.
void Writer::limit_memory() {
  while (ready_.size() > options_.max_in_memory) {
    const std::string uuid = ready_.back();
    const auto found = pending_.find(uuid);
    if (found->second.spooled == Phase::complete && !unsaved_.contains(uuid)) {
      on_disk_.insert(uuid);
    } else {
      lose(found->second.record, "too many wait, and the spool does not take them");
    }
    unsaved_.erase(uuid);
    ready_.pop_back();
    pending_.erase(found);
  }
}

void Writer::reload() {
  if (on_disk_.empty() || !spool_) return;
  const auto text = spool_->read();
  if (!text) {
    options_.log(log::Level::error, log::Line("cdr.spool").add("error", text.error().text).str());
    retry_at_ = Clock::now() + options_.retry_max;
    return;
  }
  std::size_t room = options_.max_in_memory;
  for (const SpoolEntry& entry : text->entries) {
    if (room == 0) break;
    const std::string uuid = uuid_of(entry);
    if (entry.kind != SpoolEntry::Kind::complete || !on_disk_.contains(uuid)) continue;
    auto record = from_json(entry.body);
    if (!record) continue;
    Pending& pending = pending_[uuid];
    pending.record = std::move(*record);
    pending.phase = pending.spooled = Phase::complete;
    ready_.push_back(uuid);
    on_disk_.erase(uuid);
    --room;
  }
  if (!ready_.empty()) return;
  for (const std::string& uuid : on_disk_) { // somebody has taken the log away
    CallRecord record;
    record.uuid = uuid;
    lose(record, "the spool does not hold it any more");
  }
  on_disk_.clear();
}

// ---- The database: completes records, stores them, tidies old ones away, and says what is wrong

void Writer::complete(bool stopping) {
  const auto now = Clock::now();
  if (ending_.empty() || (now < complete_at_ && !stopping)) return;
  for (auto it = ending_.begin(); it != ending_.end();) {
    Pending& pending = pending_.at(*it);
    const bool last = stopping || now >= pending.ended_at + options_.complete_limit;
    const bool whole = (!pending.files_open || last) &&
                       (!options_.complete || options_.complete({pending.record, pending.recovered, last}));
    if (!whole && !last) {
      ++it;
      continue;
    }
    tidy(pending.record);
    pending.phase = Phase::complete;
    ready_.push_back(*it);
    // The log holds its end already, from which all this can be made again. Only while the database is in
    // trouble it is worth writing twice.
    if (retry_at_) unsaved_.insert(*it);
    it = ending_.erase(it);
  }
  complete_at_ = now + options_.complete_every;
}

void Writer::store() {
  if (!options_.open) {
    while (!ready_.empty())
      settle(std::string(ready_.front()));
    return;
  }
  if (retry_at_ && Clock::now() < *retry_at_) return;
  if (!database_) {
    const bool first = !opened_once_;
    opened_once_ = true;
    if (!first && ready_.empty() && on_disk_.empty()) return;
    auto opened = options_.open();
    if (!opened) return trouble(opened.error());
    database_ = std::move(*opened);
    if (ready_.empty() && on_disk_.empty()) relief();
  }
  for (;;) {
    if (ready_.empty()) reload();
    if (ready_.empty()) return;
    const std::size_t count = std::min(kBatch, ready_.size());
    if (!put({ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count)})) return;
  }
}

// False: the database is in trouble.
bool Writer::put(const std::vector<std::string>& uuids) {
  std::vector<CallRecord> records;
  records.reserve(uuids.size());
  for (const std::string& uuid : uuids)
    records.push_back(pending_.at(uuid).record);
  const auto done = database_->put(records);
  if (done) {
    relief();
    for (const std::string& uuid : uuids) {
      ++now_.stored;
      settle(uuid);
    }
    return true;
  }
  if (done.error().fault != Fault::refused) {
    trouble(done.error());
    return false;
  }
  // One of them it is that the database will never take.
  if (uuids.size() == 1) {
    refuse(uuids[0], done.error());
    return true;
  }
  return std::all_of(uuids.begin(), uuids.end(), [this](const std::string& uuid) { return put({uuid}); });
}

void Writer::refuse(const std::string& uuid, const Error& error) {
  ++now_.refused;
  const CallRecord& record = pending_.at(uuid).record;
  const auto kept = spool_ ? spool_->set_aside(json_of(record)) : fail(Fault::away, "no spool");
  options_.log(log::Level::error, log::Line("cdr.refused")
                                      .add("call", uuid)
                                      .add("error", error.text)
                                      .add("kept", kept ? options_.spool + "/refused.jsonl" : "")
                                      .str());
  if (!kept) lose(record, kept.error().text);
  settle(uuid);
}

void Writer::settle(const std::string& uuid) {
  const auto found = pending_.find(uuid);
  if (found == pending_.end()) return;
  if (found->second.spooled != Phase::none) settled_.push_back(uuid);
  unsaved_.erase(uuid);
  pending_.erase(found);
  const auto at = std::find(ready_.begin(), ready_.end(), uuid);
  if (at != ready_.end()) ready_.erase(at); // the last: it may hold the very text
}

void Writer::tend() {
  const auto now = Clock::now();
  if (!options_.retention.wanted() || now < tend_at_) return;
  tend_at_ = now + options_.retention_every;
  if (options_.open && !database_) { // its rows would name files that are gone: once it is back
    tend_at_ = now + std::min(options_.retention_every, std::chrono::duration_cast<Milliseconds>(kLookAgain));
    return;
  }
  const auto done = apply_retention(
      options_.retention, database_.get(), wall_ms(),
      [this](const std::string& uuid) { return pending_.contains(uuid) || on_disk_.contains(uuid); });
  if (!done) {
    options_.log(log::Level::warn, log::Line("retention.failed").add("error", done.error().text).str());
    return;
  }
  for (const std::string& path : done->failed)
    options_.log(log::Level::warn, log::Line("retention.failed").add("file", path).str());
  if (done->calls > 0 || done->files > 0) {
    options_.log(log::Level::info, log::Line("retention")
                                       .add("calls", done->calls)
                                       .add("files", done->files)
                                       .add("bytes", done->bytes)
                                       .str());
  }
}

// ---- What there is to say

// The last place where it is kept is the log.
void Writer::report_lost(const CallRecord& record, std::string_view why) const {
  options_.log(log::Level::error, log::Line("cdr.lost").add("why", why).add("record", json_of(record)).str());
}

void Writer::lose(const CallRecord& record, std::string_view why) {
  ++now_.lost;
  report_lost(record, why);
}

void Writer::trouble(const Error& error) {
  backoff_ = backoff_.count() == 0 ? options_.retry_first : std::min(options_.retry_max, backoff_ * 2);
  retry_at_ = Clock::now() + backoff_;
  // Only a connection that is of no use is given up; one that found a lock is not.
  if (error.fault == Fault::away || error.fault == Fault::newer) database_.reset();
  const bool news = now_.database_trouble.empty();
  now_.database_trouble = fmt::format("{}: {}", to_string(error.fault), error.text);
  if (news) {
    waited_ = 0;
    options_.log(log::Level::warn, log::Line("cdr.waits")
                                       .add("why", to_string(error.fault))
                                       .add("error", error.text)
                                       .add("spool", options_.spool)
                                       .str());
  }
  for (const std::string& uuid : ready_) {
    if (pending_.at(uuid).spooled != Phase::complete) unsaved_.insert(uuid);
  }
  save();
  waited_ = std::max(waited_, ready_.size() + on_disk_.size());
}

void Writer::relief() {
  backoff_ = Milliseconds(0);
  retry_at_.reset();
  if (now_.database_trouble.empty()) return;
  now_.database_trouble.clear();
  options_.log(log::Level::info, log::Line("cdr.goes_on").add("records", waited_).str());
}

} // namespace talky::store
