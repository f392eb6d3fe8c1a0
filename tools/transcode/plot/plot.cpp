#include "transcode/plot/plot.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include "cli/failure.hpp"
#include "core/ascii.hpp"
#include "file/io.hpp"
#include "transcode/plot/plot_canvas.hpp"
#include "transcode/plot/plot_columns.hpp"
#include "transcode/plot/plot_libraries.hpp"

namespace talky::transcode {

namespace {

// From silence to loud: dark blue, violet, red, orange, pale yellow; the brightness rises all the way, so
// that it can be read in grey and by the colour-blind.
Rgb heat(double x) {
  constexpr std::array kStops{Rgb{0.02, 0.02, 0.08}, Rgb{0.16, 0.07, 0.37}, Rgb{0.45, 0.12, 0.51},
                              Rgb{0.73, 0.21, 0.47}, Rgb{0.93, 0.41, 0.36}, Rgb{0.99, 0.68, 0.42},
                              Rgb{0.99, 0.99, 0.80}};
  const double place = std::clamp(x, 0.0, 1.0) * static_cast<double>(kStops.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(place), kStops.size() - 2);
  const double t = place - static_cast<double>(i);
  const auto between = [t](double a, double b) { return a + t * (b - a); };
  return {between(kStops[i].r, kStops[i + 1].r), between(kStops[i].g, kStops[i + 1].g),
          between(kStops[i].b, kStops[i + 1].b)};
}

// Pixels.
constexpr double kLeft = 74, kRight = 96, kTop = 44, kWidth = 1230;
constexpr double kWaveHeight = 130, kSpectrumHeight = 260, kGap = 10, kChannelGap = 26, kBottom = 46;
constexpr double kChannelHeight = kWaveHeight + kGap + kSpectrumHeight;
constexpr double kRangeDb = 80;

double picture_height(std::size_t channels) {
  return kTop + static_cast<double>(channels) * kChannelHeight +
         static_cast<double>(channels - 1) * kChannelGap + kBottom;
}

// The least of 1, 2, 5 times a power of ten (or of the round numbers of minutes and hours) that gives at most
// so many steps.
double step_of(double range, int steps, bool time) {
  constexpr std::array kClock{60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0};
  for (int power = -4; power < 7; ++power) {
    const double decade = std::pow(10.0, power);
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (time && factor * decade > 30) {
        for (const double step : kClock) {
          if (range / step <= steps) return step;
        }
      }
      if (range / (factor * decade) <= steps) return factor * decade;
    }
  }
  return range;
}

std::string clock_text(double seconds, double step) {
  if (step < 1)
    return fmt::format("{:.{}f}", seconds, step < 0.001 ? 4 : step < 0.01 ? 3 : step < 0.1 ? 2 : 1);
  const auto whole = static_cast<long>(std::llround(seconds));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::uint32_t pixel(Rgb colour) {
  const auto byte = [](double x) { return static_cast<std::uint32_t>(std::lround(255 * x)); };
  return byte(colour.r) << 16 | byte(colour.g) << 8 | byte(colour.b);
}

// The mean over the columns [from, to) of the picture's columns at a row; at least one.
double mean_power(const PlotColumns& columns, double from, double to, std::size_t row) {
  const std::size_t count = columns.waves().size();
  const auto first = std::min(static_cast<std::size_t>(from), count - 1);
  const auto last = std::clamp(static_cast<std::size_t>(std::ceil(to)), first + 1, count);
  double sum = 0;
  for (std::size_t i = first; i < last; ++i)
    sum += columns.power(i, row);
  return sum / static_cast<double>(last - first);
}

// Columns of the picture to columns of the plot.
double columns_a_pixel(const PlotColumns& columns) {
  return static_cast<double>(columns.samples()) / static_cast<double>(columns.column_samples()) / kWidth;
}

std::vector<std::uint32_t> spectrum_pixels(const PlotColumns& columns, double loudest_db) {
  constexpr auto kW = static_cast<std::size_t>(kWidth);
  constexpr auto kH = static_cast<std::size_t>(kSpectrumHeight);
  std::vector<std::uint32_t> pixels(kW * kH, pixel(heat(0)));
  if (columns.waves().empty()) return pixels;
  const double step = columns_a_pixel(columns);
  std::vector<double> powers(columns.rows());
  for (std::size_t x = 0; x < kW; ++x) {
    for (std::size_t r = 0; r < powers.size(); ++r)
      powers[r] = mean_power(columns, static_cast<double>(x) * step, static_cast<double>(x + 1) * step, r);
    for (std::size_t y = 0; y < kH; ++y) {
      const double place =
          (static_cast<double>(kH - y) - 0.5) / static_cast<double>(kH) * static_cast<double>(powers.size()) -
          0.5;
      const double low = std::clamp(std::floor(place), 0.0, static_cast<double>(powers.size() - 1));
      const auto r = static_cast<std::size_t>(low);
      const double t = std::clamp(place - low, 0.0, 1.0);
      const double power = (1 - t) * powers[r] + t * powers[std::min(r + 1, powers.size() - 1)];
      const double db = 10 * std::log10(std::max(power, 1e-20));
      pixels[y * kW + x] = pixel(heat((db - loudest_db + kRangeDb) / kRangeDb));
    }
  }
  return pixels;
}

void draw_wave(Canvas& canvas, const PlotColumns& columns, double y, Rgb colour) {
  const double middle = y + kWaveHeight / 2;
  canvas.box(kLeft, y, kWidth, kWaveHeight, Rgb{0.985, 0.987, 0.99});
  for (const double level : {-0.5, 0.0, 0.5})
    canvas.line(kLeft, std::round(middle - level * kWaveHeight / 2) + 0.5, kLeft + kWidth,
                std::round(middle - level * kWaveHeight / 2) + 0.5, kGrid);
  const auto waves = columns.waves();
  if (!waves.empty()) {
    const double step = columns_a_pixel(columns);
    std::vector<double> x;
    std::vector<double> peak_up;
    std::vector<double> peak_down;
    std::vector<double> rms_up;
    std::vector<double> rms_down;
    for (std::size_t i = 0; i < static_cast<std::size_t>(kWidth); ++i) {
      const auto first = std::min(static_cast<std::size_t>(static_cast<double>(i) * step), waves.size() - 1);
      const auto last = std::clamp(static_cast<std::size_t>(std::ceil(static_cast<double>(i + 1) * step)),
                                   first + 1, waves.size());
      float most = -1;
      float least = 1;
      double squares = 0;
      std::uint64_t samples = 0;
      for (std::size_t k = first; k < last; ++k) {
        most = std::max(most, waves[k].most);
        least = std::min(least, waves[k].least);
        squares += waves[k].squares;
        samples += waves[k].samples;
      }
      const double rms = std::sqrt(squares / static_cast<double>(std::max<std::uint64_t>(1, samples)));
      const auto at = [middle](double value) {
        return middle - std::clamp(value, -1.0, 1.0) * kWaveHeight / 2;
      };
      x.push_back(kLeft + static_cast<double>(i) + 0.5);
      peak_up.push_back(at(static_cast<double>(most)) - 0.4);
      peak_down.push_back(at(static_cast<double>(least)) + 0.4);
      rms_up.push_back(std::max(at(rms), peak_up.back()));
      rms_down.push_back(std::min(at(-rms), peak_down.back()));
    }
    canvas.area(x, peak_up, peak_down, colour, 0.45);
    canvas.area(x, rms_up, rms_down, colour, 0.95);
  }
  canvas.frame(kLeft, y, kWidth, kWaveHeight);
  for (const double level : {-1.0, 0.0, 1.0})
    canvas.text(kLeft - 8, middle - level * (kWaveHeight / 2 - 6) + 4,
                level == 0 ? "0" : fmt::format("{:+.0f}", level), 11, kFaint, 1);
}

void draw_frequencies(Canvas& canvas, std::uint32_t rate, double y) {
  const double half = rate / 2.0;
  const double step = step_of(half, 6, false);
  for (int i = 0; i * step <= half * 1.0001; ++i) {
    const double hz = i * step;
    const double at = std::round(y + kSpectrumHeight * (1 - hz / half)) + 0.5;
    canvas.line(kLeft - 5, at, kLeft, at, kFaint);
    canvas.text(kLeft - 8, std::clamp(at + 4, y + 9, y + kSpectrumHeight), fmt::format("{:g}", hz / 1000), 11,
                kFaint, 1);
  }
  canvas.upright(kLeft - 44, y + kSpectrumHeight / 2, "kHz", 12, kInk);
}

void draw_times(Canvas& canvas, double seconds, double y, bool labels) {
  if (seconds <= 0) return;
  const double step = step_of(seconds, 12, true);
  for (int i = 0; i * step <= seconds * 1.0001; ++i) {
    const double at = std::round(kLeft + kWidth * i * step / seconds) + 0.5;
    canvas.line(at, y, at, y + 5, kFaint);
    if (labels) canvas.text(at, y + 18, clock_text(i * step, step), 11, kFaint, 0.5);
  }
  if (labels)
    canvas.text(kLeft + kWidth / 2, y + 36, step < 1 ? "seconds" : "minutes:seconds", 12, kInk, 0.5);
}

void draw_scale(Canvas& canvas, double y, double loudest_db) {
  const double x = kLeft + kWidth + 16;
  for (int i = 0; i < static_cast<int>(kSpectrumHeight); ++i)
    canvas.box(x, y + i, 14, 1.2, heat(1 - (i + 0.5) / kSpectrumHeight));
  canvas.frame(x, y, 14, kSpectrumHeight);
  for (int i = 0; i * 10.0 <= kRangeDb; ++i) {
    const double db = loudest_db - i * 10.0;
    const double at = std::round(y + kSpectrumHeight * (loudest_db - db) / kRangeDb) + 0.5;
    canvas.line(x + 14, at, x + 18, at, kFaint);
    canvas.text(x + 22, std::clamp(at + 4, y + 9, y + kSpectrumHeight), fmt::format("{:.0f}", db), 11,
                kFaint);
  }
  canvas.upright(x + 62, y + kSpectrumHeight / 2, "dBFS", 12, kInk);
}

bool is_svg(const std::string& path) {
  return ascii::lower(path).ends_with(".svg");
}

// The file that cairo draws into: it keeps no reason of its own where something cannot be written.
struct Drawing {
  file::Output output;
  Result<> done;

  static cairo_status_t put(void* self, const unsigned char* bytes, unsigned count) {
    auto& drawing = *static_cast<Drawing*>(self);
    if (drawing.done) drawing.done = drawing.output.write(std::as_bytes(std::span(bytes, count)));
    return drawing.done ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
  }
};

} // namespace

void check_plot(const std::string& path, bool force) {
  if (!is_svg(path) && !ascii::lower(path).ends_with(".png"))
    cli::fail_usage(fmt::format("--plot {}: expected a name that ends in .png or .svg", path));
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!force) {
    throw cli::Failure(cli::ExitCode::cannot_create,
                       fmt::format("{}: exists already; --force overwrites it", path));
  }
  if (!S_ISREG(status.st_mode)) cli::fail_usage(fmt::format("--plot {}: is no regular file", path));
}

