#include "captions.hpp"

#include <utility>
#include <variant>

namespace talky::agent {
namespace journal = voice::journal;

std::optional<ipc::FromAgent> Captions::show(const journal::Entry& entry) {
  using Side = ipc::Caption::Side;
  const auto* what = &entry.what;
  if (std::holds_alternative<journal::SpeechStart>(*what)) return ipc::SpeechActive{true};
  if (std::holds_alternative<journal::SpeechEnd>(*what)) return ipc::SpeechActive{false};
  if (const auto* turn = std::get_if<journal::Turn>(what))
    return ipc::Caption{Side::caller, turn->turn, 0, turn->text, true};
  if (const auto* reopened = std::get_if<journal::TurnReopened>(what))
    return ipc::Caption{Side::caller, reopened->turn, 0, "", false};
  if (const auto* answer = std::get_if<journal::Answer>(what)) {
    turn_ = answer->turn;
  } else if (std::holds_alternative<journal::Prompt>(*what)) {
    turn_ = 0;
  } else if (const auto* begun = std::get_if<journal::SentenceStart>(what)) {
    spoken_[begun->sentence] = {turn_, begun->text};
    return ipc::Caption{Side::agent, turn_, begun->sentence, begun->text, true};
  } else if (const auto* ended = std::get_if<journal::SentenceEnd>(what)) {
    auto node = spoken_.extract(ended->sentence);
    if (node.empty()) return std::nullopt;
    Spoken& spoken = node.mapped();
    std::string heard =
        ended->whole ? std::move(spoken.text) : journal::heard_part(spoken.text, ended->heard, ended->length);
    return ipc::HeardPart{spoken.turn, ended->sentence, std::move(heard), ended->whole};
  }
  return std::nullopt;
}

} // namespace talky::agent
