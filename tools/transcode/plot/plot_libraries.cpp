#include "transcode/plot/plot_libraries.hpp"

#include <fmt/core.h>

#include "cli/exit_code.hpp"
#include "core/dynamic_library.hpp"

namespace talky::transcode {

namespace {

DynamicLibrary load(const char* soname, const char* package) {
  const auto library = DynamicLibrary::load(soname, package);
  if (!library) {
    throw cli::Failure(cli::ExitCode::unavailable,
                       fmt::format("--plot needs {}: install {}", soname, package));
  }
  return *library;
}

void check(bool whole, const char* package) {
  if (!whole) throw cli::Failure(cli::ExitCode::unavailable, fmt::format("--plot needs a newer {}", package));
}

} // namespace

Cairo load_cairo() {
  const DynamicLibrary from = load("libcairo.so.2", "libcairo2");
  Cairo c;
  check(from.bind(c.image_surface_create, "cairo_image_surface_create") &&
            from.bind(c.image_surface_create_for_data, "cairo_image_surface_create_for_data") &&
            from.bind(c.svg_surface_create, "cairo_svg_surface_create") &&
            from.bind(c.surface_write_to_png, "cairo_surface_write_to_png") &&
            from.bind(c.surface_finish, "cairo_surface_finish") &&
            from.bind(c.surface_status, "cairo_surface_status") &&
            from.bind(c.surface_destroy, "cairo_surface_destroy") && from.bind(c.create, "cairo_create") &&
            from.bind(c.destroy, "cairo_destroy") && from.bind(c.set_source_rgb, "cairo_set_source_rgb") &&
            from.bind(c.set_source_rgba, "cairo_set_source_rgba") &&
            from.bind(c.set_source_surface, "cairo_set_source_surface") &&
            from.bind(c.set_line_width, "cairo_set_line_width") &&
            from.bind(c.rectangle, "cairo_rectangle") && from.bind(c.move_to, "cairo_move_to") &&
            from.bind(c.line_to, "cairo_line_to") && from.bind(c.close_path, "cairo_close_path") &&
            from.bind(c.stroke, "cairo_stroke") && from.bind(c.fill, "cairo_fill") &&
            from.bind(c.paint, "cairo_paint") && from.bind(c.select_font_face, "cairo_select_font_face") &&
            from.bind(c.set_font_size, "cairo_set_font_size") && from.bind(c.show_text, "cairo_show_text") &&
            from.bind(c.text_extents, "cairo_text_extents") && from.bind(c.save, "cairo_save") &&
            from.bind(c.restore, "cairo_restore") && from.bind(c.rotate, "cairo_rotate") &&
            from.bind(c.translate, "cairo_translate"),
        "libcairo2");
  return c;
}

Fft load_fft() {
  const DynamicLibrary from = load("libkissfft-float.so.131", "libkissfft-float131");
  Fft f;
  check(from.bind(f.alloc, "kiss_fftr_alloc") && from.bind(f.transform, "kiss_fftr"), "libkissfft-float131");
  return f;
}

} // namespace talky::transcode
