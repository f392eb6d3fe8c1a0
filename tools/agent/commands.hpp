// The subcommands that need no call: check, say, hear, voices. Each gives the exit code.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "engine/moonshine.hpp"
#include "flow/flow.hpp"

namespace talky::agent {

// Prints the diagnostics of a flow, one a line; data if there is an error among them.
int check_flow(const std::string& path, bool json);
// Speaks `text` ("-": standard input) as WAV, or raw s16le at 16 kHz, to `path` ("-": standard output).
int say(const std::string& text, const std::string& voice, const std::string& path, bool raw, bool force);
// Prints what is said in the files: a transcript a line, with the file's name before it if there are several.
int hear(const std::vector<std::string>& paths, const std::string& models, engine::MoonshineSize size,
         bool json);
int list_voices(bool json);

// A whole text file, at most `limit` bytes; "-" is standard input. Throws cli::Failure.
std::string read_text(const std::string& path, std::size_t limit);
// The flow of that file, or the one that is built in; what is doubtful in it goes to standard error. Throws
// cli::Failure.
std::shared_ptr<const flow::Flow> load_flow(const std::string& path);
// The folder of the models. Throws cli::Failure with what to run.
std::string models_folder(const std::string& chosen);

} // namespace talky::agent
