// Boxes, lines and text in colour: the one surface that a PNG and an SVG of --plot are drawn on.
#pragma once
#include <array>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "transcode/plot/plot_libraries.hpp"

namespace talky::transcode {

struct Rgb {
  double r, g, b;
};
constexpr Rgb kPaper{1, 1, 1};
constexpr Rgb kInk{0.13, 0.15, 0.19};
constexpr Rgb kFaint{0.45, 0.48, 0.53};
constexpr Rgb kGrid{0.88, 0.89, 0.91};
constexpr std::array kWaveColours{Rgb{0.16, 0.43, 0.72}, Rgb{0.80, 0.36, 0.12}}; // of the channels in turn

class Canvas {
 public:
  Canvas(const Cairo& cairo, cairo_surface_t* surface) : c_(cairo), at_(cairo.create(surface)) {
    c_.select_font_face(at_, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  }
  ~Canvas() { c_.destroy(at_); }
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  void box(double x, double y, double w, double h, Rgb colour) {
    c_.set_source_rgb(at_, colour.r, colour.g, colour.b);
    c_.rectangle(at_, x, y, w, h);
    c_.fill(at_);
  }
  void frame(double x, double y, double w, double h) {
    c_.set_source_rgb(at_, kFaint.r, kFaint.g, kFaint.b);
    c_.set_line_width(at_, 1);
    c_.rectangle(at_, x - 0.5, y - 0.5, w + 1, h + 1);
    c_.stroke(at_);
  }
  void line(double x0, double y0, double x1, double y1, Rgb colour) {
    c_.set_source_rgb(at_, colour.r, colour.g, colour.b);
    c_.set_line_width(at_, 1);
    c_.move_to(at_, x0, y0);
    c_.line_to(at_, x1, y1);
    c_.stroke(at_);
  }
  // `anchor`: 0 the text begins at x, 0.5 is centred there, 1 ends there.
  void text(double x, double y, const std::string& words, double size, Rgb colour, double anchor = 0) {
    c_.set_font_size(at_, size);
    c_.set_source_rgb(at_, colour.r, colour.g, colour.b);
    c_.move_to(at_, x - anchor * width_of(words), y);
    c_.show_text(at_, words.c_str());
  }
  void upright(double x, double y, const std::string& words, double size,
               Rgb colour) { // centred at y, read upwards
    c_.save(at_);
    c_.translate(at_, x, y);
    c_.rotate(at_, -std::numbers::pi / 2);
    text(0, 0, words, size, colour, 0.5);
    c_.restore(at_);
  }
  // The area between two lines over the same places.
  void area(std::span<const double> x, std::span<const double> upper, std::span<const double> lower,
            Rgb colour, double opacity) {
    if (x.empty()) return;
    c_.set_source_rgba(at_, colour.r, colour.g, colour.b, opacity);
    c_.move_to(at_, x[0], upper[0]);
    for (std::size_t i = 1; i < x.size(); ++i)
      c_.line_to(at_, x[i], upper[i]);
    for (std::size_t i = x.size(); i-- > 0;)
      c_.line_to(at_, x[i], lower[i]);
    c_.close_path(at_);
    c_.fill(at_);
  }
  // Pixels 0x00RRGGBB, row by row from the top.
  void image(double x, double y, int w, int h, std::vector<std::uint32_t>& pixels) {
    auto* bytes = static_cast<unsigned char*>(static_cast<void*>(pixels.data()));
    cairo_surface_t* picture = c_.image_surface_create_for_data(bytes, CAIRO_FORMAT_RGB24, w, h, 4 * w);
    c_.set_source_surface(at_, picture, x, y);
    c_.rectangle(at_, x, y, w, h);
    c_.fill(at_);
    c_.surface_destroy(picture);
  }

 private:
  double width_of(const std::string& words) {
    cairo_text_extents_t extents{};
    c_.text_extents(at_, words.c_str(), &extents);
    return extents.x_advance;
  }

  const Cairo& c_;
  cairo_t* at_;
};

} // namespace talky::transcode
