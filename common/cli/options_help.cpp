// --help and the completion scripts, made from the option table.
#include <fmt/format.h>
#include <algorithm>

#include "cli/item.hpp"
#include "cli/options.hpp"

namespace talky::cli {
namespace {

constexpr std::size_t help_column = 30;
constexpr std::size_t width = 100;

// `left` in its column, `text` wrapped beside it.
std::string row(const std::string& left, const std::string& text) {
  std::string out = "  " + left;
  std::size_t column = out.size();
  if (column + 2 > help_column && !text.empty()) {
    out += '\n';
    column = 0;
  }
  out.append(help_column - std::min(column, help_column), ' ');
  column = help_column;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t length = end - at;
    if (column + length + 1 > width && column > help_column) {
      out += '\n';
      out.append(help_column, ' ');
      column = help_column;
    }
    if (column > help_column) {
      out += ' ';
      ++column;
    }
    out.append(text, at, length);
    column += length;
    at = end + 1;
  }
  return out + "\n";
}

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

} // namespace

bool Options::shown(const Item& item, std::string_view command, Detail detail) const {
  return !item.positional && !item.is_hidden && item.command == command &&
         (detail == Detail::all || !item.is_rare);
}

// The flags of a command, or of all of them, under their headings.
std::string Options::options_help(std::string_view command, Detail detail) const {
  std::string out;
  std::string group;
  for (const auto& item : items_) {
    if (!shown(*item, command, detail)) continue;
    if (item->group != group) {
      group = item->group;
      out += fmt::format("\n{}:\n", group);
    }
    std::string left = item->alias ? fmt::format("-{}, ", item->alias) : "    ";
    if (item->is_secret) {
      left = "    " + environment_name(tool_, item->name);
    } else {
      const bool is_on = item->is_switch() && item->get().front() == "true";
      left += (is_on ? "--no-" : "--") + item->name + (item->metavar.empty() ? "" : " " + item->metavar);
    }
    std::string text = item->help;
    const std::vector<std::string> values = item->get();
    const bool tell = !item->is_switch() && !item->is_secret && values.size() == 1 && !values.front().empty();
    if (tell && item->source == Source::standard) text += fmt::format(" [{}]", values.front());
    out += row(left, text);
  }
  return out;
}

// Of a command with flags of its own: these alone, and where the others are told.
std::string Options::command_help(const std::string& command) const {
  const auto found =
      std::find_if(commands_.begin(), commands_.end(), [&](const Command& c) { return c.name == command; });
  std::string out = fmt::format("talky-{} {}: {}\n\n", tool_, command, found->help);
  out += fmt::format("Usage: talky-{} [OPTION]... {}", tool_, command);
  for (const auto& item : items_) {
    if (item->positional && item->command == command)
      out += (item->required ? " " : " [") + item->name + (item->list ? "..." : "") +
             (item->required ? "" : "]");
  }
  out += "\n" + options_help(command, Detail::all);
  out += fmt::format("\nThe options of talky-{} --help count too.\n", tool_);
  if (!found->examples.empty()) out += "\nExamples:\n";
  for (const Example& example : found->examples)
    out += fmt::format("  {}\n      {}\n", example.line, example.meaning);
  return out;
}

std::string Options::help_text(Detail detail) const {
  std::string out = fmt::format("talky-{}: {}\n\n", tool_, summary_);
  std::string usage = fmt::format("Usage: talky-{} [OPTION]...", tool_);
  for (const auto& item : items_) {
    if (!item->positional || !item->command.empty()) continue;
    const std::string name = item->name + (item->list ? "..." : "");
    usage += item->required ? " " + name : " [" + name + "]";
  }
  out += usage + "\n";
  for (const Command& command : commands_) {
    std::string line = fmt::format("       talky-{} {}", tool_, command.name);
    for (const auto& item : items_) {
      if (!item->positional || item->command != command.name) continue;
      const std::string name = item->name + (item->list ? "..." : "");
      line += item->required ? " " + name : " [" + name + "]";
    }
    out += line + "\n";
  }
  if (!commands_.empty()) {
    out += "\nCommands:\n";
    for (const Command& command : commands_)
      out += row(command.name, command.help);
  }
  const auto rare = std::count_if(items_.begin(), items_.end(), [&](const auto& item) {
    return shown(*item, "", Detail::all) && !shown(*item, "", detail);
  });
  const bool whole = rare == 0 || detail == Detail::all;
  bool heading = false;
  for (const auto& item : items_) {
    if (!item->positional || (!whole && !item->command.empty())) continue;
    if (!heading) out += "\nArguments:\n";
    heading = true;
    out += row(item->name, item->help);
  }
  out += options_help("", detail);
  out += "\nGeneral:\n";
  if (has_config_) {
    out +=
        row("    --config FILE", fmt::format("YAML: the long options above as keys; each is also a variable "
                                             "TALKY_{}_...",
                                             environment_name(tool_, "").substr(6, tool_.size())));
    out += row("    --check-config", "check the settings and exit");
    out += row("    --print-config", "print the settings that hold as YAML and exit");
  }
  if (whole) out += row("    --completion SHELL", "print a completion script for bash, zsh or fish");
  out += row("-h, --help", "print this");
  if (rare > 0)
    out += row("    --help-all", fmt::format("print it with {} more option{}", rare, rare == 1 ? "" : "s"));
  out += row("    --version", "print the version");
  if (!footer_.empty()) out += "\n" + footer_ + "\n";
  if (!examples_.empty()) out += "\nExamples:\n";
  for (const Example& example : examples_)
    out += fmt::format("  {}\n      {}\n", example.line, example.meaning);
  return out;
}

