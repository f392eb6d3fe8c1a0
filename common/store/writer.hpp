// Brings call records into the database, on a thread of its own: whoever has a record hands it over and goes
// on. Between the call and the database stands the spool:
//
//   began() ------> spool                            a process that dies in the call leaves a trace of it
//   ended() ------> spool -> complete -> database    on the disk within milliseconds, in the database as soon
//   as
//                                                    it can: locked, full or away only delays it
//
// After a crash the next process finishes what is in the spool: a call that had ended as it ended, one that
// had not with the cause "interrupted". None is lost, and since a uuid is one row, none is doubled.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "core/log.hpp"
#include "store/database.hpp"
#include "store/files.hpp"
#include "store/record.hpp"
#include "store/spool.hpp"

namespace talky::store {

class Writer {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // What the files of a call hold is added when they are whole.
  struct Completing {
    CallRecord& record;
    bool recovered; // from the spool of a process that has died
    bool last;      // the time is up: take what there is
  };

  struct Options {
    // Null: no database and no spool, for retention alone. Called on the writer's thread, again after a
    // failure.
    std::function<Outcome<std::unique_ptr<Database>>()> open;
    std::string spool; // folder
    // Adds files and transcript; false: they are not whole yet, ask again. On the writer's thread; may be
    // null.
    std::function<bool(const Completing&)> complete;
    Retention retention;
    log::Sink log;
    std::function<void()> begin; // first on the writer's thread; may be null

    Milliseconds complete_every{100}, complete_limit{5000};
    Milliseconds retry_first{500}, retry_max{30'000}; // doubled after each failure of the database
    Milliseconds stop_limit{3000};
    Milliseconds retention_every{600'000};
    std::size_t max_in_memory = 5000; // records that wait for the database; beyond it only in the spool
    std::function<void(const std::string& uuid)> on_spooled; // the end of a call is on the disk; for tests
  };

  struct Status {
    std::size_t active = 0;   // calls that have begun
    std::size_t waiting = 0;  // have ended and are not in the database
    std::uint64_t stored = 0; // since the start
    std::uint64_t refused = 0, lost = 0;
    std::string database_trouble, spool_trouble; // "" : all is well
  };

  explicit Writer(Options options);
  // Stores what it can within stop_limit; the rest stays in the spool.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Any thread; none of them waits for a disk.
  void began(CallRecord record);
  void ended(CallRecord record, bool files_follow); // with files_follow, files_closed() comes
  void files_closed(std::string uuid);
  Status status() const;
  // Until everything that has ended is stored; false: not within the limit. For tests and tools.
  bool wait_until_stored(Milliseconds limit);

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase : std::uint8_t { none, active, ended, complete };
  struct Message {
    enum class Kind : std::uint8_t { began, ended, closed } kind;
    CallRecord record;
    bool files_follow;
  };
  struct Pending {
    CallRecord record;
    Phase phase = Phase::active;
    Phase spooled = Phase::none; // what the log on the disk says of it
    bool files_open = false;
    bool recovered = false;
    Clock::time_point ended_at{};
  };

  void push(Message message);
  void run();
  Clock::time_point wake_time() const;
  void apply(Message message);
  bool open_spool();
  void recover();
  void save();
  void complete(bool stopping);
  void store();
  bool put(const std::vector<std::string>& uuids);
  void refuse(const std::string& uuid, const Error& error);
  void settle(const std::string& uuid);
  void limit_memory();
  void reload();
  void tidy_spool();
  void tend();
  void report_lost(const CallRecord& record, std::string_view why) const;
  void lose(const CallRecord& record, std::string_view why);
  void trouble(const Error& error);
  void relief();
  void publish();

  Options options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<Message> messages_;
  bool stopping_ = false;
  Status status_;
  std::uint64_t dropped_ = 0; // messages that found no room

  // Of the thread alone.
  std::unique_ptr<Database> database_;
  std::unique_ptr<Spool> spool_;
  std::map<std::string, Pending> pending_;
  std::set<std::string> unsaved_;    // what the log does not say yet
  std::set<std::string> ending_;     // ended, not complete
  std::deque<std::string> ready_;    // complete, not stored
  std::set<std::string> on_disk_;    // complete, in the spool alone
  std::vector<std::string> settled_; // stored, and the log does not say so yet
  std::size_t compacted_bytes_ = 0;
  Status now_;
  Milliseconds backoff_{0};
  std::size_t waited_ = 0; // records that have waited for the database
  std::optional<Clock::time_point> retry_at_, spool_retry_at_;
  Clock::time_point complete_at_, tend_at_;
  bool opened_once_ = false;

  std::thread thread_; // the last: it uses all of the above
};

} // namespace talky::store
