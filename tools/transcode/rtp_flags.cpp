#include "rtp_flags.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/failure.hpp"
#include "core/ascii.hpp"

namespace talky::transcode {

namespace {

std::vector<std::string_view> items_of(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    items.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

std::vector<std::uint32_t> ssrcs_of(const std::string& text) {
  std::vector<std::uint32_t> all;
  for (const auto item : items_of(text)) {
    const bool hex = item.starts_with("0x") || item.starts_with("0X");
    const auto ssrc = ascii::to_number<std::uint32_t>(hex ? item.substr(2) : item, hex ? 16 : 10);
    if (!ssrc || all.size() == 2)
      cli::fail_usage(fmt::format("--ssrc {}: expected one number or two, as 0x1234abcd or 0x1,0x2", text));
    all.push_back(*ssrc);
  }
  return all;
}

capture::Format format_of(std::string_view text, const std::string& option) {
  auto format = capture::parse_format(text);
  if (!format) cli::fail_usage(fmt::format("{}: expected {}", option, format.error().what));
  return std::move(*format);
}

std::uint8_t payload_type_of(std::string_view text, const Flags& flags) {
  const auto payload_type = ascii::to_number<std::uint8_t>(text);
  if (!payload_type || *payload_type > 127)
    cli::fail_usage(fmt::format("--payload-type {}: expected 0 to 127, or for an input 111=opus/48000/2",
                                flags.payload_type));
  return *payload_type;
}

} // namespace

RtpOptions rtp_options_of(const Flags& flags) {
  RtpOptions options;
  options.ssrcs = ssrcs_of(flags.ssrc);
  options.jitter_buffer = flags.jitter_buffer;
  for (const auto item : items_of(flags.payload_type)) {
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue; // of the output
    options.types[payload_type_of(item.substr(0, equals), flags)] =
        format_of(item.substr(equals + 1), "--payload-type " + flags.payload_type);
  }
  if (!flags.impair.empty()) {
    const auto impairment = rtp::Impairment::parse(flags.impair);
    if (!impairment) {
      cli::fail_usage(fmt::format("--impair {}: character {}: expected {}", flags.impair,
                                  impairment.error().offset + 1, impairment.error().what));
    }
    options.impairment = *impairment;
  }
  if (const auto rate = rate_of(flags.rate, "-r")) options.rate = rate;
  return options;
}

RtpOutput rtp_output_of(const Flags& flags) {
  RtpOutput output;
  if (!flags.codec.empty()) {
    const capture::Format format = format_of(flags.codec, "--codec " + flags.codec);
    output.codec = capture::codec_of(format);
    if (output.codec == nullptr)
      cli::fail_usage(fmt::format("--codec {}: no such codec of ours", flags.codec));
  }
  const auto ssrcs = ssrcs_of(flags.ssrc);
  if (!ssrcs.empty()) output.ssrc = ssrcs.front();
  const auto ptime = ascii::to_number<std::uint32_t>(flags.ptime);
  if (!ptime || *ptime < 1 || *ptime > 200)
    cli::fail_usage(fmt::format("--ptime {}: expected 1 to 200 milliseconds", flags.ptime));
  output.ptime_ms = *ptime;
  for (const auto item : items_of(flags.payload_type)) {
    if (item.find('=') == std::string_view::npos) output.payload_type = payload_type_of(item, flags);
  }
  if (!flags.bitrate.empty()) {
    std::string_view number = flags.bitrate;
    const bool kilo = number.ends_with('k') || number.ends_with('K');
    if (kilo) number.remove_suffix(1);
    const auto rate = ascii::to_number<std::uint32_t>(number);
    if (!rate || *rate > 510'000 || *rate * (kilo ? 1000U : 1U) < 6000 ||
        *rate * (kilo ? 1000U : 1U) > 510'000)
      cli::fail_usage(fmt::format("--bitrate {}: expected 6k to 510k", flags.bitrate));
    output.options.bitrate = *rate * (kilo ? 1000U : 1U);
  }
  output.options.fec = flags.fec > 0;
  output.options.expected_loss = static_cast<std::uint8_t>(std::clamp(flags.fec, 0, 100));
  if (flags.fec < 0 || flags.fec > 100)
    cli::fail_usage("--fec: expected the loss to reckon with, 0 to 100 percent");
  output.options.dtx = flags.dtx;
  return output;
}

} // namespace talky::transcode
