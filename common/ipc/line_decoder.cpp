#include "ipc/control.hpp"

namespace talky::ipc {

void LineDecoder::feed(std::string_view bytes) {
  if (skipping_) { // nothing is kept of a line that was too long
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    skipping_ = false;
  }
  buffer_.append(bytes);
}

Result<bool> LineDecoder::next(std::string& line) {
  for (;;) {
    const std::size_t end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      if (buffer_.size() <= kMaxJson) return false;
      buffer_.clear();
      scanned_ = 0;
      skipping_ = true;
      return fail(Errc::too_large, kMaxJson, "a line of at most 65,535 bytes");
    }
    line.assign(buffer_, 0, end);
    buffer_.erase(0, end + 1);
    scanned_ = 0;
    if (line.size() > kMaxJson) return fail(Errc::too_large, kMaxJson, "a line of at most 65,535 bytes");
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) return true;
  }
}

} // namespace talky::ipc
