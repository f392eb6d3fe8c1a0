// Where the speech models and the ONNX runtime are. scripts/models/install puts them into one folder:
//
//   silero_vad.onnx  tokens.txt  libonnxruntime.so  moonshine-{base,tiny}/{encoder,decoder}.onnx
#pragma once
#include <optional>
#include <string>

namespace talky::engine {

// Complete folders only; std::nullopt if there is none. In this order: `chosen` (--models, or the variable
// TALKY_MODELS), and if it is empty: beside the installed program (../share/talky/models from its folder),
// the source tree that the program was built from. A folder that was chosen and is not complete is never
// passed over.
std::optional<std::string> find_models(const std::string& chosen);

// What to tell the user, in one line.
std::string how_to_install_models(const std::string& chosen);

} // namespace talky::engine
