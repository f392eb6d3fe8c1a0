// What the command line asked to be read, and every fault of it as the program reports it.
#pragma once
#include <optional>
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

// Calls `receive` with each packet. Throws cli::Failure for a fault in the middle.
template <class Receive>
void for_each(capture::Packets& packets, const std::string& name, Receive&& receive) {
  for (file::Segment segment; cli::check_input(packets.next(segment), name);)
    receive(segment);
}

// As for_each, for what has its use up to the damage too: gives the fault, once a packet has come before it.
// (Not where it is the compression that is damaged: then nothing in it can be trusted.)
template <class Receive>
std::optional<Error> for_each_sound(capture::Packets& packets, const std::string& name, Receive&& receive) {
  bool any = false;
  for (file::Segment segment;;) {
    const auto more = packets.next(segment);
    const bool compressed = packets.source().compressed();
    if (!more && any && !compressed &&
        (more.error().code == Errc::malformed || more.error().code == Errc::too_large))
      return more.error();
    if (!cli::check_input(more, name)) return std::nullopt;
    any = true;
    receive(segment);
  }
}

// Reports on standard error that the capture was cut off, and what became of encrypted packets.
void report_remarks(const capture::Packets& packets, const std::string& name);

} // namespace talky::rtpdump
