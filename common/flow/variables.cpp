#include "flow/variables.hpp"

#include <utility>
#include <vector>

#include "core/ascii.hpp"

namespace talky::flow {
namespace {

// What "anna" in <sip:anna@host> or +49 30 1234 is called.
std::string user_of(std::string_view uri) {
  const std::size_t scheme = uri.find(':');
  const std::size_t at = uri.find('@');
  if (at == std::string_view::npos)
    return std::string(uri.substr(scheme == std::string_view::npos ? 0 : scheme + 1));
  const std::size_t begin = scheme == std::string_view::npos || scheme > at ? 0 : scheme + 1;
  return std::string(uri.substr(begin, at - begin));
}

} // namespace

void Variables::start(const voice::in::Start& start) {
  moment_ = start.moment;
  set("caller", user_of(start.from));
  set("called", user_of(start.to));
  set("today", language::to_iso(today()));
  set("now", language::to_iso(language::TimeOfDay{moment_.hour, moment_.minute}));
}

void Variables::set(std::string_view name, std::string value) {
  // Days stay: if Sunday of "next weekend" cannot be had, "Saturday" is that one's.
  if (const auto hint = hints_.find(name); hint != hints_.end() && !hint->second.days) hints_.erase(hint);
  values_.insert_or_assign(std::string(name), std::move(value));
}

void Variables::set_hint(std::string_view slot, Hint hint) {
  hints_.insert_or_assign(std::string(slot), std::move(hint));
}

std::vector<SlotState> Variables::slot_states() const {
  std::vector<SlotState> out;
  for (const Slot& slot : model_.slots) {
    const auto hint = hints_.find(slot.name);
    out.push_back({value(slot.name), hint == hints_.end() ? Hint{} : hint->second});
  }
  return out;
}

bool Variables::holds(const Expression& condition) const {
  return condition.holds([this](std::string_view name) { return value(name); });
}

std::string Variables::say(const Prompt& prompt, Random& random) const {
  std::vector<const Prompt::Variant*> fit;
  for (const bool conditional : {true, false}) {
    for (const Prompt::Variant& variant : prompt.variants) {
      if (variant.condition.has_value() != conditional) continue;
      if (conditional && !holds(*variant.condition)) continue;
      fit.push_back(&variant);
    }
    if (!fit.empty()) break;
  }
  if (fit.empty()) return {};
  return render(fit[static_cast<std::size_t>(random.below(fit.size()))]->text, false);
}

std::string Variables::render(const Template& text, bool raw) const {
  std::string out;
  for (const Template::Part& part : text.parts) {
    if (!part.variable) {
      out += part.text;
    } else {
      out += raw ? value(part.text) : spoken(part);
    }
  }
  return std::string(ascii::trim(out));
}

std::string Variables::render_raw(std::string_view text) const {
  const auto parsed = parse_template(text);
  return parsed ? render(*parsed, true) : std::string(text);
}

voice::Reply::Action Variables::render(const voice::Reply::Action& action) const {
  if (const auto* transfer = std::get_if<voice::Reply::Transfer>(&action))
    return voice::Reply::Transfer{render_raw(transfer->target)};
  if (const auto* digits = std::get_if<voice::Reply::SendDigits>(&action))
    return voice::Reply::SendDigits{render_raw(digits->digits)};
  return action;
}

void Variables::apply(const Rule& rule) {
  for (const auto& [name, text] : rule.set)
    set(name, render(text, true));
  for (const std::string& name : rule.clear)
    values_.erase(name);
}

std::string Variables::value(std::string_view name) const {
  if (name == "tries") return std::to_string(tries_);
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  if (name.ends_with(kHintSuffix)) {
    const auto hint = hints_.find(name.substr(0, name.size() - kHintSuffix.size()));
    if (hint != hints_.end()) return hint->second.text;
  }
  const auto constant = model_.values.find(std::string(name));
  return constant == model_.values.end() ? std::string() : constant->second;
}

std::string Variables::spoken(const Template::Part& part) const {
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
