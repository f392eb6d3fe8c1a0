// Writes the files of the calls on a thread of its own: <uuid>.wav (caller left, agent right), <uuid>.pcap
// (SIP and both directions of RTP) and <uuid>.jsonl (what happened). The media loops only fill blocks and
// hand them over; a disk that is slow, full or gone never holds a call up.
//
// Bounded: of one call at most 8 MiB wait to be written (a minute and more). What comes while that is full is
// dropped, with one line, and the gap becomes silence in the WAV, so that it stays in step with the call.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "core/log.hpp"

namespace talky::sipd {

class Recorder {
 public:
  // Makes the folder and mends what a killed process left in it. Throws cli::Failure if it cannot be made or
  // written.
  Recorder(std::string folder, bool packets, log::Sink log);
  const std::vector<std::string>& mended() const { return mended_; } // at the start
  // Told on the writer's thread when nothing more comes to the files of a call. `whole`: the disk has taken
  // all of it. Set before the first call.
  using Closed = std::function<void(const std::string& uuid, bool whole)>;
  void on_closed(Closed closed) { closed_ = std::move(closed); }
  ~Recorder(); // writes what waits

  struct Status {
    std::size_t waiting = 0;    // bytes that are to be written
    std::uint64_t overruns = 0; // blocks that found no room: the disk is too slow
    std::uint64_t failures = 0; // recordings that stopped because a file could not be written
  };
  Status status() const { return {waiting_, overruns_, failures_}; } // any thread

  struct File;  // of one call, used by the writer's thread alone
  struct Block; // what is handed over at a time

  // The recording of one call, filled on the call's loop.
  class Call {
   public:
    Call(Recorder& recorder, std::string uuid, bool journal);
    ~Call(); // ends the recording
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // 20 ms, interleaved, `first_sample` on the media clock.
    void audio(std::uint64_t first_sample, std::span<const std::int16_t> stereo);
    void packet(std::int64_t time_us, const Endpoint& from, const Endpoint& to, bool tcp, Bytes payload);
    void event(std::string_view json_line); // without a line end

   private:
    void hand_over();

    Recorder& recorder_;
    std::shared_ptr<File> file_;
    std::unique_ptr<Block> block_;
    bool overrun_ = false;
    bool journal_;
    bool packets_;
  };

 private:
  friend class Call;
  struct Job {
    std::shared_ptr<File> file;
    std::unique_ptr<Block> block; // null: close
  };
  void push(Job job);
  void run();

  std::string folder_;
  std::vector<std::string> mended_;
  Closed closed_;
  bool packets_;
  log::Sink log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::uint64_t> overruns_{0}, failures_{0};
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace talky::sipd
