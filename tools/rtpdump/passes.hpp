// The passes over packets that the modes of the program consist of. All throw cli::Failure, and give the exit
// code.
#pragma once
#include "filter.hpp"
#include "settings.hpp"

namespace talky::rtpdump {

// --list, --calls, --ladder, --json, --csv: one pass where nothing is selected; with an expression a second
// one counts only what it lets through.
int list(const Settings& settings, const Filter& filter);
// --packets, --print, --extract, --write: a second pass over what a first one has understood.
int process(const Settings& settings, const Filter& filter);
// --listen, --interface, --follow: packets as they come.
int live(const Settings& settings, const Filter& filter);
// --play.
int play(const Settings& settings, const Filter& filter);

} // namespace talky::rtpdump
