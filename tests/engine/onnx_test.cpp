#include "engine/onnx.hpp"

#include <cstddef>
#include <cstdio>
#include <fstream>

#include "speech_kit.hpp"

#if __has_include(<onnxruntime_c_api.h>)
#include <onnxruntime_c_api.h>

namespace {
using Ours = talky::engine::onnx::Api;
#define SAME_PLACE(ours, theirs) \
  static_assert(offsetof(Ours, ours) == offsetof(OrtApi, theirs), #theirs " is elsewhere in the table")
SAME_PLACE(get_error_message, GetErrorMessage);
SAME_PLACE(create_env, CreateEnv);
SAME_PLACE(create_session, CreateSession);
SAME_PLACE(run, Run);
SAME_PLACE(create_session_options, CreateSessionOptions);
SAME_PLACE(disable_cpu_mem_arena, DisableCpuMemArena);
SAME_PLACE(set_graph_optimization_level, SetSessionGraphOptimizationLevel);
SAME_PLACE(set_intra_op_threads, SetIntraOpNumThreads);
SAME_PLACE(set_inter_op_threads, SetInterOpNumThreads);
SAME_PLACE(create_tensor_with_data, CreateTensorWithDataAsOrtValue);
SAME_PLACE(get_tensor_data, GetTensorMutableData);
SAME_PLACE(get_rank, GetDimensionsCount);
SAME_PLACE(get_shape, GetDimensions);
SAME_PLACE(get_element_count, GetTensorShapeElementCount);
SAME_PLACE(get_shape_info, GetTensorTypeAndShape);
SAME_PLACE(create_cpu_memory_info, CreateCpuMemoryInfo);
SAME_PLACE(release_env, ReleaseEnv);
SAME_PLACE(release_status, ReleaseStatus);
SAME_PLACE(release_memory_info, ReleaseMemoryInfo);
SAME_PLACE(release_session, ReleaseSession);
SAME_PLACE(release_value, ReleaseValue);
SAME_PLACE(release_shape_info, ReleaseTensorTypeAndShapeInfo);
SAME_PLACE(release_session_options, ReleaseSessionOptions);
SAME_PLACE(add_session_config_entry, AddSessionConfigEntry);
static_assert(offsetof(OrtApiBase, GetVersionString) == offsetof(talky::engine::onnx::ApiBase, get_version));
static_assert(ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT == 1 && ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 == 7 &&
              ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL == 9);
static_assert(ORT_LOGGING_LEVEL_ERROR == 3 && ORT_ENABLE_ALL == 99 && OrtArenaAllocator == 1 &&
              OrtMemTypeDefault == 0);
} // namespace
#endif

namespace talky::engine::onnx {
namespace {

std::string message_of(const std::string& path) {
  try {
    Library::load(path);
  } catch (const LoadError& error) {
    return error.what();
  }
  return "loaded";
}

TEST_CASE("a runtime that is missing, or is something else, is named in one line") {
  CHECK(message_of("/nonexistent/libonnxruntime.so").find("/nonexistent/libonnxruntime.so") !=
        std::string::npos);
  CHECK(message_of("libm.so.6") == "libm.so.6: is not an ONNX Runtime library");
}

TEST_CASE("a model that is damaged is named in one line") {
  if (!test::models()) return;
  const std::string path = "damaged-model-for-test.onnx";
  std::ofstream(path) << "this is no model";
  try {
    const Model model(test::library(), path, {});
    FAIL("loaded");
  } catch (const LoadError& error) {
    const std::string text = error.what();
    CHECK(text.starts_with(path + ": "));
    CHECK(text.find('\n') == std::string::npos);
  }
  std::remove(path.c_str());
}

TEST_CASE("a model that is run with the wrong inputs fails and goes on working") {
  const auto folder = test::models();
  if (!folder) return;
  const Model silero(test::library(), *folder + "/silero_vad.onnx", {});
  std::vector<float> audio(288), state(256);
  std::int64_t rate = 8000;
  const std::array<std::int64_t, 2> shape = {1, 288};
  const std::array<std::int64_t, 3> state_shape = {2, 1, 128}, wrong_shape = {1, 2, 128};
  const std::array<const char*, 3> names = {"input", "state", "sr"};
  const std::array<const char*, 2> output_names = {"output", "stateN"};
  const Tensor input = Tensor::borrow(test::library(), std::span(audio), shape);
  const Tensor sr = Tensor::borrow(test::library(), std::span(&rate, 1), {});
  for (const bool right : {true, false, true}) {
    const Tensor hidden =
        Tensor::borrow(test::library(), std::span(state), right ? state_shape : wrong_shape);
    const std::array<const OrtValue*, 3> inputs = {input.get(), hidden.get(), sr.get()};
    std::array<Tensor, 2> outputs;
    const auto done = silero.run(names, inputs, output_names, outputs);
    CHECK(done.has_value() == right);
    if (!right) {
      CHECK(done.error().code == Errc::io);
      continue;
    }
    REQUIRE(outputs[0].floats().size() == 1);
    CHECK(outputs[0].floats()[0] < 0.5F);
    CHECK(outputs[1].shape() == std::vector<std::int64_t>{2, 1, 128});
  }
}

TEST_CASE("a tensor that is not there is an error, not a crash") {
  const auto folder = test::models();
  if (!folder) return;
  const Model silero(test::library(), *folder + "/silero_vad.onnx", {});
  const Tensor none;
  CHECK(none.floats().empty());
  CHECK(none.shape().empty());
  const std::array<const char*, 1> names = {"input"}, output_names = {"output"};
  const std::array<const OrtValue*, 1> inputs = {none.get()};
  std::array<Tensor, 1> outputs;
  CHECK_FALSE(silero.run(names, inputs, output_names, outputs));
}

} // namespace
} // namespace talky::engine::onnx
