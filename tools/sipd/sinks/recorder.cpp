#include "sipd/sinks/recorder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "audio/frame.hpp"
#include "cli/exit_code.hpp"
#include "file/io.hpp"
#include "file/pcap.hpp"
#include "file/wav_recorder.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t kBlockSamples = 6'400; // 200 ms of stereo
constexpr std::size_t kBlockBytes = 65'536;  // of packets
constexpr std::size_t kMaxWaiting = 8 << 20; // bytes of one call
constexpr std::uint64_t kMaxGap = 960'000;   // samples of silence that one gap may become

} // namespace

struct Recorder::Block {
  std::uint64_t first_sample = 0;
  std::vector<std::int16_t> stereo;
  struct Packet {
    std::int64_t time_us;
    Endpoint from, to;
    bool tcp;
    std::size_t offset, size; // in bytes
  };
  std::vector<Packet> packets;
  std::vector<std::byte> bytes;
  std::string journal;

  std::size_t weight() const {
    return stereo.size() * 2 + bytes.size() + journal.size() + packets.size() * sizeof(Packet);
  }
};

struct Recorder::File {
  std::string path; // without its ending
  std::string uuid;
  bool with_packets = false;
  std::atomic<std::size_t> waiting{0};
  bool started = false;
  std::optional<file::WavRecorder> wav;
  std::optional<file::PcapWriter> pcap;
  std::optional<file::Output> journal;
  bool journal_tried = false;
  std::uint64_t next_sample = 0;
  bool broken = false;
  std::atomic<bool> gap{false}; // something was dropped on the way here

  void write(const Block& block, const log::Sink& log) {
    if (!started) {
      started = true;
      if (auto made = file::WavRecorder::create(path + ".wav", {audio::kBridgeRate, 2})) {
        wav = std::move(*made);
      } else {
        stop(made.error().reason(), ".wav", log);
      }
    }
    if (!broken) write_audio(block, log);
    if (!broken) write_packets(block, log);
    if (!broken) write_journal(block, log);
  }

  void write_audio(const Block& block, const log::Sink& log) {
    if (!wav || block.stereo.empty()) return;
    if (block.first_sample >
        next_sample) { // dropped on the way here, or a stall: silence keeps the two sides in step
      const std::vector<std::int16_t> silence(
          static_cast<std::size_t>(std::min(block.first_sample - next_sample, kMaxGap)) * 2);
      if (const auto done = wav->write(silence); !done) return stop(done.error().reason(), ".wav", log);
    }
    if (const auto done = wav->write(block.stereo); !done) return stop(done.error().reason(), ".wav", log);
    next_sample = block.first_sample + block.stereo.size() / 2;
  }

  void write_packets(const Block& block, const log::Sink& log) {
    if (!with_packets || block.packets.empty()) return;
    if (!pcap) { // a browser's call has no packets, and no such file
      auto made = file::PcapWriter::create(path + ".pcap");
      if (!made) return stop(made.error().reason(), ".pcap", log);
      pcap = std::move(*made);
    }
    for (const Block::Packet& p : block.packets) {
      const Bytes payload = Bytes(block.bytes).subspan(p.offset, p.size);
      const auto done = p.tcp ? pcap->tcp(p.time_us * 1000, p.from, p.to, payload)
                              : pcap->udp(p.time_us * 1000, p.from, p.to, payload);
      if (!done && done.error().code == Errc::io) return stop(done.error().reason(), ".pcap", log);
    }
    if (const auto done = pcap->flush(); !done) stop(done.error().reason(), ".pcap", log);
  }

  void write_journal(const Block& block, const log::Sink& log) {
    if (block.journal.empty()) return;
    if (!journal_tried) {
      journal_tried = true;
      if (auto made = file::Output::create(path + ".jsonl", file::Output::Mode::live)) {
        journal = std::move(*made);
      } else {
        return stop(made.error().reason(), ".jsonl", log);
      }
    }
    if (!journal) return;
    auto done = journal->write(as_bytes(block.journal));
    if (done) done = journal->flush();
    if (!done) stop(done.error().reason(), ".jsonl", log);
  }

