// What the plot uses of cairo and KISS FFT, which are loaded when something is to be drawn and not before.
#pragma once
#include <cairo-svg.h>
#include <cairo.h>
#include <kiss_fftr.h>

#include "dynamic/library.hpp"

namespace talky::transcode {

#define TALKY_CAIRO(symbol)                                                                                 \
  symbol(image_surface_create, cairo_image_surface_create)                                                  \
      symbol(image_surface_create_for_data, cairo_image_surface_create_for_data)                            \
          symbol(svg_surface_create_for_stream, cairo_svg_surface_create_for_stream)                        \
              symbol(surface_write_to_png_stream, cairo_surface_write_to_png_stream)                        \
                  symbol(surface_finish, cairo_surface_finish) symbol(surface_status, cairo_surface_status) \
                      symbol(surface_destroy, cairo_surface_destroy) symbol(create, cairo_create) symbol(   \
                          destroy, cairo_destroy) symbol(set_source_rgb, cairo_set_source_rgb)              \
                          symbol(set_source_rgba, cairo_set_source_rgba)                                    \
                              symbol(set_source_surface, cairo_set_source_surface) symbol(                  \
                                  set_line_width, cairo_set_line_width) symbol(rectangle, cairo_rectangle)  \
                                  symbol(move_to, cairo_move_to) symbol(line_to, cairo_line_to)             \
                                      symbol(close_path, cairo_close_path) symbol(stroke, cairo_stroke)     \
                                          symbol(fill, cairo_fill) symbol(paint, cairo_paint)               \
                                              symbol(select_font_face, cairo_select_font_face)              \
                                                  symbol(set_font_size, cairo_set_font_size)                \
                                                      symbol(show_text, cairo_show_text)                    \
                                                          symbol(text_extents, cairo_text_extents)          \
                                                              symbol(save, cairo_save)                      \
                                                                  symbol(restore, cairo_restore)            \
                                                                      symbol(rotate, cairo_rotate)          \
                                                                          symbol(translate, cairo_translate)
struct Cairo {
  TALKY_DYNAMIC_TABLE(TALKY_CAIRO)
};

#define TALKY_KISSFFT(symbol) symbol(alloc, kiss_fftr_alloc) symbol(transform, kiss_fftr)
struct Fft {
  TALKY_DYNAMIC_TABLE(TALKY_KISSFFT)
};

// Throw Failure (unavailable) with the package's name where it is not installed.
Cairo load_cairo();
Fft load_fft();

} // namespace talky::transcode
