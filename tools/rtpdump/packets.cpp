#include "rtpdump/packets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "cli/exit_code.hpp"
#include "cli/main.hpp"

namespace talky::rtpdump {

namespace {

constexpr std::size_t kMaxKeyFile = 1 << 20;

[[noreturn]] void refuse(const std::string& path, const Error& error) {
  const std::string name = path == "-" ? "standard input" : path;
  if (error.code == Errc::io || (error.code == Errc::unsupported && errno == EISDIR)) {
    throw cli::Failure(
        error.code == Errc::io && error.offset > 0 ? cli::ExitCode::io : cli::ExitCode::no_input,
        fmt::format("{}: {}", name, std::strerror(errno)));
  }
  throw cli::Failure(cli::ExitCode::data,
                     fmt::format("{}: at byte {}: expected {}", name, error.offset, error.what));
}

void add_keys(const std::string& from, std::string_view text, std::vector<SrtpKey>& keys) {
  const auto parsed = parse_srtp_keys(text);
  if (!parsed) {
    const auto line =
        1 +
        std::count(text.begin(),
                   text.begin() + static_cast<std::ptrdiff_t>(std::min(parsed.error().offset, text.size())),
                   '\n');
    throw cli::Failure(cli::ExitCode::config,
                       fmt::format("{}: in line {}: expected {}", from, line, parsed.error().what));
  }
  keys.insert(keys.end(), parsed->begin(), parsed->end());
}

} // namespace

Source open_source(const std::string& path) {
  auto source = Source::open(path);
  if (!source) refuse(path, source.error());
  return std::move(*source);
}

Reread::Reread(const std::string& path) : path_(path) {
  if (path != "-") return;
  spool_ = std::tmpfile();
  if (spool_ == nullptr) throw cli::Failure(cli::ExitCode::cannot_create, "no room for a temporary file");
  char block[65536];
  while (const std::size_t count = std::fread(block, 1, sizeof block, stdin)) {
    if (std::fwrite(block, 1, count, spool_) != count)
      throw cli::Failure(cli::ExitCode::io, "no room for a temporary file");
  }
  if (std::ferror(stdin) != 0)
    throw cli::Failure(cli::ExitCode::no_input, fmt::format("standard input: {}", std::strerror(errno)));
  if (std::fflush(spool_) != 0) throw cli::Failure(cli::ExitCode::io, "no room for a temporary file");
}

Reread::~Reread() {
  if (spool_ != nullptr) std::fclose(spool_);
}

Source Reread::open() const {
  return open_source(spool_ == nullptr ? path_ : fmt::format("/dev/fd/{}", ::fileno(spool_)));
}

std::vector<SrtpKey> given_keys(const Settings& settings) {
  std::vector<SrtpKey> keys;
  if (!settings.srtp_key_file.empty()) {
    std::ifstream file(settings.srtp_key_file, std::ios::binary);
    std::string text(kMaxKeyFile + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad()) {
      throw cli::Failure(cli::ExitCode::no_input,
                         fmt::format("{}: {}", settings.srtp_key_file, std::strerror(errno)));
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxKeyFile)
      throw cli::Failure(cli::ExitCode::config, fmt::format("{}: more than 1 MiB", settings.srtp_key_file));
    add_keys(settings.srtp_key_file, text, keys);
  }
  for (const std::string& line : settings.srtp_keys)
    add_keys("TALKY_RTPDUMP_SRTP_KEY", line, keys);
  return keys;
}

Packets::Packets(Source source, std::string path, std::vector<SrtpKey> keys,
                 const Announcements& announcements)
    : source_(std::move(source)), path_(std::move(path)), srtp_(std::move(keys), announcements) {}

bool Packets::next(file::Segment& segment) {
  for (;;) {
    const auto more = source_.next(segment);
    if (!more) refuse(path_, more.error());
    if (!*more) return false;
    if (srtp_.idle() || srtp_.open(segment)) return true;
  }
}

void Packets::tell() const {
  if (source_.truncated()) {
    cli::complain("talky-rtpdump",
                  fmt::format("{}: the capture is cut off at byte {}; what came before it is used",
                              path_ == "-" ? "standard input" : path_, source_.offset()));
  }
  for (const std::string& line : srtp_summary(srtp_.flows()))
    cli::complain("talky-rtpdump", line);
}

std::vector<std::string> srtp_summary(const std::vector<SrtpFlow>& flows) {
  std::vector<std::string> lines;
  std::size_t streams = 0;
  std::uint64_t packets = 0;
  std::uint64_t control = 0;
  std::uint64_t failed = 0;
  for (const SrtpFlow& flow : flows) {
    streams += flow.rtcp ? 0 : 1;
    (flow.rtcp ? control : packets) += flow.decrypted;
    failed += flow.failed;
  }
  if (flows.empty()) return lines;
  lines.push_back(
      fmt::format("SRTP: {} packets of {} streams and {} of RTCP decrypted, {} were not authentic", packets,
                  streams, control, failed));
  for (const SrtpFlow& flow : flows) {
    if (flow.failed == 0) continue;
    lines.push_back(fmt::format("SRTP: {} to {}, {}0x{:08x}, {}: {} of {} packets were not authentic",
                                flow.from.to_string(), flow.to.to_string(), flow.rtcp ? "RTCP of " : "",
                                flow.ssrc, info(flow.suite).name, flow.failed, flow.failed + flow.decrypted));
  }
  return lines;
}

} // namespace talky::rtpdump
