// One channel of a plot, in constant memory: at most `limit` columns, each of which stands for twice as long
// whenever they are full.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "transcode/plot/plot_libraries.hpp"

namespace talky::transcode {

class PlotColumns {
 public:
  static constexpr std::size_t kLimit = 2048;
  static constexpr std::size_t kMostRows = 256; // of the spectrum; more bins are put together

  struct Wave {
    float least = 1, most = -1; // none yet
    double squares = 0;
    std::uint64_t samples = 0;
  };

  PlotColumns(std::uint32_t rate, const Fft& fft);

  void add(std::span<const float> pcm);
  void finish(); // the last half window of the spectrum; once

  std::uint64_t samples() const { return heard_; }
  std::size_t column_samples() const { return column_; }
  std::span<const Wave> waves() const { return waves_; }
  // Rows from 0 Hz to half the rate; row r stands for the frequencies about (r + 1/2) / rows() of that.
  std::size_t rows() const { return rows_; }
  // Mean power of a column at a row, where 1.0 is a full-scale sine; 0 where nothing was heard.
  double power(std::size_t column, std::size_t row) const;

 private:
  struct FreePlan {
    void operator()(kiss_fftr_cfg plan) const;
  };
  void add_wave(std::span<const float> pcm);
  void add_spectrum(std::uint64_t centre);
  void halve();
  std::uint64_t hop() const;

  Fft fft_;
  std::size_t size_; // of the transform
  std::size_t rows_;
  std::size_t column_; // samples
  std::uint64_t heard_ = 0;
  std::vector<Wave> waves_;
  std::vector<float> powers_;         // sums, rows_ a column
  std::vector<std::uint32_t> counts_; // of the spectra in each sum
  std::vector<float> window_, pending_, windowed_;
  std::vector<kiss_fft_cpx> bins_;
  std::uint64_t pending_start_ =
      0; // the sample of pending_[0], plus half a transform of silence before the first
  std::uint64_t next_centre_ = 0;
  std::unique_ptr<kiss_fftr_state, FreePlan> plan_;
};

} // namespace talky::transcode
