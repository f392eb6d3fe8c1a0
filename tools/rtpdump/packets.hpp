// The packets of what is read, decrypted where there is a key, with every fault told as the program tells it.
#pragma once
#include <cstdio>
#include <string>
#include <vector>

#include "capture/source.hpp"
#include "capture/srtp.hpp"
#include "rtpdump/settings.hpp"

namespace talky::rtpdump {

// An input that can be read more than once: standard input is copied into a file that has no name. Throws
// cli::Failure.
class Reread {
 public:
  explicit Reread(const std::string& path);
  ~Reread();
  Reread(const Reread&) = delete;
  Reread& operator=(const Reread&) = delete;

  Source open() const;

 private:
  std::string path_;
  std::FILE* spool_ = nullptr;
};

Source open_source(const std::string& path);

// The keys of --srtp-key-file and of the environment. Throws cli::Failure; no message shows a key.
std::vector<SrtpKey> given_keys(const Settings& settings);

// One pass. `announcements` are those of the analysis that the packets go to: keys of SDP come from there.
class Packets {
 public:
  // `path` is for messages. The keys: those given, or what an earlier pass knew.
  Packets(Source source, std::string path, std::vector<SrtpKey> keys, const Announcements& announcements);

  // The next packet; false at the end. Throws cli::Failure for a fault in the middle (data, io, no_input).
  bool next(file::Segment& segment);
  template <class Receive>
  void for_each(Receive&& receive) {
    for (file::Segment segment; next(segment);)
      receive(segment);
  }

  const Source& source() const { return source_; }
  const SrtpDecryptor& srtp() const { return srtp_; }
  // Says on standard error that the capture was cut off, and what became of encrypted packets.
  void tell() const;

 private:
  Source source_;
  std::string path_;
  SrtpDecryptor srtp_;
};

// One line for what was decrypted in all, and one for each flow with packets that were not authentic; none
// where there was nothing to decrypt.
std::vector<std::string> srtp_summary(const std::vector<SrtpFlow>& flows);

} // namespace talky::rtpdump
