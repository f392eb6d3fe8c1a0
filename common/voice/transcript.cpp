// The fold over the journal: what was said and heard.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "voice/journal.hpp"

namespace talky::voice::journal {
// A synthesised sentence runs evenly enough for its characters to measure its time.
std::string heard_part(std::string_view text, Samples heard, Samples length) {
  if (heard <= 0 || length <= 0) return {};
  const auto share =
      static_cast<std::size_t>(static_cast<Samples>(text.size()) * std::min(heard, length) / length);
  if (share >= text.size()) return std::string(text);
  std::size_t end = share;
  if (text[end] != ' ') {
    const std::size_t space = text.substr(0, end).rfind(' ');
    if (space == std::string_view::npos) return {};
    end = space;
  }
  while (end > 0 && text[end - 1] == ' ')
    --end;
  return std::string(text.substr(0, end));
}

std::vector<Said> transcript(const std::vector<Entry>& entries) {
  // A sentence or a turn takes its place when it begins. A sentence has no text until it is known how much of
  // it was heard.
  struct Begun {
    std::size_t place;
    std::string_view text;
  };
  std::vector<Said> said;
  std::map<std::uint64_t, Begun> sentences;
  std::map<std::uint64_t, std::size_t> turns;
  for (const Entry& entry : entries) {
    if (const auto* turn = std::get_if<Turn>(&entry.what)) {
      turns[turn->turn] = said.size();
      said.push_back({Said::Who::caller, turn->begin, turn->text, false});
    } else if (const auto* reopened = std::get_if<TurnReopened>(&entry.what)) {
      if (const auto found = turns.find(reopened->turn); found != turns.end())
        said[found->second].text.clear();
    } else if (const auto* digits = std::get_if<Digits>(&entry.what)) {
      said.push_back({Said::Who::caller, entry.at, "[keys " + digits->digits + "]", false});
    } else if (const auto* begun = std::get_if<SentenceStart>(&entry.what)) {
      sentences[begun->sentence] = {said.size(), begun->text};
      said.push_back({Said::Who::agent, entry.at, {}, false});
    } else if (const auto* ended = std::get_if<SentenceEnd>(&entry.what)) {
      const auto found = sentences.find(ended->sentence);
      if (found == sentences.end()) continue;
      Said& sentence = said[found->second.place];
      sentence.text = ended->whole ? std::string(found->second.text)
                                   : heard_part(found->second.text, ended->heard, ended->length);
      sentence.cut = !ended->whole;
    }
  }
  std::erase_if(said, [](const Said& s) { return s.text.empty(); });
  return said;
}

std::string to_text(const std::vector<Said>& said) {
  std::string out;
  for (const Said& s : said) {
    out += fmt::format("{:7.2f} {:<7} {}{}\n", static_cast<double>(s.begin) / kSampleRate,
                       s.who == Said::Who::caller ? "caller:" : "agent:", s.text, s.cut ? " --" : "");
  }
  return out;
}

std::vector<LlmMessage> context(const std::vector<Entry>& entries, std::string_view system) {
  std::vector<LlmMessage> messages;
  if (!system.empty()) messages.push_back({LlmMessage::Role::system, std::string(system)});
  for (const Said& s : transcript(entries)) {
    const auto role = s.who == Said::Who::caller ? LlmMessage::Role::user : LlmMessage::Role::assistant;
    if (!messages.empty() && messages.back().role == role) {
      messages.back().text += ' ' + s.text;
    } else {
      messages.push_back({role, s.text});
    }
    if (s.cut) messages.back().text += " --";
  }
  return messages;
}

} // namespace talky::voice::journal
