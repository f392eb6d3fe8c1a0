#include <fmt/format.h>

#include <unordered_set>

#include "capture/analysis.hpp"
#include "capture/schedule.hpp"
#include "cli/exit_code.hpp"
#include "cli/main.hpp"
#include "passes.hpp"
#include "play.hpp"
#include "rtpdump/input.hpp"

namespace talky::rtpdump {

namespace {

constexpr std::int64_t kGapNs = 20'000'000; // between two rounds

// One reading of the recording, from `base_ns` on. False if it was stopped.
class Round {
 public:
  Round(const capture::Analysis& analysis, const Filter& filter, capture::Schedule::Timing timing,
        bool renumber, capture::Renumber& numbers, Player& player)
      : analysis_(analysis),
        filter_(filter),
        schedule_(timing),
        renumber_(renumber),
        numbers_(numbers),
        player_(player) {}

  bool play(capture::Packets& packets, const std::string& name, std::int64_t base_ns) {
    base_ns_ = base_ns;
    for (file::Segment segment; cli::check_input(packets.next(segment), name);) {
      add(segment);
      if (!send()) return false;
    }
    schedule_.end();
    return send();
  }
  std::int64_t end_ns() const { return end_ns_; }

 private:
  void add(const file::Segment& segment) {
    rtp::Header header;
    Bytes payload;
    const capture::Stream* stream = analysis_.streams.find(segment, header, payload);
    if (stream == nullptr) {
      // RTCP of those that are played, told by its sender.
      if (segment.transport != file::Transport::udp || !capture::is_rtcp(segment.payload)) return;
      Reader reader(segment.payload.subspan(4));
      if (!first_ns_ || !played_.contains(reader.u32().value_or(0))) return;
      schedule_.add(analysis_.timeline.place(segment.time_ns) - *first_ns_, nullptr, header, 0, false,
                    segment.payload);
      return;
    }
    if (!filter_(segment, header, payload, *stream, analysis_)) return;
    if (!first_ns_) first_ns_ = analysis_.timeline.place(segment.time_ns);
    played_.insert(header.ssrc);
    const capture::Format* format = stream->format_of(header.payload_type);
    const std::uint32_t rate = format != nullptr ? format->clock_rate : stream->format().clock_rate;
    const bool event = format != nullptr && format->telephone_event;
    Bytes packet = segment.payload;
    if (renumber_) {
      copy_.assign(packet.begin(), packet.end());
      numbers_.apply(stream, copy_);
      packet = copy_;
    }
    schedule_.add(analysis_.timeline.place(segment.time_ns) - *first_ns_, stream, header, rate, !event,
                  packet);
  }

  bool send() {
    while (const auto item = schedule_.next()) {
      end_ns_ = std::max(end_ns_, base_ns_ + item->due_ns);
      if (!player_.send(base_ns_ + item->due_ns, item->rtcp, item->bytes)) return false;
    }
    return true;
  }

  const capture::Analysis& analysis_;
  const Filter& filter_;
  capture::Schedule schedule_;
  bool renumber_;
  capture::Renumber& numbers_;
  Player& player_;
  std::int64_t base_ns_ = 0, end_ns_ = 0;
  std::optional<std::int64_t> first_ns_;
  std::unordered_set<std::uint32_t> played_;
  std::vector<std::byte> copy_;
};

} // namespace

int play(const Settings& settings, const Filter& filter) {
  PlayOptions options;
  options.to = play_target(settings.play);
  options.speed = play_speed(settings.speed);
  const auto timing =
      settings.timing == "rtp" ? capture::Schedule::Timing::timestamps : capture::Schedule::Timing::capture;
  const Reread input(settings.read);
  capture::Analysis analysis;
  say_payload_types(settings, analysis);
  capture::Packets first(input.open(), given_keys(settings), analysis);
  for_each(first, settings.read, [&](const file::Segment& segment) { analysis.add(segment); });
  report_or_refuse(first, analysis, settings.read);
  if (analysis.streams.streams().empty())
    throw cli::Failure(cli::ExitCode::failed, fmt::format("{}: there is no RTP to play", settings.read));

  Player player(options);
  capture::Renumber numbers;
  std::int64_t base_ns = 0;
  for (std::uint64_t n = 0; settings.loop == 0 || n < settings.loop; ++n) {
    if (n > 0) numbers.next_round();
    Round round(analysis, filter, timing, settings.loop != 1, numbers, player);
    capture::Packets packets(input.open(), first.srtp().keys(), analysis);
    const bool whole = round.play(packets, settings.read, base_ns);
    if (!whole) break;
    base_ns = round.end_ns() + kGapNs;
  }
  const Player::Summary summary = player.finish();
  std::string line = fmt::format("sent {} RTP and {} RTCP packets to {} in {:.3f} s", summary.rtp,
                                 summary.rtcp, options.to.to_string(), summary.seconds);
  if (options.speed > 0)
    line +=
        fmt::format("; late by {:.0f} us at the median, {:.0f} us at the 99th percentile, {:.0f} us at most",
                    summary.late_median_us, summary.late_p99_us, summary.late_max_us);
  if (summary.failed > 0) line += fmt::format("; {} were refused by the system", summary.failed);
  if (summary.stopped) line += "; stopped by a signal";
  cli::complain("talky-rtpdump", line);
  if (summary.rtp + summary.rtcp == 0) throw cli::Failure(cli::ExitCode::failed, "no packet was selected");
  return summary.failed > 0 ? static_cast<int>(cli::ExitCode::io) : outcome_of(first, settings.read);
}

} // namespace talky::rtpdump
