// The part of the Writer that completes records, stores them, tidies old ones away, and says what is wrong.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "store/writer.hpp"

namespace talky::store {
namespace {

constexpr std::size_t batch = 100; // records in one transaction
constexpr auto look_again = std::chrono::seconds(1);

std::string json_of(const CallRecord& record) {
  return boost::json::serialize(to_json(record));
}

std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

} // namespace

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
    const std::size_t count = std::min(batch, ready_.size());
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
    tend_at_ = now + std::min(options_.retention_every, std::chrono::duration_cast<Milliseconds>(look_again));
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
void Writer::tell_lost(const CallRecord& record, std::string_view why) const {
  options_.log(log::Level::error, log::Line("cdr.lost").add("why", why).add("record", json_of(record)).str());
}

void Writer::lose(const CallRecord& record, std::string_view why) {
  ++now_.lost;
  tell_lost(record, why);
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
