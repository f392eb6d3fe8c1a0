#include "sipd/agent/spoken.hpp"

#include <utility>
#include <vector>

#include "audio/frame.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t kRate = audio::kBridgeRate;
constexpr std::size_t kMaxOutput = 2 * kRate * 20; // bytes

} // namespace

SpokenSentence::SpokenSentence(net::Loop& loop, std::string command, std::string text, audio::Samples instead,
                               std::string event, log::Sink log)
    : loop_(loop),
      command_(std::move(command)),
      text_(std::move(text)),
      event_(std::move(event)),
      log_(std::move(log)),
      samples_(std::make_shared<audio::Samples>(std::move(instead))) {}

void SpokenSentence::wanted() {
  if (command_.empty() || asked_.exchange(true)) return;
  loop_.post([this] { ask(); });
}

void SpokenSentence::ask() {
  run_.emplace(loop_, command_, std::vector<std::string>{"say", text_}, kMaxOutput,
               [this](const AgentRun::Result& said) {
                 audio::Samples samples = pcm_of(said.output);
                 const bool usable = said.good && samples.size() > kRate / 2;
                 log_(usable ? log::Level::debug : log::Level::warn,
                      log::Line(event_).add("spoken", usable).add("how", said.how).str());
                 if (usable) {
                   const std::lock_guard lock(mutex_);
                   samples_ = std::make_shared<audio::Samples>(std::move(samples));
                 } else {
                   asked_ = false;
                 }
                 run_.reset();
               });
}

std::shared_ptr<const audio::Samples> SpokenSentence::samples() const {
  const std::lock_guard lock(mutex_);
  return samples_;
}

} // namespace talky::sipd
