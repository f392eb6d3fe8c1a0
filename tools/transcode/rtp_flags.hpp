// The options that concern RTP and the codecs, from the command line as it was typed. All throw Failure
// (usage) with the option's name and what was expected.
#pragma once
#include "flags.hpp"
#include "sink.hpp"
#include "source.hpp"

namespace talky::transcode {

RtpOptions rtp_options_of(const Flags& flags);
RtpOutput rtp_output_of(const Flags& flags);

} // namespace talky::transcode
