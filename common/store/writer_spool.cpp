// The part of the Writer that keeps its spool: what waits for the database, on disk.
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "store/writer.hpp"

namespace talky::store {
namespace {

constexpr std::size_t compact_above = 1 << 20; // bytes of the log
constexpr std::size_t settled_at_once = 100;   // that the log is told of, where nothing else is to be written
constexpr auto spool_retry = std::chrono::seconds(1);

std::string json_of(const CallRecord& record) {
  return boost::json::serialize(to_json(record));
}

} // namespace

bool Writer::open_spool() {
  auto made = Spool::open(options_.spool);
  if (made) {
    spool_ = std::move(*made);
    spool_retry_at_.reset();
    return true;
  }
  spool_retry_at_ = Clock::now() + spool_retry;
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
  if (!options_.open || (unsaved_.empty() && settled_.size() < settled_at_once)) return;
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
    spool_retry_at_ = Clock::now() + spool_retry;
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
  if (nothing ? bytes == 0 : bytes < compact_above + 2 * compacted_bytes_) return;
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

} // namespace talky::store
