// What the plot uses of cairo and KISS FFT, which are loaded when something is to be drawn and not before.
#pragma once
#include <cairo-svg.h>
#include <cairo.h>
#include <kiss_fftr.h>

namespace talky::transcode {

struct Cairo {
  decltype(&cairo_image_surface_create) image_surface_create = nullptr;
  decltype(&cairo_image_surface_create_for_data) image_surface_create_for_data = nullptr;
  decltype(&cairo_svg_surface_create) svg_surface_create = nullptr;
  decltype(&cairo_surface_write_to_png) surface_write_to_png = nullptr;
  decltype(&cairo_surface_finish) surface_finish = nullptr;
  decltype(&cairo_surface_status) surface_status = nullptr;
  decltype(&cairo_surface_destroy) surface_destroy = nullptr;
  decltype(&cairo_create) create = nullptr;
  decltype(&cairo_destroy) destroy = nullptr;
  decltype(&cairo_set_source_rgb) set_source_rgb = nullptr;
  decltype(&cairo_set_source_rgba) set_source_rgba = nullptr;
  decltype(&cairo_set_source_surface) set_source_surface = nullptr;
  decltype(&cairo_set_line_width) set_line_width = nullptr;
  decltype(&cairo_rectangle) rectangle = nullptr;
  decltype(&cairo_move_to) move_to = nullptr;
  decltype(&cairo_line_to) line_to = nullptr;
  decltype(&cairo_close_path) close_path = nullptr;
  decltype(&cairo_stroke) stroke = nullptr;
  decltype(&cairo_fill) fill = nullptr;
  decltype(&cairo_paint) paint = nullptr;
  decltype(&cairo_select_font_face) select_font_face = nullptr;
  decltype(&cairo_set_font_size) set_font_size = nullptr;
  decltype(&cairo_show_text) show_text = nullptr;
  decltype(&cairo_text_extents) text_extents = nullptr;
  decltype(&cairo_save) save = nullptr;
  decltype(&cairo_restore) restore = nullptr;
  decltype(&cairo_rotate) rotate = nullptr;
  decltype(&cairo_translate) translate = nullptr;
};

struct Fft {
  decltype(&kiss_fftr_alloc) alloc = nullptr;
  decltype(&kiss_fftr) transform = nullptr;
};

// Throw Failure (unavailable) with the package's name where it is not installed.
Cairo load_cairo();
Fft load_fft();

} // namespace talky::transcode