std::string Options::completion(std::string_view shell) const {
  struct Row {
    std::string name, help;
    char alias;
    bool takes_value;
    Item::Completes completes;
    std::vector<std::string> choices;
  };
  std::vector<Row> rows;
  for (const auto& item : items_) {
    if (item->positional || item->is_hidden || item->is_secret) continue;
    const bool is_on = item->is_switch() && item->get().front() == "true";
    rows.push_back({(is_on ? "no-" : "") + item->name, item->help, item->alias, !item->is_switch(),
                    item->completes, item->choices});
  }
  if (has_config_) {
    rows.push_back({"config", "YAML file", 0, true, Item::Completes::files, {}});
    rows.push_back({"check-config", "check the settings and exit", 0, false, Item::Completes::nothing, {}});
    rows.push_back({"print-config", "print the settings and exit", 0, false, Item::Completes::nothing, {}});
  }
  rows.push_back({"completion",
                  "print a completion script",
                  0,
                  true,
                  Item::Completes::nothing,
                  {"bash", "zsh", "fish"}});
  rows.push_back({"help", "print the help", 'h', false, Item::Completes::nothing, {}});
  rows.push_back({"help-all", "print the help with every option", 0, false, Item::Completes::nothing, {}});
  rows.push_back({"version", "print the version", 0, false, Item::Completes::nothing, {}});

  const std::string tool = "talky-" + tool_;
  const auto words = [](const std::vector<std::string>& list) {
    std::string out;
    for (const std::string& word : list)
      out += (out.empty() ? "" : " ") + word;
    return out;
  };
  std::string out;
  if (shell == "bash") {
    const std::string function = "_talky_" + tool_;
    std::string flags;
    std::string cases;
    for (const Row& r : rows) {
      flags += " --" + r.name;
      if (!r.takes_value) continue;
      const std::string reply = !r.choices.empty() ? "-W " + single_quoted(words(r.choices))
                                : r.completes == Item::Completes::directories ? "-d"
                                : r.completes == Item::Completes::files       ? "-f"
                                                                              : "-W ''";
      cases += fmt::format("    --{}{}) COMPREPLY=($(compgen {} -- \"$word\")); return ;;\n", r.name,
                           r.alias ? fmt::format("|-{}", r.alias) : "", reply);
    }
    std::string names;
    for (const Command& command : commands_)
      names += command.name + " ";
    out = fmt::format(
        "{0}() {{\n  local word=${{COMP_WORDS[COMP_CWORD]}} last=${{COMP_WORDS[COMP_CWORD-1]}}\n  case $last "
        "in\n"
        "{1}  esac\n  if [[ $word == -* ]]; then\n    COMPREPLY=($(compgen -W '{2}' -- \"$word\"))\n"
        "  else\n    COMPREPLY=($(compgen -W '{3}' -- \"$word\") $(compgen -f -- \"$word\"))\n  fi\n}}\n"
        "complete -o filenames -F {0} {4}\n",
        function, cases, flags.substr(1), names, tool);
  } else if (shell == "zsh") {
    out = fmt::format("#compdef {}\n_arguments \\\n", tool);
    for (const Row& r : rows) {
      std::string help;
      for (const char c : r.help) {
        if (c == '[' || c == ']' || c == ':') help += '\\';
        help += c;
      }
      std::string entry = fmt::format("*--{}{}[{}]", r.name, r.takes_value ? "=" : "", help);
      if (r.takes_value) {
        entry += ":value:" + (!r.choices.empty()                            ? "(" + words(r.choices) + ")"
                              : r.completes == Item::Completes::directories ? std::string("_files -/")
                              : r.completes == Item::Completes::files       ? std::string("_files")
                                                                            : std::string());
      }
      out += "  " + single_quoted(entry) + " \\\n";
    }
    std::string names;
    for (const Command& command : commands_)
      names += (names.empty() ? "" : " ") + command.name;
    out += names.empty() ? "  '*:file:_files'\n"
                         : "  " + single_quoted("1:command:(" + names + ")") + " '*:file:_files'\n";
  } else if (shell == "fish") {
    for (const Command& command : commands_)
      out += fmt::format("complete -c {} -n __fish_use_subcommand -a {} -d {}\n", tool, command.name,
                         single_quoted(command.help));
    for (const Row& r : rows) {
      out += fmt::format("complete -c {} -l {}", tool, r.name);
      if (r.alias) out += fmt::format(" -s {}", r.alias);
      if (r.takes_value) {
        out += r.completes == Item::Completes::files ? " -r -F" : " -x";
        if (r.completes == Item::Completes::directories) out += " -a '(__fish_complete_directories)'";
        if (!r.choices.empty()) out += " -a " + single_quoted(words(r.choices));
      }
      out += " -d " + single_quoted(r.help) + "\n";
    }
  }
  return out;
}

} // namespace talky::cli
