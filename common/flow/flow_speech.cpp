// The sentences of a flow: variants, variables, and how values are said.
#include <utility>

#include "core/ascii.hpp"
#include "flow/flow_dialogue.hpp"

namespace talky::flow {

// Variants whose condition holds go before those without one.
std::string FlowDialogue::say(const Prompt& prompt, Random& random) const {
  std::vector<const Prompt::Variant*> fit;
  for (const bool conditional : {true, false}) {
    for (const Prompt::Variant& variant : prompt.variants) {
      if (variant.condition.has_value() != conditional) continue;
      if (conditional && !variant.condition->holds([this](std::string_view name) { return value(name); }))
        continue;
      fit.push_back(&variant);
    }
    if (!fit.empty()) break;
  }
  if (fit.empty()) return {};
  return render(fit[static_cast<std::size_t>(random.below(fit.size()))]->text, false);
}

std::string FlowDialogue::render(const Template& text, bool raw) const {
  std::string out;
  for (const Template::Part& part : text.parts) {
    if (!part.variable) {
      out += part.text;
    } else {
      out += raw ? value(part.text) : spoken_of(part);
    }
  }
  return std::string(ascii::trim(out));
}

std::string FlowDialogue::render_raw(std::string_view text) const {
  const auto parsed = parse_template(text);
  return parsed ? render(*parsed, true) : std::string(text);
}

voice::Reply::Action FlowDialogue::render(const voice::Reply::Action& action) const {
  if (const auto* transfer = std::get_if<voice::Reply::Transfer>(&action))
    return voice::Reply::Transfer{render_raw(transfer->target)};
  if (const auto* digits = std::get_if<voice::Reply::SendDigits>(&action))
    return voice::Reply::SendDigits{render_raw(digits->digits)};
  return action;
}

void FlowDialogue::apply(const Rule& rule) {
  for (const auto& [name, text] : rule.set)
    variables_[name] = render(text, true);
  for (const std::string& name : rule.clear)
    variables_.erase(name);
}

std::string FlowDialogue::value(std::string_view name) const {
  if (name == "tries") return std::to_string(tries_);
  if (const auto found = variables_.find(name); found != variables_.end()) return found->second;
  const auto constant = model_.values.find(std::string(name));
  return constant == model_.values.end() ? std::string() : constant->second;
}

std::string FlowDialogue::spoken_of(const Template::Part& part) const {
  std::string text = value(part.text);
  if (part.form == "raw") return text;
  if (part.form == "weekday") {
    const auto date = language::date_from_iso(text);
    return date ? std::string(language::weekday_name(language::weekday(*date))) : text;
  }
  Slot slot;
  if (part.form == "digits") {
    slot.type = Slot::Type::digits;
  } else if (part.text == "today") {
    slot.type = Slot::Type::date;
  } else if (part.text == "now") {
    slot.type = Slot::Type::time;
  } else if (const Slot* known = model_.slot(part.text)) {
    return spoken_value(*known, text, today());
  } else {
    return text;
  }
  return spoken_value(slot, text, today());
}

} // namespace talky::flow
