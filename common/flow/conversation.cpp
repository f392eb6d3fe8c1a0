#include "flow/conversation.hpp"

#include <utility>

#include "core/ascii.hpp"

namespace talky::flow {

Conversation::Conversation(std::shared_ptr<const Flow> flow, const Setting& setting)
    : silence_prompts_(setting.silence_prompts),
      random_(setting.seed),
      dialogue_(make_dialogue(std::move(flow))) {
  voice::in::Start start;
  start.from = setting.from;
  start.to = setting.to;
  start.moment = setting.moment;
  reply_ = dialogue_->start(start, random_);
}

voice::Heard Conversation::heard(std::string_view text) {
  text = ascii::trim(text);
  if (text == "...") return voice::Silence{silences_ + 1, silences_ >= silence_prompts_};
  if (text == "!") return voice::Trouble{};
  if (text.starts_with('#')) return voice::Digits{std::string(text.substr(1))};
  return voice::Utterance{std::string(text), 1.0F};
}

const voice::Reply& Conversation::line(std::string_view text) {
  const voice::Heard what = heard(text);
  silences_ = std::holds_alternative<voice::Silence>(what) ? silences_ + 1 : 0;
  return reply_ = dialogue_->answer(what, random_);
}

bool Conversation::ended() const {
  return std::holds_alternative<voice::Reply::Hangup>(reply_.action) ||
         std::holds_alternative<voice::Reply::Transfer>(reply_.action);
}

std::string action_text(const voice::Reply::Action& action) {
  if (const auto* hangup = std::get_if<voice::Reply::Hangup>(&action)) return "hangup " + hangup->reason;
  if (const auto* transfer = std::get_if<voice::Reply::Transfer>(&action))
    return "transfer " + transfer->target;
  if (const auto* digits = std::get_if<voice::Reply::SendDigits>(&action)) return "dtmf " + digits->digits;
  return {};
}

} // namespace talky::flow
