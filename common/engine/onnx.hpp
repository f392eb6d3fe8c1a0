// ONNX Runtime behind a few owning types: the library (taken at run time with dlopen), a model, a tensor.
// Every model runs on the thread that calls it: one intra-op thread and no spinning, because calls share the
// machine and a waiting thread that spins costs the others two to three times their latency (measured).
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "engine/onnx_api.hpp"

namespace talky::engine::onnx {

// Start-up only: the library or a model cannot be loaded. The text is one line and names the file.
struct LoadError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The loaded library. Shared by everything made with it; unloaded never (its threads and globals forbid it).
class Library {
 public:
  // Throws LoadError.
  static std::shared_ptr<const Library> load(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const Api& api() const { return *api_; }
  const OrtEnv* env() const { return env_; }
  const OrtMemoryInfo* memory() const { return memory_; }
  const std::string& version() const { return version_; }

 private:
  Library() = default;

  const Api* api_ = nullptr;
  OrtEnv* env_ = nullptr;
  OrtMemoryInfo* memory_ = nullptr;
  std::string version_;
};
using LibraryPtr = std::shared_ptr<const Library>;

// A tensor, owned. Its data belong to the library (an output of a model) or to the caller (borrow()).
class Tensor {
 public:
  Tensor() = default;
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor();

  // A tensor over memory of the caller, which must outlive it. If the library refuses (no memory), there is
  // no tensor, and a run() with it fails.
  static Tensor borrow(const LibraryPtr& library, std::span<float> data, std::span<const std::int64_t> shape);
  static Tensor borrow(const LibraryPtr& library, std::span<std::int64_t> data,
                       std::span<const std::int64_t> shape);
  static Tensor borrow(const LibraryPtr& library, std::span<bool> data, std::span<const std::int64_t> shape);

  explicit operator bool() const { return value_ != nullptr; }
  const OrtValue* get() const { return value_; }
  std::span<const float> floats() const; // empty if there is no tensor
  std::vector<std::int64_t> shape() const;

 private:
  friend class Model;
  Tensor(LibraryPtr library, OrtValue* value) : library_(std::move(library)), value_(value) {}
  static Tensor make(const LibraryPtr& library, void* data, std::size_t bytes,
                     std::span<const std::int64_t> shape, ElementType type);
  std::size_t size() const;

  LibraryPtr library_;
  OrtValue* value_ = nullptr;
};

// A model. run() may be called by several threads at once.
class Model {
 public:
  struct Options {
    bool arena = true; // keep the memory of intermediate results between runs: faster, larger
  };
  // Throws LoadError.
  Model(LibraryPtr library, const std::string& path, Options options);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  ~Model();

  // Names and tensors in the same order. Where outputs[i] is a tensor the result is written into it, else
  // outputs[i] becomes a new one. A failure is Errc::io.
  Result<> run(std::span<const char* const> input_names, std::span<const OrtValue* const> inputs,
               std::span<const char* const> output_names, std::span<Tensor> outputs) const;

  const LibraryPtr& library() const { return library_; }

 private:
  LibraryPtr library_;
  OrtSession* session_ = nullptr;
};

} // namespace talky::engine::onnx
