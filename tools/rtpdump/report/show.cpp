#include "rtpdump/report/show.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "cli/exit_code.hpp"
#include "cli/main.hpp"
#include "json/json.hpp"
#include "rtpdump/report/report.hpp"

namespace talky::rtpdump {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void show(const Settings& settings, const capture::Analysis& analysis, const Shown& how) {
  if (settings.json) {
    print(json::pretty(to_json(analysis, {how.name, how.truncated, how.srtp})));
  } else if (!settings.ladder.empty()) {
    const std::string text = call_ladder(analysis, settings.ladder);
    if (text.empty())
      throw cli::Failure(cli::ExitCode::failed, fmt::format("no call has the Call-ID {}", settings.ladder));
    print(text);
  } else if (settings.calls) {
    print(settings.csv ? call_csv(analysis) : call_table(analysis));
  } else if (settings.dtmf) {
    print(settings.csv ? digit_csv(analysis) : digit_table(analysis));
  } else if (settings.rtcp) {
    print(settings.csv ? rtcp_csv(analysis) : rtcp_table(analysis));
  } else {
    print(settings.csv ? stream_csv(analysis) : stream_table(analysis, settings.wide));
  }
}

void tell_crowd(const capture::StreamTable& streams) {
  const capture::Crowd crowd = streams.crowd();
  if (crowd.packets > 0) {
    cli::complain(
        "talky-rtpdump",
        fmt::format("{} streams began while more than {} others were not sure to be any: the first {} "
                    "of their packets are not counted",
                    crowd.streams, capture::StreamTable::kMaxCandidates, crowd.packets));
  }
  if (crowd.beyond > 0) {
    cli::complain("talky-rtpdump",
                  fmt::format("there are more than {} streams: {} packets of others are not counted",
                              capture::StreamTable::kMaxStreams, crowd.beyond));
  }
}

} // namespace talky::rtpdump
