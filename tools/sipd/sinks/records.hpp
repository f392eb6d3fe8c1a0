// The call records of the daemon: what a call tells of itself while it lasts, and what its files add when it
// is over, handed to store::Writer.
#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.hpp"
#include "sipd/messages/call_event.hpp"
#include "store/writer.hpp"

namespace talky::sipd {

class Records {
 public:
  struct Options {
    std::optional<store::Location> database; // nullopt: none is kept
    std::string spool;                       // folder for what waits for the database
    std::string recordings;                  // folder; "" if nothing is recorded
    store::Retention retention;
    bool agent_keeps_journal = false; // of calls to the target `agent`
    std::vector<std::string> mended;  // recordings that were repaired at this start
  };

  Records(Options options, log::Sink log);

  // One call, filled on its loop. Whatever happens twice counts the first time.
  class Call {
   public:
    // `begun` has all that is known at the INVITE, which is now.
    Call(Records& records, store::CallRecord begun, std::int64_t wall_us);

    // With `recorded` the recorder calls files_closed() after the end.
    void happened(const CallEvent& event, std::int64_t wall_us, bool recorded);

    const store::CallRecord& record() const { return record_; }

   private:
    void ended(const event::Ended& ended, std::int64_t wall_ms, bool recorded);

    Records& records_;
    store::CallRecord record_;
    bool over_ = false;
  };

  // Any thread. Files that are not `whole` are marked as repaired: something of them is missing.
  void files_closed(const std::string& uuid, bool whole);
  store::Writer::Status status() const { return writer_.status(); } // any thread

 private:
  store::Writer::Options writer_options();
  bool complete(const store::Writer::Completing& completing) const;
  bool take_partial(const std::string& uuid) const; // forgets it

  Options options_;
  std::set<std::string> mended_; // names of files
  mutable std::mutex mutex_;
  mutable std::set<std::string> partial_; // uuids of calls whose files have gaps
  log::Sink log_;
  store::Writer writer_;
};

store::CallRecord begun_record(const CallFacts& call); // what is known of a call at its INVITE

// The text of a journal; nothing where there is none that can be read, or it is longer than 64 MiB.
std::optional<std::string> read_journal(const std::string& path);

// What the journal of an agent tells of the call (talky-journal(5)): what was said, turns, barge-ins,
// response times. Lines that are no entries are passed over. False: its last entry is not there yet.
bool fold_journal(std::string_view text, store::CallRecord& record);

} // namespace talky::sipd
