#include "rtpdump/input.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "capture/unread.hpp"
#include "cli/exit_code.hpp"
#include "cli/main.hpp"

namespace talky::rtpdump {

namespace {

constexpr std::size_t kMaxKeyFile = 1 << 20;

void add_keys(const std::string& from, std::string_view text, std::vector<capture::SrtpKey>& keys) {
  const auto parsed = capture::parse_srtp_keys(text);
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

Reread::Reread(const std::string& path) : name_(path), path_(path) {
  if (path != "-") return;
  auto input = cli::check_input(file::Input::open(path), path);
  for (;;) {
    const Bytes block = cli::check_input(input.peek(1), path);
    if (block.empty()) break;
    cli::check_temporary(spool_.append(block));
    input.skip(block.size());
  }
  path_ = cli::check_temporary(spool_.name());
}

capture::Source Reread::open() const {
  return cli::check_input(capture::Source::open(path_), name_);
}

std::vector<capture::SrtpKey> given_keys(const Settings& settings) {
  std::vector<capture::SrtpKey> keys;
  if (!settings.srtp_key_file.empty()) {
    const auto text = file::read_whole(settings.srtp_key_file, kMaxKeyFile);
    if (!text && text.error().code == Errc::too_large)
      throw cli::Failure(cli::ExitCode::config, fmt::format("{}: more than 1 MiB", settings.srtp_key_file));
    if (!text)
      throw cli::Failure(cli::ExitCode::no_input,
                         fmt::format("{}: {}", settings.srtp_key_file, text.error().reason()));
    add_keys(settings.srtp_key_file, *text, keys);
  }
  for (const std::string& line : settings.srtp_keys)
    add_keys("TALKY_RTPDUMP_SRTP_KEY", line, keys);
  return keys;
}

void say_payload_types(const Settings& settings, capture::Analysis& analysis) {
  for (const std::string& text : settings.payload_types) {
    auto said = capture::parse_payload_type(text);
    if (!said) cli::fail_usage(fmt::format("--payload-type {}: expected {}", text, said.error().what));
    analysis.announcements.say(said->first, std::move(said->second));
  }
}

void report_remarks(const capture::Packets& packets, const capture::Analysis& analysis,
                    const std::string& name) {
  for (const std::string& line : capture::remarks(packets, analysis, cli::input_name(name)))
    cli::complain("talky-rtpdump", line);
}

void report_or_refuse(const capture::Packets& packets, const capture::Analysis& analysis,
                      const std::string& name) {
  const auto* counts = packets.source().counts();
  if (counts == nullptr || capture::any_read(*counts)) return report_remarks(packets, analysis, name);
  const auto lines =
      capture::unread_lines(*counts, packets.source().incomplete_fragments(), cli::input_name(name));
  throw cli::Failure(cli::ExitCode::failed, lines.front());
}

int outcome_of(const capture::Packets& packets, const std::string& name) {
  if (packets.damage()) cli::fail_input(name, *packets.damage());
  const auto* counts = packets.source().counts();
  return counts == nullptr || capture::any_read(*counts) ? 0 : static_cast<int>(cli::ExitCode::failed);
}

} // namespace talky::rtpdump