struct Plot::Impl {
  audio::Format format;
  Cairo cairo = load_cairo(); // before the work and not after it, should it be missing
  std::vector<PlotColumns> columns;
  std::vector<float> floats;

  explicit Impl(audio::Format of) : format(of) {
    const Fft fft = load_fft();
    for (std::uint16_t c = 0; c < of.channels; ++c)
      columns.emplace_back(of.rate, fft);
  }

  void paint(cairo_surface_t* surface, const std::string& title) {
    Canvas canvas(cairo, surface);
    canvas.box(0, 0, kLeft + kWidth + kRight, picture_height(columns.size()), kPaper);
    const double seconds = static_cast<double>(columns[0].samples()) / format.rate;
    canvas.text(kLeft, 28, title, 16, kInk);
    canvas.text(kLeft + kWidth, 28,
                fmt::format("{} Hz, {}, {}", format.rate,
                            columns.size() == 1 ? "mono" : fmt::format("{} channels", columns.size()),
                            seconds < 60 ? fmt::format("{:.3f} s", seconds) : clock_text(seconds, 1)),
                12, kFaint, 1);
    // One scale for all channels: up to the loudest, in steps of 10 dB.
    double loudest = 0;
    for (const PlotColumns& channel : columns) {
      for (std::size_t i = 0; i < channel.waves().size(); ++i) {
        for (std::size_t r = 0; r < channel.rows(); ++r)
          loudest = std::max(loudest, channel.power(i, r));
      }
    }
    const double loudest_db =
        std::clamp(10 * std::ceil(std::log10(std::max(loudest, 1e-6))), -30.0, 0.0) + 0.0; // not -0
    double y = kTop;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      draw_wave(canvas, columns[c], y, kWaveColours[c % kWaveColours.size()]);
      if (columns.size() > 1) {
        const std::string name =
            columns.size() == 2 ? (c == 0 ? "left" : "right") : fmt::format("channel {}", c + 1);
        canvas.upright(kLeft + kWidth + 26, y + kWaveHeight / 2, name, 12, kInk);
      }
      const double below = y + kWaveHeight + kGap;
      auto pixels = spectrum_pixels(columns[c], loudest_db);
      canvas.image(kLeft, below, static_cast<int>(kWidth), static_cast<int>(kSpectrumHeight), pixels);
      canvas.frame(kLeft, below, kWidth, kSpectrumHeight);
      draw_frequencies(canvas, format.rate, below);
      draw_scale(canvas, below, loudest_db);
      draw_times(canvas, seconds, below + kSpectrumHeight, c + 1 == columns.size());
      y += kChannelHeight + kChannelGap;
    }
  }

  template <class Sample>
  void hear(std::size_t channel, std::span<const Sample> pcm, float scale) {
    floats.resize(pcm.size());
    std::transform(pcm.begin(), pcm.end(), floats.begin(), [scale](Sample x) {
      const float value = static_cast<float>(x) * scale;
      return std::isfinite(value) ? value : 0.0F;
    });
    columns[channel].add(floats);
  }
};

