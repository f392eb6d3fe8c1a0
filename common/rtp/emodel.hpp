// How a call sounds to a person, from what the network did to it: the E-model of ITU-T G.107 with default
// values for everything but delay, loss and codec.
//
//   R = 93.2 - Id(delay) - Ie,eff(loss, burst ratio, codec)      MOS = 1 + 0.035 R + R (R - 60) (100 - R)
//   7e-6
#pragma once
#include <optional>
#include <string_view>

namespace talky::rtp {

struct CodecImpairment { // G.113 Appendix I
  double ie;             // equipment impairment without loss
  double bpl;            // robustness against loss
};

// G.711 with concealment (Ie 0, Bpl 25.1) for PCMU, PCMA and L16, whose losses are concealed alike, and for
// what G.113 has no figures of.
CodecImpairment impairment_of(std::string_view codec);

// What G.113 (Appendix I and its amendments) says of a codec; nullopt: nothing. Of some it has no figure for
// their behaviour under loss.
struct PublishedImpairment {
  double ie = 0;
  std::optional<double> bpl;
};
std::optional<PublishedImpairment> published_impairment_of(std::string_view codec);

struct Transmission {
  double loss = 0;        // share of packets that were not heard, late ones included, 0 to 1
  double burst_ratio = 1; // see Statistics; 1 is random loss
  double delay_ms = 0;    // one way, mouth to ear
};

double r_factor(const Transmission& transmission, CodecImpairment codec); // 0 to 93.2
double mos(double r_factor);                                              // 1 to 4.5

} // namespace talky::rtp
