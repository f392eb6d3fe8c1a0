// FLAC, Opus in Ogg and coded streams as sinks of sound.
#pragma once
#include <memory>
#include <string>

#include "file/io.hpp"
#include "sink.hpp"

namespace talky::transcode {

// Throws Failure (usage) where a flac, opus or coded kind cannot hold the format; says nothing of the others.
void check_format(const Kind& kind, audio::Format format);

std::unique_ptr<Sink> make_flac_sink(const std::string& path, file::Output output, const Kind& kind,
                                     audio::Format format, bool live);
std::unique_ptr<Sink> make_opus_sink(const std::string& path, file::Output output, audio::Format format,
                                     std::uint32_t bitrate);
std::unique_ptr<Sink> make_coded_sink(const std::string& path, file::Output output,
                                      const codec::Entry& codec);

} // namespace talky::transcode
