// FLAC, Opus in Ogg and coded streams as sources of sound.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "file/io.hpp"
#include "source.hpp"

namespace talky::transcode {

std::unique_ptr<Source> open_flac(const std::string& path, file::Input input);
// `rate`: of the output, if it is one that Opus decodes to.
std::unique_ptr<Source> open_opus(const std::string& path, file::Input input,
                                  std::optional<std::uint32_t> rate);
std::unique_ptr<Source> open_coded(const std::string& path, file::Input input, const codec::Entry& codec);

} // namespace talky::transcode
