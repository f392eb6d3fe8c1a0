// The part of ONNX Runtime's C interface (onnxruntime_c_api.h) that talky uses, declared here so that talky
// builds without its headers and takes the library at run time, if it is installed.
//
// The interface is a table of function pointers. Entries are only ever appended and keep their place and
// their signature for ever (the header says so, and every binding to other languages relies on it), so the
// places below are good for every library of API version kApiVersion or later. tests/engine/onnx_api_test.cpp
// compares them with the real header where that is installed.
#pragma once
#include <cstddef>
#include <cstdint>

namespace talky::engine::onnx {

inline constexpr std::uint32_t kApiVersion = 14; // ONNX Runtime 1.14, 2023

// Opaque objects of the library.
struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtValue;
struct OrtMemoryInfo;
struct OrtShapeInfo; // OrtTensorTypeAndShapeInfo

enum class ElementType : std::int32_t { float32 = 1, int64 = 7, boolean = 9 };
inline constexpr std::int32_t kLogError = 3;
inline constexpr std::int32_t kOptimizeAll = 99;
inline constexpr std::int32_t kArenaAllocator = 1;
inline constexpr std::int32_t kDefaultMemory = 0;

// Every function that returns a status returns nullptr if all went well.
struct Api {
  using Unused = void (*)();

  Unused unused_0[2];
  const char* (*get_error_message)(const OrtStatus*);
  OrtStatus* (*create_env)(std::int32_t level, const char* name, OrtEnv** out);
  Unused unused_4[3];
  OrtStatus* (*create_session)(const OrtEnv*, const char* path, const OrtSessionOptions*, OrtSession** out);
  Unused unused_8;
  OrtStatus* (*run)(OrtSession*, const OrtRunOptions*, const char* const* input_names,
                    const OrtValue* const* inputs, std::size_t inputs_size, const char* const* output_names,
                    std::size_t outputs_size, OrtValue** outputs);
  OrtStatus* (*create_session_options)(OrtSessionOptions** out);
  Unused unused_11[8];
  OrtStatus* (*disable_cpu_mem_arena)(OrtSessionOptions*);
  Unused unused_20[3];
  OrtStatus* (*set_graph_optimization_level)(OrtSessionOptions*, std::int32_t level);
  OrtStatus* (*set_intra_op_threads)(OrtSessionOptions*, int threads);
  OrtStatus* (*set_inter_op_threads)(OrtSessionOptions*, int threads);
  Unused unused_26[23];
  OrtStatus* (*create_tensor_with_data)(const OrtMemoryInfo*, void* data, std::size_t bytes,
                                        const std::int64_t* shape, std::size_t rank, ElementType type,
                                        OrtValue** out);
  Unused unused_50;
  OrtStatus* (*get_tensor_data)(OrtValue*, void** out);
  Unused unused_52[9];
  OrtStatus* (*get_rank)(const OrtShapeInfo*, std::size_t* out);
  OrtStatus* (*get_shape)(const OrtShapeInfo*, std::int64_t* out, std::size_t rank);
  Unused unused_63;
  OrtStatus* (*get_element_count)(const OrtShapeInfo*, std::size_t* out);
  OrtStatus* (*get_shape_info)(const OrtValue*, OrtShapeInfo** out);
  Unused unused_66[3];
  OrtStatus* (*create_cpu_memory_info)(std::int32_t allocator, std::int32_t memory, OrtMemoryInfo** out);
  Unused unused_70[22];
  void (*release_env)(OrtEnv*);
  void (*release_status)(OrtStatus*);
  void (*release_memory_info)(OrtMemoryInfo*);
  void (*release_session)(OrtSession*);
  void (*release_value)(OrtValue*);
  Unused unused_97[2];
  void (*release_shape_info)(OrtShapeInfo*);
  void (*release_session_options)(OrtSessionOptions*);
  Unused unused_101[29];
  OrtStatus* (*add_session_config_entry)(OrtSessionOptions*, const char* key, const char* value);
};

// What OrtGetApiBase() returns.
struct ApiBase {
  const Api* (*get_api)(std::uint32_t version); // nullptr if the library is older than `version`
  const char* (*get_version)();
};

} // namespace talky::engine::onnx