Plot::Plot(audio::Format format) : impl_(std::make_unique<Impl>(format)) {}
Plot::~Plot() = default;

void Plot::hear(std::size_t channel, std::span<const std::int16_t> pcm) {
  impl_->hear(channel, pcm, 1.0F / 32768.0F);
}

void Plot::hear(std::size_t channel, std::span<const float> pcm) {
  impl_->hear(channel, pcm, 1.0F);
}

void Plot::draw(const std::string& path, const std::string& title) {
  for (PlotColumns& channel : impl_->columns)
    channel.finish();
  const Cairo& cairo = impl_->cairo;
  const auto checked = [&path](auto done) {
    if (!done)
      throw cli::Failure(cli::ExitCode::cannot_create, fmt::format("{}: {}", path, done.error().reason()));
    return done;
  };
  Drawing drawing{std::move(*checked(file::Output::create(path, file::Output::Mode::replace))), {}};
  const double height = picture_height(impl_->columns.size());
  cairo_surface_t* surface =
      is_svg(path)
          ? cairo.svg_surface_create_for_stream(Drawing::put, &drawing, kLeft + kWidth + kRight, height)
          : cairo.image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(kLeft + kWidth + kRight),
                                       static_cast<int>(height));
  impl_->paint(surface, title);
  cairo_status_t status = CAIRO_STATUS_SUCCESS;
  if (!is_svg(path)) status = cairo.surface_write_to_png_stream(surface, Drawing::put, &drawing);
  cairo.surface_finish(surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo.surface_status(surface);
  cairo.surface_destroy(surface);
  checked(drawing.done);
  if (status != CAIRO_STATUS_SUCCESS)
    throw cli::Failure(cli::ExitCode::cannot_create, fmt::format("{}: cannot be written", path));
  checked(drawing.output.close());
}

} // namespace talky::transcode
