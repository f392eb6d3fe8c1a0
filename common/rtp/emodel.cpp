#include "rtp/emodel.hpp"

#include <algorithm>
#include <cmath>

#include "core/ascii.hpp"

namespace talky::rtp {

namespace {
constexpr double kDefaultR = 93.2; // G.107 table 3, with all parameters at their defaults

// G.107 7.4: impairment by pure delay, Idd, nothing below 100 ms.
double delay_impairment(double ms) {
  if (ms <= 100) return 0;
  const double x = std::log2(ms / 100);
  const double x6 = std::pow(x, 6);
  return 25 * (std::pow(1 + x6, 1.0 / 6) - 3 * std::pow(1 + x6 / 729, 1.0 / 6) + 2);
}
} // namespace

CodecImpairment impairment_of(std::string_view codec) {
  const auto published = published_impairment_of(codec);
  if (!published || !published->bpl) return {published ? published->ie : 0, 25.1};
  return {published->ie, *published->bpl};
}

std::optional<PublishedImpairment> published_impairment_of(std::string_view codec) {
  struct Entry {
    std::string_view name;
    PublishedImpairment impairment;
  };
  static constexpr Entry kTable[]{
      {"PCMU", {0, 25.1}},  {"PCMA", {0, 25.1}},    {"L16", {0, 25.1}},    {"G722", {13, 4.3}},
      {"G729", {11, 19.0}}, // Annex A with VAD, as telephones send it
      {"G723", {15, 16.1}}, // 6.3 kbit/s
      {"GSM", {20, {}}},    {"GSM-EFR", {5, 10.0}}, {"G728", {7, {}}},     {"G726-40", {2, {}}},
      {"G726-32", {7, {}}}, {"G726-24", {25, {}}},  {"G726-16", {50, {}}},
  };
  for (const Entry& entry : kTable) {
    if (ascii::iequals(entry.name, codec)) return entry.impairment;
  }
  return std::nullopt;
}

double r_factor(const Transmission& transmission, CodecImpairment codec) {
  const double loss = std::clamp(transmission.loss, 0.0, 1.0) * 100;
  const double burst = std::max(transmission.burst_ratio, 1.0);
  const double equipment =
      loss > 0 ? codec.ie + (95 - codec.ie) * loss / (loss / burst + codec.bpl) : codec.ie;
  return std::clamp(kDefaultR - delay_impairment(transmission.delay_ms) - equipment, 0.0, 100.0);
}

double mos(double r) {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  return std::max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

} // namespace talky::rtp