  void close(const log::Sink& log) {
    if (wav) {
      if (const auto done = wav->close(); !done && !broken) stop(done.error().reason(), ".wav", log);
    }
    if (pcap) {
      if (const auto done = pcap->close(); !done && !broken) stop(done.error().reason(), ".pcap", log);
    }
    if (journal) {
      if (const auto done = journal->close(); !done && !broken) stop(done.error().reason(), ".jsonl", log);
    }
  }

  void stop(const std::string& why, const char* ending, const log::Sink& log) {
    if (broken) return;
    broken = true;
    log(log::Level::error, log::Line("recording.stopped")
                               .add("file", path + ending)
                               .add("error", why)
                               .add("call_goes_on", true)
                               .str());
  }
};

Recorder::Recorder(std::string folder, bool packets, log::Sink log)
    : folder_(std::move(folder)), packets_(packets), log_(std::move(log)) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error || ::access(folder_.c_str(), W_OK | X_OK) != 0) {
    const std::string why = error ? error.message() : std::generic_category().message(errno);
    throw cli::Failure(cli::ExitCode::cannot_create,
                       fmt::format("--record {}: {} (--record '' records nothing)", folder_, why));
  }
  const file::RepairReport report = file::repair_recordings(folder_);
  for (const std::string& path : report.mended)
    log_(log::Level::warn, log::Line("recording.mended").add("file", path).str());
  mended_ = report.mended;
  for (const std::string& path : report.failed)
    log_(log::Level::warn, log::Line("recording.unmended").add("file", path).str());
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Recorder::push(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Recorder::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    if (job.block) {
      const bool went_on = !job.file->broken;
      job.file->write(*job.block, log_);
      job.file->waiting -= job.block->weight();
      waiting_ -= job.block->weight();
      if (went_on && job.file->broken) ++failures_;
    } else {
      job.file->close(log_);
      if (closed_) closed_(job.file->uuid, !job.file->broken && !job.file->gap);
    }
    lock.lock();
  }
}

Recorder::Call::Call(Recorder& recorder, std::string uuid, bool journal)
    : recorder_(recorder),
      file_(std::make_shared<File>()),
      block_(std::make_unique<Block>()),
      journal_(journal),
      packets_(recorder.packets_) {
  file_->path = recorder.folder_ + "/" + uuid;
  file_->uuid = std::move(uuid);
  file_->with_packets = packets_;
}

Recorder::Call::~Call() {
  if (block_->weight() > 0) hand_over();
  recorder_.push({file_, nullptr});
}

void Recorder::Call::audio(std::uint64_t first_sample, std::span<const std::int16_t> stereo) {
  const std::uint64_t expected = block_->first_sample + block_->stereo.size() / 2;
  if (!block_->stereo.empty() && first_sample != expected) hand_over();
  if (block_->stereo.empty()) {
    block_->first_sample = first_sample;
    block_->stereo.reserve(kBlockSamples);
  }
  block_->stereo.insert(block_->stereo.end(), stereo.begin(), stereo.end());
  if (block_->stereo.size() >= kBlockSamples) hand_over();
}

void Recorder::Call::packet(std::int64_t time_us, const Endpoint& from, const Endpoint& to, bool tcp,
                            Bytes payload) {
  if (!packets_) return;
  block_->packets.push_back({time_us, from, to, tcp, block_->bytes.size(), payload.size()});
  block_->bytes.insert(block_->bytes.end(), payload.begin(), payload.end());
  if (block_->bytes.size() >= kBlockBytes) hand_over();
}

void Recorder::Call::event(std::string_view json_line) {
  if (!journal_) return;
  block_->journal.append(json_line).append("\n");
  if (block_->journal.size() >= kBlockBytes) hand_over();
}

void Recorder::Call::hand_over() {
  const std::size_t weight = block_->weight();
  auto next = std::make_unique<Block>();
  if (file_->waiting + weight > kMaxWaiting) {
    ++recorder_.overruns_;
    file_->gap = true;
    if (!overrun_) {
      recorder_.log_(log::Level::error, log::Line("recording.overrun")
                                            .add("file", file_->path)
                                            .add("why", "the disk is too slow: a gap is left")
                                            .str());
    }
    overrun_ = true;
    block_ = std::move(next);
    return;
  }
  overrun_ = false;
  file_->waiting += weight;
  recorder_.waiting_ += weight;
  recorder_.push({file_, std::exchange(block_, std::move(next))});
}

} // namespace talky::sipd
