// The subcommands that need no call: check, say, hear, voices. Each gives the exit code.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/moonshine.hpp"
#include "flow/flow.hpp"
#include "voice/expectation.hpp"

namespace talky::agent {

// Prints the diagnostics of a flow, one a line; data if there is an error among them.
int check_flow(const std::string& path, bool json);
// Speaks `text` ("-": standard input) as WAV, or raw s16le at 16 kHz, to `path` ("-": standard output).
int say(const std::string& text, const std::string& voice, const std::string& path, bool raw, bool force);
// Prints what is said in the files: a transcript a line, with the file's name before it if there are several.
// `expected` biases it, as the question of a dialogue does.
int hear(const std::vector<std::string>& paths, const std::string& models, engine::MoonshineSize size,
         const voice::Expectation& expected, bool json);
// "digits", "yes-no", "date", "time", "number", "anything", or phrases with commas between them.
std::optional<voice::Expectation> parse_expectation(const std::string& text);
int list_voices(bool json);

// A whole text file, at most `limit` bytes; "-" is standard input. Throws cli::Failure.
std::string read_text(const std::string& path, std::size_t limit);
// The flow of that file, or the one that is built in; what is doubtful in it goes to standard error. Throws
// cli::Failure.
std::shared_ptr<const flow::Flow> load_flow(const std::string& path);
// The folder of the models. Throws cli::Failure with what to run.
std::string models_folder(const std::string& chosen);

} // namespace talky::agent
