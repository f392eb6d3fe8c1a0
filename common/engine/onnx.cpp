#include "engine/onnx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dynamic/library.hpp"

namespace talky::engine::onnx {
namespace {

// The library's words, as one line.
std::string take_message(const Api& api, OrtStatus* status) {
  std::string text = api.get_error_message(status);
  std::replace(text.begin(), text.end(), '\n', ' ');
  api.release_status(status);
  return text;
}

void check(const Api& api, OrtStatus* status, const std::string& path) {
  if (status != nullptr) throw LoadError(fmt::format("{}: {}", path, take_message(api, status)));
}

bool succeeded(const Api& api, OrtStatus* status) {
  if (status == nullptr) return true;
  api.release_status(status);
  return false;
}

} // namespace

std::shared_ptr<const Library> Library::load(const std::string& path) {
  const auto loaded = dynamic::Library::load(path.c_str());
  if (!loaded) throw LoadError(loaded.error());
  using GetBase = const ApiBase*();
  GetBase* get_base = nullptr;
  if (!loaded->bind(get_base, "OrtGetApiBase"))
    throw LoadError(fmt::format("{}: is not an ONNX Runtime library", path));

  std::shared_ptr<Library> library(new Library);
  const ApiBase* base = get_base();
  library->version_ = base->get_version();
  library->api_ = base->get_api(kApiVersion);
  if (library->api_ == nullptr) {
    throw LoadError(fmt::format("{}: ONNX Runtime {} is too old, 1.{} or later is needed", path,
                                library->version_, kApiVersion));
  }
  const Api& api = *library->api_;
  check(api, api.create_env(kLogError, "talky", &library->env_), path);
  check(api, api.create_cpu_memory_info(kArenaAllocator, kDefaultMemory, &library->memory_), path);
  return library;
}

Library::~Library() {
  if (memory_ != nullptr) api_->release_memory_info(memory_);
  if (env_ != nullptr) api_->release_env(env_);
}

Tensor::Tensor(Tensor&& other) noexcept
    : library_(std::move(other.library_)), value_(std::exchange(other.value_, nullptr)) {}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  std::swap(library_, other.library_);
  std::swap(value_, other.value_);
  return *this;
}

Tensor::~Tensor() {
  if (value_ != nullptr) library_->api().release_value(value_);
}

Tensor Tensor::make(const LibraryPtr& library, void* data, std::size_t bytes,
                    std::span<const std::int64_t> shape, ElementType type) {
  const Api& api = library->api();
  OrtValue* value = nullptr;
  if (!succeeded(api, api.create_tensor_with_data(library->memory(), data, bytes, shape.data(), shape.size(),
                                                  type, &value))) {
    return {};
  }
  return {library, value};
}

Tensor Tensor::borrow(const LibraryPtr& library, std::span<float> data, std::span<const std::int64_t> shape) {
  return make(library, data.data(), data.size_bytes(), shape, ElementType::float32);
}
Tensor Tensor::borrow(const LibraryPtr& library, std::span<std::int64_t> data,
                      std::span<const std::int64_t> shape) {
  return make(library, data.data(), data.size_bytes(), shape, ElementType::int64);
}
Tensor Tensor::borrow(const LibraryPtr& library, std::span<bool> data, std::span<const std::int64_t> shape) {
  return make(library, data.data(), data.size_bytes(), shape, ElementType::boolean);
}

std::size_t Tensor::size() const {
  const Api& api = library_->api();
  OrtShapeInfo* info = nullptr;
  std::size_t count = 0;
  if (!succeeded(api, api.get_shape_info(value_, &info))) return 0;
  if (!succeeded(api, api.get_element_count(info, &count))) count = 0;
  api.release_shape_info(info);
  return count;
}

std::span<const float> Tensor::floats() const {
  if (value_ == nullptr) return {};
  void* data = nullptr;
  if (!succeeded(library_->api(), library_->api().get_tensor_data(value_, &data))) return {};
  return {static_cast<const float*>(data), size()};
}

std::vector<std::int64_t> Tensor::shape() const {
  if (value_ == nullptr) return {};
  const Api& api = library_->api();
  OrtShapeInfo* info = nullptr;
  if (!succeeded(api, api.get_shape_info(value_, &info))) return {};
  std::size_t rank = 0;
  std::vector<std::int64_t> shape;
  if (succeeded(api, api.get_rank(info, &rank))) {
    shape.resize(rank);
    if (!succeeded(api, api.get_shape(info, shape.data(), rank))) shape.clear();
  }
  api.release_shape_info(info);
  return shape;
}

Model::Model(LibraryPtr library, const std::string& path, Options options) : library_(std::move(library)) {
  const Api& api = library_->api();
  OrtSessionOptions* made = nullptr;
  check(api, api.create_session_options(&made), path);
  const std::unique_ptr<OrtSessionOptions, void (*)(OrtSessionOptions*)> settings(
      made, api.release_session_options);
  check(api, api.set_graph_optimization_level(made, kOptimizeAll), path);
  check(api, api.set_intra_op_threads(made, 1), path);
  check(api, api.set_inter_op_threads(made, 1), path);
  check(api, api.add_session_config_entry(made, "session.intra_op.allow_spinning", "0"), path);
  check(api, api.add_session_config_entry(made, "session.inter_op.allow_spinning", "0"), path);
  // Weights that are stored in 8 bits and used in floats are converted once here instead of in every run:
  // Moonshine's output layer (32,768 x 416) would otherwise take half of the time of each token.
  check(api, api.add_session_config_entry(made, "session.disable_quant_qdq", "1"), path);
  if (!options.arena) check(api, api.disable_cpu_mem_arena(made), path);
  check(api, api.create_session(library_->env(), path.c_str(), made, &session_), path);
}

Model::~Model() {
  library_->api().release_session(session_);
}

Result<> Model::run(std::span<const char* const> input_names, std::span<const OrtValue* const> inputs,
                    std::span<const char* const> output_names, std::span<Tensor> outputs) const {
  constexpr std::size_t kMaxOutputs = 64;
  std::array<OrtValue*, kMaxOutputs> values{};
  if (outputs.size() > kMaxOutputs) return fail(Errc::too_large, 0, "at most 64 outputs");
  for (std::size_t i = 0; i < outputs.size(); ++i)
    values[i] = outputs[i].value_;

  const Api& api = library_->api();
  if (!succeeded(api, api.run(session_, nullptr, input_names.data(), inputs.data(), inputs.size(),
                              output_names.data(), outputs.size(), values.data()))) {
    return fail(Errc::io, 0, "the model to run");
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].value_ == nullptr) outputs[i] = Tensor(library_, values[i]);
  }
  return {};
}

} // namespace talky::engine::onnx
