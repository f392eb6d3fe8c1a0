#include "http/body.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/ascii.hpp"

namespace talky::http {
namespace {

Response not_modified(const Response& response) {
  Response out;
  out.status = 304;
  for (const auto& [name, value] : response.headers.fields()) {
    if (!ascii::iequals(name, "Content-Type")) out.headers.add(name, value);
  }
  return out;
}

} // namespace

Conditions Conditions::of(const Request& request) {
  const auto field = [&](std::string_view name) { return std::string(request.headers.get(name)); };
  Conditions out;
  out.is_get = request.method == Method::get;
  out.is_head = request.method == Method::head;
  out.if_none_match = field("If-None-Match");
  out.if_modified_since = field("If-Modified-Since");
  out.range = field("Range");
  out.if_range = field("If-Range");
  return out;
}

void Body::take(Response& response, const Conditions& conditions) {
  clear();
  if (response.file) take_file(response, conditions);
  const std::string etag(response.headers.get("ETag"));
  const bool reads = conditions.is_get || conditions.is_head;
  if (reads && response.status == 200 && !etag.empty() && etag_matches(conditions.if_none_match, etag)) {
    response = not_modified(response);
    clear();
  }
  const bool in_parts = !file_ && response.headers.get("Accept-Ranges") == "bytes";
  const auto part =
      in_parts ? take_range(response, conditions, response.body.size(), etag, {}) : std::nullopt;
  text_ = std::exchange(response.body, {});
  if (part) {
    text_.resize(static_cast<std::size_t>(part->last + 1));
    sent_ = static_cast<std::size_t>(part->first);
  }
}

void Body::clear() {
  text_.clear();
  sent_ = 0;
  file_.reset();
  file_offset_ = file_left_ = 0;
}

void Body::take_file(Response& response, const Conditions& conditions) {
  // Not blocking: what is opened may turn out to be a FIFO.
  net::Fd file(::open(response.file->path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    response = problem(404, "there is no such file");
    return;
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const std::string etag =
      fmt::format("\"{:x}-{:x}-{:x}\"", size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  const std::string changed = http_date(status.st_mtim.tv_sec);
  response.headers.add("ETag", etag);
  response.headers.add("Last-Modified", changed);
  response.headers.add("Accept-Ranges", "bytes");
  response.body.clear();
  const bool reads = conditions.is_get || conditions.is_head;
  if (reads && conditions.if_none_match.empty() &&
      parse_http_date(conditions.if_modified_since).value_or(-1) >= status.st_mtim.tv_sec) {
    response = not_modified(response);
    return;
  }
  file_left_ = size;
  if (const auto part = take_range(response, conditions, size, etag, changed)) {
    file_offset_ = part->first;
    file_left_ = part->last - part->first + 1;
  }
  if (response.status == 416) {
    file_left_ = 0;
    return;
  }
  file_ = std::move(file);
}

// Of a body of `size` bytes; the response becomes a 206 or a 416 where the request asks for a part of it.
std::optional<ByteRange> Body::take_range(Response& response, const Conditions& conditions,
                                          std::uint64_t size, std::string_view etag,
                                          std::string_view changed) {
  const bool same = conditions.if_range.empty() || conditions.if_range == etag ||
                    (!changed.empty() && conditions.if_range == changed);
  if (!conditions.is_get || !same || response.status != 200) return std::nullopt;
  if (etag_matches(conditions.if_none_match, etag)) return std::nullopt; // it becomes a 304
  const RangeChoice choice = choose_range(conditions.range, size);
  if (choice.unsatisfiable) {
    response = problem(416, "the file ends before this range");
    response.headers.add("Content-Range", fmt::format("bytes */{}", size));
  } else if (choice.range) {
    response.status = 206;
    response.headers.add("Content-Range",
                         fmt::format("bytes {}-{}/{}", choice.range->first, choice.range->last, size));
  }
  return choice.range;
}

bool Body::fill(std::string& out, std::size_t limit) {
  if (out.size() < limit && sent_ < text_.size()) {
    const std::size_t count = std::min(limit - out.size(), text_.size() - sent_);
    out.append(text_, sent_, count);
    sent_ += count;
  }
  while (file_left_ > 0 && out.size() < limit) {
    const std::size_t before = out.size();
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(file_left_, limit - before));
    out.resize(before + want);
    const ssize_t count = ::pread(file_.get(), out.data() + before, want, static_cast<off_t>(file_offset_));
    out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    file_offset_ += static_cast<std::uint64_t>(count);
    file_left_ -= static_cast<std::uint64_t>(count);
  }
  return true;
}

} // namespace talky::http
