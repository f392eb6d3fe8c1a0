#include "sipd/api/speaker.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "audio/frame.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t kMaxOutput =
    std::size_t{2} * audio::kBridgeRate * 125; // bytes: two minutes may wait in a call

} // namespace

void Speaker::speak(const std::string& text, const std::string& voice, Done done) {
  const auto refuse = [this, done](const char* why) {
    loop_.post([done, why] { done(tl::unexpected(std::string(why))); });
  };
  if (command_.empty()) return refuse("no --agent-command is set");
  if (runs_.size() >= kMaxAtOnce) return refuse("it speaks as many texts as it may already");
  std::vector<std::string> arguments{"say"};
  if (!voice.empty()) arguments.insert(arguments.end(), {"--voice", voice});
  arguments.emplace_back("-"); // what begins with a dash is no option
  const std::uint64_t id = ++last_;
  runs_.try_emplace(
      id, loop_, command_, std::move(arguments), kMaxOutput,
      [this, id, done = std::move(done)](const AgentRun::Result& result) {
        const auto node = runs_.extract(id); // it goes when all has been told
        audio::Samples samples = result.good ? pcm_of(result.output) : audio::Samples();
        if (!result.good) return done(tl::unexpected(result.how));
        if (samples.empty()) return done(tl::unexpected(std::string("it says nothing")));
        done(std::move(samples));
      },
      text);
}

} // namespace talky::sipd
