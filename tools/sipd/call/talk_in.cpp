#include "sipd/call/talk_in.hpp"

#include <utility>

#include "core/overloaded.hpp"

namespace talky::sipd {
namespace {

constexpr unsigned kReportEvery = 50; // ticks

} // namespace

TalkIn::TalkIn(PartLine line, Play play, Task gone)
    : line_(std::move(line)), play_(std::move(play)), gone_(std::move(gone)) {
  line_.to_call->open([this, alive = alive_](const FromPart& message, Time now) {
    if (*alive) received(message, now);
  });
}

TalkIn::~TalkIn() {
  *alive_ = false;
  line_.to_call->close();
}

void TalkIn::received(const FromPart& message, Time now) {
  std::visit(Overloaded{[this](const PartSound& m) { lost_ += play_(m.samples); },
                        [](const PartText&) {}, // there is nothing yet that they could say
                        [this](const PartAsk&) { line_.to_client->send(PartHere{}); },
                        [&](const PartGone&) {
                          if (gone_) std::exchange(gone_, nullptr)(now);
                        }},
             message);
}

void TalkIn::tick() {
  if (++ticks_ < kReportEvery || lost_ == 0) return;
  ticks_ = 0;
  line_.to_client->send(PartOverrun{std::exchange(lost_, 0)});
}

} // namespace talky::sipd
