// Where call records wait on the disk until a database has them: a folder of append-only logs, one for each
// process that runs, with a checksum on every entry.
//
// An entry is one line, so that it can be read and mended by hand:
//
//   talky1 CRC32 LENGTH KIND BODY        e.g.   talky1 b2826e9d 37 ended {"uuid":"...","cause":"hangup"}
//
// CRC32 (8 hexadecimal digits) is of "KIND BODY", LENGTH its size in bytes. KIND is `began`, `ended` or
// `complete` with a call record as BODY, or `stored` with a uuid: the later entry of a call takes the place
// of the earlier one, and `stored` of all.
//
// A log is locked (flock) for as long as its process lives. One that is not locked was left behind by a
// process that died, and is adopted by the next that starts: what it holds goes on from where it was.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/error.hpp"

namespace talky::store {

struct SpoolEntry {
  enum class Kind : std::uint8_t { began, ended, complete, stored };
  Kind kind = Kind::ended;
  std::string body; // a record as JSON on one line, or the uuid of `stored`
  bool operator==(const SpoolEntry&) const = default;
};

std::string to_line(const SpoolEntry& entry); // with its line end

struct SpoolText {
  std::vector<SpoolEntry> entries;
  std::size_t damaged = 0; // stretches of bytes that are no entry, a torn last one included
};
// Total: any bytes give the entries that are whole in them, in order. Behind something damaged reading goes
// on at the next line that begins like an entry.
SpoolText parse_spool(std::string_view text);

class Spool {
 public:
  // Makes the folder (for its owner alone) and a log in it. Errors: away, full.
  static Outcome<std::unique_ptr<Spool>> open(const std::string& folder);
  // Closes. The log is removed if it is empty.
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Reads and locks the logs of processes that have died.
  SpoolText adopt();
  // Removes these logs, once their entries are in this one.
  void drop_adopted();

  // When it returns without an error, all of them are on the disk; with one, none of them is in the log. Some
  // 500 records fit even if the disk is full: their room is taken when the log is made.
  Outcome<> append(std::span<const SpoolEntry> entries);
  // The entries of this log.
  Outcome<SpoolText> read() const;
  // Keeps the last entry of each of these calls and no other, in a new log that takes the place of the old
  // one.
  Outcome<> compact(const std::set<std::string>& uuids);
  // Keeps aside what no database accepts: in refused.jsonl beside the logs.
  Outcome<> set_aside(std::string_view json);

  std::size_t bytes() const { return size_; }
  const std::string& path() const { return path_; }

 private:
  Spool(std::string folder, std::string path, int fd)
      : folder_(std::move(folder)), path_(std::move(path)), fd_(fd) {}

  std::string folder_;
  std::string path_;
  int fd_;
  std::size_t size_ = 0;
  bool torn_ = false;                                // it ends with half an entry that could not be cut off
  std::vector<std::pair<std::string, int>> adopted_; // path, descriptor that holds the lock
};

// The uuid of an entry; "" if its body has none.
std::string uuid_of(const SpoolEntry& entry);

} // namespace talky::store
