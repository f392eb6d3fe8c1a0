// What the command line asked to be read, and every fault of it as the program reports it.
#pragma once
#include <string>
#include <vector>

#include "capture/packets.hpp"
#include "cli/failure.hpp"
#include "file/temporary_file.hpp"
#include "rtpdump/settings.hpp"

namespace talky::rtpdump {

// An input that can be read more than once: standard input is copied into a file that has no name. Throws
// cli::Failure.
class Reread {
 public:
  explicit Reread(const std::string& path);

  capture::Source open() const;

 private:
  std::string name_, path_;
  file::TemporaryFile spool_; // of standard input
};

// The keys of --srtp-key-file and of the environment. Throws cli::Failure; no message shows a key.
std::vector<capture::SrtpKey> given_keys(const Settings& settings);

// What --payload-type says. Throws cli::Failure.
void say_payload_types(const Settings& settings, capture::Analysis& analysis);

// Calls `receive` with each packet. Throws cli::Failure for a fault in the middle.
template <class Receive>
void for_each(capture::Packets& packets, const std::string& name, Receive&& receive) {
  for (file::Segment segment; cli::check_input(packets.next(segment), name);)
    receive(segment);
}

// Reports on standard error that the capture was cut off, that its clock has jumped, what of it was not read,
// and what became of encrypted packets.
void report_remarks(const capture::Packets& packets, const capture::Analysis& analysis,
                    const std::string& name);

// Where nothing of the capture could be read, and so nothing can be made of it: throws cli::Failure that says
// what there was. Else as report_remarks().
void report_or_refuse(const capture::Packets& packets, const capture::Analysis& analysis,
                      const std::string& name);

// The exit code of a pass that did its work: 1 where nothing of the capture could be read. Throws
// cli::Failure for a damaged record, behind which nothing was read.
int outcome_of(const capture::Packets& packets, const std::string& name);

} // namespace talky::rtpdump
