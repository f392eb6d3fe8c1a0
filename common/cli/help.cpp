// --help and the completion scripts, made from the option table.
#include <fmt/format.h>
#include <algorithm>

#include "cli/options.hpp"
#include "cli/table.hpp"

namespace talky::cli {
namespace {

using Item = Options::Item;
using Table = Options::Table;

constexpr std::size_t kHelpColumn = 30;
constexpr std::size_t kWidth = 100;

// `left` in its column, `text` wrapped beside it.
std::string row(const std::string& left, const std::string& text) {
  std::string out = "  " + left;
  std::size_t column = out.size();
  if (column + 2 > kHelpColumn && !text.empty()) {
    out += '\n';
    column = 0;
  }
  out.append(kHelpColumn - std::min(column, kHelpColumn), ' ');
  column = kHelpColumn;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t length = end - at;
    if (column + length + 1 > kWidth && column > kHelpColumn) {
      out += '\n';
      out.append(kHelpColumn, ' ');
      column = kHelpColumn;
    }
    if (column > kHelpColumn) {
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

bool shown(const Item& item, std::string_view command, bool all) {
  return !item.positional && !item.is_hidden && item.command == command && (all || !item.is_rare);
}

// The flags of a command, or of all of them, under their headings.
std::string options_help(const Table& table, std::string_view command, bool all) {
  std::string out;
  std::string group;
  for (const auto& item : table.items) {
    if (!shown(*item, command, all)) continue;
    if (item->group != group) {
      group = item->group;
      out += fmt::format("\n{}:\n", group);
    }
    std::string left = item->alias ? fmt::format("-{}, ", item->alias) : "    ";
    if (item->is_secret) {
      left = "    " + environment_name(table.tool, item->name);
    } else {
      const bool is_on = item->is_switch() && item->get().front() == "true";
      left += (is_on ? "--no-" : "--") + item->name + (item->metavar.empty() ? "" : " " + item->metavar);
    }
    std::string text = item->help;
    const std::vector<std::string> values = item->get();
    const bool shown =
        !item->is_switch() && !item->is_secret && values.size() == 1 && !values.front().empty();
    if (shown && item->source == Source::standard) text += fmt::format(" [{}]", values.front());
    out += row(left, text);
  }
  return out;
}

} // namespace

// Of a command with flags of its own: these alone, and where the others are described.
std::string command_help(const Table& table, const std::string& command) {
  const auto found = std::find_if(table.commands.begin(), table.commands.end(),
                                  [&](const Table::Command& c) { return c.name == command; });
  std::string out = fmt::format("talky-{} {}: {}\n\n", table.tool, command, found->help);
  out += fmt::format("Usage: talky-{} [OPTION]... {}", table.tool, command);
  for (const auto& item : table.items) {
    if (item->positional && item->command == command)
      out += (item->required ? " " : " [") + item->name + (item->list ? "..." : "") +
             (item->required ? "" : "]");
  }
  out += "\n" + options_help(table, command, true);
  out += fmt::format("\nThe options of talky-{} --help count too.\n", table.tool);
  if (!found->examples.empty()) out += "\nExamples:\n";
  for (const Table::Example& example : found->examples)
    out += fmt::format("  {}\n      {}\n", example.line, example.meaning);
  return out;
}

std::string help_text(const Table& table, bool all) {
  std::string out = fmt::format("talky-{}: {}\n\n", table.tool, table.summary);
  std::string usage = fmt::format("Usage: talky-{} [OPTION]...", table.tool);
  for (const auto& item : table.items) {
    if (!item->positional || !item->command.empty()) continue;
    const std::string name = item->name + (item->list ? "..." : "");
    usage += item->required ? " " + name : " [" + name + "]";
  }
  out += usage + "\n";
  for (const Table::Command& command : table.commands) {
    std::string line = fmt::format("       talky-{} {}", table.tool, command.name);
    for (const auto& item : table.items) {
      if (!item->positional || item->command != command.name) continue;
      const std::string name = item->name + (item->list ? "..." : "");
      line += item->required ? " " + name : " [" + name + "]";
    }
    out += line + "\n";
  }
  if (!table.commands.empty()) {
    out += "\nCommands:\n";
    for (const Table::Command& command : table.commands)
      out += row(command.name, command.help);
  }
  const auto rare = std::count_if(table.items.begin(), table.items.end(), [&](const auto& item) {
    return shown(*item, "", true) && !shown(*item, "", all);
  });
  const bool whole = rare == 0 || all;
  bool heading = false;
  for (const auto& item : table.items) {
    if (!item->positional || (!whole && !item->command.empty())) continue;
    if (!heading) out += "\nArguments:\n";
    heading = true;
    out += row(item->name, item->help);
  }
  out += options_help(table, "", all);
  out += "\nGeneral:\n";
  if (table.has_config) {
    out +=
        row("    --config FILE", fmt::format("YAML: the long options above as keys; each is also a variable "
                                             "TALKY_{}_...",
                                             environment_name(table.tool, "").substr(6, table.tool.size())));
    out += row("    --check-config", "check the settings and exit");
    out += row("    --print-config", "print the settings that hold as YAML and exit");
  }
  if (whole) out += row("    --completion SHELL", "print a completion script for bash, zsh or fish");
  out += row("-h, --help", "print this");
  if (rare > 0)
    out += row("    --help-all", fmt::format("print it with {} more option{}", rare, rare == 1 ? "" : "s"));
  out += row("    --version", "print the version");
  if (!table.footer.empty()) out += "\n" + table.footer + "\n";
  if (!table.examples.empty()) out += "\nExamples:\n";
  for (const Table::Example& example : table.examples)
    out += fmt::format("  {}\n      {}\n", example.line, example.meaning);
  return out;
}

std::string completion(const Table& table, std::string_view shell) {
  struct Row {
    std::string name, help;
    char alias;
    bool takes_value;
    Item::Completes completes;
    std::vector<std::string> choices;
  };
  std::vector<Row> rows;
  for (const auto& item : table.items) {
    if (item->positional || item->is_hidden || item->is_secret) continue;
    const bool is_on = item->is_switch() && item->get().front() == "true";
    rows.push_back({(is_on ? "no-" : "") + item->name, item->help, item->alias, !item->is_switch(),
                    item->completes, item->choices});
  }
  if (table.has_config) {
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

  const std::string tool = "talky-" + table.tool;
  const auto words = [](const std::vector<std::string>& list) {
    std::string out;
    for (const std::string& word : list)
      out += (out.empty() ? "" : " ") + word;
    return out;
  };
  std::string out;
  if (shell == "bash") {
    const std::string function = "_talky_" + table.tool;
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
    for (const Table::Command& command : table.commands)
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
    for (const Table::Command& command : table.commands)
      names += (names.empty() ? "" : " ") + command.name;
    out += names.empty() ? "  '*:file:_files'\n"
                         : "  " + single_quoted("1:command:(" + names + ")") + " '*:file:_files'\n";
  } else if (shell == "fish") {
    for (const Table::Command& command : table.commands)
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
