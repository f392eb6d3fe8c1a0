// --trim-silence on a stream: sound passes as it comes, and silence is held back only until it is known
// whether sound follows.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/frame.hpp"
#include "cli/failure.hpp"
#include "file/temporary_file.hpp"

namespace talky::transcode {

struct Trim {
  double threshold_dbfs = -50; // blocks of 10 ms of which any channel's RMS reaches it are sound
  double keep = 0.1;           // seconds of silence that stay beside sound
  bool start = true;           // drop what is before the first sound,
  bool end = true;             // behind the last,
  bool inside = false;         // and between two, where that is longer than what stays on both sides
};

// Silence that may yet be wanted. What is much is kept in a temporary file, so that memory stays constant.
template <class Sample>
class HeldSamples {
 public:
  void push(std::span<const Sample> samples) {
    memory_.insert(memory_.end(), samples.begin(), samples.end());
    if (limit_ > 0) {
      // Now and then, so that each sample is moved once at most.
      if (memory_.size() > 2 * limit_ + 65'536) drop_front(memory_.size() - limit_);
    } else if (memory_.size() > kMostInMemory) {
      cli::check_temporary(file_.append(std::as_bytes(std::span(memory_))));
      memory_.clear();
    }
  }
  // Only so many of the newest will be wanted; 0: all.
  void want_last(std::size_t samples) {
    limit_ = samples;
    if (limit_ > 0 && memory_.size() > limit_) drop_front(memory_.size() - limit_);
  }
  template <class Deliver>
  void take_all(Deliver&& deliver) {
    if (limit_ > 0) want_last(limit_);
    std::vector<Sample> block(file_.size() > 0 ? kMostInMemory : 0);
    for (std::uint64_t at = 0; at < file_.size();) {
      const std::size_t got = cli::check_temporary(file_.read(at, std::as_writable_bytes(std::span(block))));
      deliver(std::span<const Sample>(block).first(got / sizeof(Sample)));
      at += got;
    }
    deliver(std::span<const Sample>(memory_));
    clear();
  }
  void clear() {
    memory_.clear();
    cli::check_temporary(file_.clear());
  }

 private:
  static constexpr std::size_t kMostInMemory = 262'144;
  void drop_front(std::size_t samples) {
    memory_.erase(memory_.begin(), memory_.begin() + static_cast<std::ptrdiff_t>(samples));
  }

  std::vector<Sample> memory_;
  std::size_t limit_ = 0;
  file::TemporaryFile file_; // what came before memory_
};

template <class Sample>
class Trimmer {
 public:
  Trimmer(audio::Format format, const Trim& trim, double full_scale)
      : trim_(trim),
        channels_(format.channels),
        block_(std::max<std::size_t>(1, format.rate / 100) * channels_),
        keep_(static_cast<std::uint64_t>(std::llround(trim.keep * format.rate)) * channels_),
        enough_(std::pow(10.0, trim.threshold_dbfs / 10.0) * full_scale * full_scale *
                static_cast<double>(block_) / static_cast<double>(channels_)),
        squares_(channels_) {
    want_before_sound(trim.start);
  }

  // Interleaved frames. deliver(span) is called with what stays, in order.
  template <class Deliver>
  void process(std::span<const Sample> pcm, Deliver&& deliver) {
    while (!pcm.empty()) {
      if (part_.empty() && pcm.size() >= block_) {
        judge(pcm.first(block_), deliver);
        pcm = pcm.subspan(block_);
        continue;
      }
      const auto more = pcm.first(std::min(pcm.size(), block_ - part_.size()));
      part_.insert(part_.end(), more.begin(), more.end());
      pcm = pcm.subspan(more.size());
      if (part_.size() == block_) finish_part(deliver);
    }
    pass_on(deliver);
  }
  template <class Deliver>
  void flush(Deliver&& deliver) {
    finish_part(deliver);
    pass_on(deliver);
    held_.clear();
  }
  bool found_sound() const { return found_; }

 private:
  bool is_loud(std::span<const Sample> block) {
    std::fill(squares_.begin(), squares_.end(), 0.0);
    for (std::size_t i = 0; i < block.size(); i += channels_) {
      for (std::size_t c = 0; c < channels_; ++c) {
        const auto x = static_cast<double>(block[i + c]);
        squares_[c] += x * x;
      }
    }
    return std::any_of(squares_.begin(), squares_.end(), [this](double sum) { return sum >= enough_; });
  }
  template <class Deliver>
  void finish_part(Deliver& deliver) {
    if (part_.empty()) return;
    judge(part_, deliver);
    part_.clear();
  }
  template <class Deliver>
  void judge(std::span<const Sample> block, Deliver& deliver) {
    if (is_loud(block)) {
      found_ = true;
      pass_on(deliver);
      held_.take_all(deliver);
      passing_ = keep_;
      want_before_sound(trim_.inside);
      pass(block);
      return;
    }
    const auto stays = found_ ? static_cast<std::size_t>(std::min<std::uint64_t>(passing_, block.size())) : 0;
    passing_ -= stays;
    pass(block.first(stays));
    block = block.subspan(stays);
    if (found_ && !trim_.end && !trim_.inside) {
      pass(block);
    } else if (!drops_all_) {
      held_.push(block);
    }
  }
  // What will be wanted of silence when sound comes: its end only, or all.
  void want_before_sound(bool only_its_end) {
    drops_all_ = only_its_end && keep_ == 0;
    held_.want_last(only_its_end ? static_cast<std::size_t>(keep_) : 0);
  }
  void pass(std::span<const Sample> samples) { out_.insert(out_.end(), samples.begin(), samples.end()); }
  template <class Deliver>
  void pass_on(Deliver& deliver) {
    if (!out_.empty()) deliver(std::span<const Sample>(out_));
    out_.clear();
  }

  Trim trim_;
  std::size_t channels_;
  std::size_t block_;  // samples
  std::uint64_t keep_; // samples
  double enough_;      // sum of squares of a block of one channel
  std::vector<double> squares_;
  bool found_ = false;
  bool drops_all_ = false;
  std::uint64_t passing_ = 0; // samples of silence that still stay behind the last sound
  HeldSamples<Sample> held_;
  std::vector<Sample> part_, out_;
};

} // namespace talky::transcode
