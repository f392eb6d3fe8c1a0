// The files of a call: their hashes, the mending of what a dead process left, and their removal.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.hpp"
#include "store/error.hpp"
#include "store/record.hpp"

namespace talky::store {

// Reads the whole file. Errors: away.
Outcome<RecordedFile> describe_file(std::string_view kind, const std::string& path);

// Cut off what was half written when the writer died: the last line of JSON lines, the last packet of a pcap
// (classic, as talky writes it). True: something was cut. Errors: away (also: it is no pcap).
Outcome<bool> mend_lines(const std::string& path);
Outcome<bool> mend_pcap(const std::string& path);

// "7" days, "500M", "10G", "1.5T" (powers of 1000; Ki, Mi, Gi of 1024): bytes. nullopt: neither.
std::optional<std::uint64_t> parse_size(std::string_view text);

// How long calls are kept.
struct Retention {
  std::uint64_t days = 0;  // 0: for ever. Then the row goes, with all that belongs to it
  std::uint64_t bytes = 0; // of all files in the folder; 0: no limit. Beyond it the files of the oldest calls
                           // go, their rows stay
  std::string folder;      // of the recordings; "": there are none

  bool wanted() const { return days > 0 || bytes > 0; }
};

struct Removed {
  std::int64_t calls = 0; // rows
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> failed; // files that could not be removed
};

// Removes from the database first, so that no row names a file that is gone (unless the disk is full). Only
// files that talky has named (UUID.wav, .pcap, .jsonl) are looked at, never those of a call that is `busy` or
// that another process is writing. `database` may be null.
Outcome<Removed> apply_retention(const Retention& retention, Database* database, std::int64_t now_ms,
                                 const std::function<bool(const std::string& uuid)>& busy);

} // namespace talky::store
