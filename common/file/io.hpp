// Files and pipes as a stream of bytes through one buffer: constant memory whatever the length, every count
// checked, "-" for standard input and output. An Errc::io carries what the system said (Error::system).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/bytes.hpp"

namespace talky::file {

// Where an Input gets bytes from that it does not read itself, such as a decompressor.
class ByteSource {
 public:
  ByteSource() = default;
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  // Fills the beginning of `room`, which is not empty; 0 is the end. Errors: io, malformed, unsupported.
  virtual Result<std::size_t> read(std::span<std::byte> room) = 0;
};

// Page-aligned memory that nothing has written yet: of a large buffer a small file touches only what it
// fills.
class PageBuffer {
 public:
  PageBuffer() = default;
  explicit PageBuffer(std::size_t size);

  std::byte* data() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  std::span<std::byte> from(std::size_t offset) const { return {data() + offset, size_ - offset}; }
  // To at least `size` bytes, of which the first `kept` stay.
  void grow(std::size_t size, std::size_t kept);

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_ = 0;
};

// Bytes in order. The spans it gives point into its buffer, or into the borrowed memory.
class Input {
 public:
  static constexpr std::size_t kBuffer = std::size_t{256} * 1024;

  // "-" is standard input. Errors: io (no such file, no permission), unsupported (a directory).
  static Result<Input> open(const std::string& path);
  // Reads from borrowed memory, for tests and fuzzing.
  static Input memory(Bytes bytes);
  static Input wrap(std::unique_ptr<ByteSource> source);

  Input(Input&& other) noexcept;
  Input& operator=(Input&& other) noexcept;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input();

  // The next bytes without passing them: at least `count` of them, fewer only at the end of the input. A pipe
  // is waited for until `count` are there. Valid until the next call of anything. Errors: io.
  Result<Bytes> peek(std::size_t count) {
    if (end_ - begin_ >= count) return Bytes(data_ + begin_, end_ - begin_);
    return refill(count);
  }
  // Passes bytes that were peeked.
  void skip(std::size_t count) { begin_ += count; }
  // Passes up to `count` bytes, peeked or not; gives how many there were.
  Result<std::uint64_t> discard(std::uint64_t count);
  // The end that was reached counts no longer: a file may have grown since.
  void resume() { eof_ = false; }
  // Whether the last read found the end. After a short peek() that found none, a descriptor that does not
  // wait had nothing more for now.
  bool at_end() const { return eof_; }
  // Bytes passed since the start.
  std::uint64_t offset() const { return base_ + begin_; }

 private:
  Input() = default;
  Result<Bytes> refill(std::size_t count);

  std::unique_ptr<ByteSource> source_; // takes the place of fd_
  int fd_ = -1;
  bool owned_ = false;
  bool eof_ = false;
  PageBuffer buffer_;
  const std::byte* data_ = nullptr; // buffer_, or the borrowed memory
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t base_ = 0; // offset in the input of data_[0]
};

// The whole of a file of at most `most` bytes. Errors: as of Input; too_large.
Result<std::string> read_whole(const std::string& path, std::size_t most);

// Bytes to a file or pipe, in whole blocks.
class Output {
 public:
  enum class Mode : std::uint8_t {
    fresh,   // fails if there is such a file; the name appears when close() succeeds
    replace, // as fresh, but takes the place of an older file
    live     // appears at once and grows: for recordings, which must survive a crash. Fails if it exists
  };
  // "-" is standard output, whatever the mode.
  static Result<Output> create(const std::string& path, Mode mode);

  Output(Output&& other) noexcept;
  Output& operator=(Output&& other) noexcept;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output(); // without a close() before: a fresh or replacing file is removed, a live one is flushed

  // Room for `count` bytes at the end of the buffer, to be filled in place and then kept with commit().
  // Errors: io, when the buffer had to be written out first.
  Result<std::byte*> reserve(std::size_t count);
  void commit(std::size_t count) { used_ += count; }
  Result<> write(Bytes bytes);
  Result<> flush();
  // Flushes and puts the file under its name. Nothing may be written afterwards.
  Result<> close();
  // About so many bytes are to come in all. A regular file of some size gets its room on the disk at once,
  // which is a fifth faster than a block at a time; what is not used is given back by close().
  void expect(std::uint64_t bytes);
  // From now on a thread of its own writes what is full while the next is being made, where there is more
  // than one processor and a regular file. That pays where making it takes about as long as writing it, such
  // as a conversion of rates. What then cannot be written is said by a later reserve() or flush().
  void write_behind();
  // Bytes written since the start, the buffered ones included.
  std::uint64_t offset() const { return flushed_ + used_; }
  // Whether patch() works: a regular file, not a pipe and not opened for appending.
  bool patchable() const { return patch_base_ >= 0; }
  // Overwrites bytes written earlier, such as a length in a header. `offset` counts from the start of this
  // output. Errors: io, unsupported (not patchable).
  Result<> patch(std::uint64_t offset, Bytes bytes);

 private:
  struct Background;

  Output();
  Result<> hand_over(); // what is in the buffer to the background

  std::unique_ptr<Background> background_;
  int fd_ = -1;
  bool owned_ = false;
  Mode mode_ = Mode::live;
  std::string path_;
  std::string temporary_; // the name until close(); empty for live files and for standard output
  PageBuffer buffer_;
  std::size_t used_ = 0;
  std::uint64_t flushed_ = 0;
  std::uint64_t allocated_ = 0;  // by expect(), from patch_base_ on
  std::int64_t patch_base_ = -1; // where this output starts in its file
};

} // namespace talky::file
