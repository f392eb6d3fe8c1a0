#include "sdp/offer_answer.hpp"

#include <algorithm>

#include "core/ascii.hpp"

namespace talky::sdp {
namespace {

constexpr std::string_view kTelephoneEventName = "telephone-event";
constexpr std::string_view kTelephoneEventRange = "0-16"; // RFC 4733: the sixteen keys and the flash

bool same_codec(const Codec& codec, const RtpMap& map) {
  return ascii::iequals(codec.name, map.name) && codec.clock_rate == map.clock_rate &&
         codec.channels == map.channels;
}

bool is_plain_rtp(std::string_view protocol) { // SRTP (SAVP) and DTLS are not ours
  return ascii::iequals(protocol, "RTP/AVP") || ascii::iequals(protocol, "RTP/AVPF");
}

std::optional<std::uint8_t> payload_type(std::string_view format) {
  const auto number = ascii::to_number<std::uint8_t>(format);
  return number && *number < 128 ? number : std::nullopt;
}

std::string join(const std::vector<std::string_view>& words) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out.push_back(' ');
    out.append(word);
  }
  return out;
}

// The payload type under which `media` lists telephone-event at this clock rate.
std::optional<std::uint8_t> find_telephone_event(const Media& media, std::uint32_t clock_rate) {
  for (const std::string_view format : media.formats) {
    const auto type = payload_type(format);
    if (!type) continue;
    const auto map = media.rtpmap(*type);
    if (map && ascii::iequals(map->name, kTelephoneEventName) && map->clock_rate == clock_rate) return type;
  }
  return std::nullopt;
}

// Nobody may have ours sent to a crowd.
bool is_for_many(const Session& session, const Media& media) {
  const auto connection = session.connection_of(media);
  return connection && connection->ip &&
         (connection->ip->is_multicast() || *connection->ip == IpAddress::v4(255, 255, 255, 255));
}

std::uint16_t packet_time(const Capabilities& capabilities, const Media& media) {
  std::uint16_t ms = media.milliseconds("ptime").value_or(0);
  if (ms == 0) ms = capabilities.ptime;
  if (const auto limit = media.milliseconds("maxptime"); limit && *limit > 0) ms = std::min(ms, *limit);
  ms = static_cast<std::uint16_t>(ms - ms % 10);
  return std::clamp(ms, capabilities.min_ptime, capabilities.max_ptime);
}

// Where the peer receives, as its description of this stream says.
void read_addresses(const Capabilities& capabilities, const Session& session, const Media& media,
                    MediaPlan& plan) {
  const auto connection = session.connection_of(media);
  const IpAddress ip = connection && connection->ip ? *connection->ip : IpAddress{};
  plan.remote_rtp = {ip, media.port};
  plan.rtcp_mux = capabilities.rtcp_mux && media.has("rtcp-mux");
  if (plan.rtcp_mux) {
    plan.remote_rtcp = plan.remote_rtp;
  } else if (const auto rtcp = media.rtcp()) {
    plan.remote_rtcp = {rtcp->ip.value_or(ip), rtcp->port};
  } else {
    plan.remote_rtcp = {ip, static_cast<std::uint16_t>(media.port == 65535 ? 0 : media.port + 1)};
  }
}

// Directions as RFC 3264 6.1 and 8.4 combine them: theirs, their hold address, and what we want.
void read_direction(const Session& session, const Media& media, Direction wanted, MediaPlan& plan) {
  const Direction theirs = session.direction_of(media);
  const auto connection = session.connection_of(media);
  const bool deaf = connection && connection->is_hold();
  plan.remote_hold = deaf || !receives(theirs);
  plan.direction = both(reversed(theirs), wanted);
  if (deaf) plan.direction = make_direction(false, receives(plan.direction));
}

void append_codec(const Codec& codec, std::uint8_t type, std::string& formats, std::string& attributes) {
  if (!formats.empty()) formats.push_back(' ');
  const std::string number = std::to_string(type);
  formats.append(number);
  std::string map = number + " " + codec.name + "/" + std::to_string(codec.clock_rate);
  if (codec.channels != 1) map.append("/").append(std::to_string(codec.channels));
  Writer out(attributes);
  out.attribute("rtpmap", map);
  if (!codec.fmtp.empty()) out.attribute("fmtp", number + " " + codec.fmtp);
}

void append_telephone_event(std::uint8_t type, std::uint32_t clock_rate, std::string& formats,
                            std::string& attributes) {
  append_codec({std::string(kTelephoneEventName), clock_rate, type, std::string(kTelephoneEventRange), 1},
               type, formats, attributes);
}

// A dynamic payload type that nobody in `used` has.
std::uint8_t free_payload_type(const std::vector<std::uint8_t>& used) {
  std::uint8_t type = 96;
  while (type < 127 && std::find(used.begin(), used.end(), type) != used.end())
    ++type;
  return type;
}

} // namespace

OfferAnswer::OfferAnswer(Capabilities capabilities, const LocalMedia& local, std::uint64_t session_id)
    : capabilities_(std::move(capabilities)), local_(local), session_id_(session_id) {}

std::string OfferAnswer::render(const std::vector<Stream>& streams, std::string_view audio_formats,
                                std::string_view audio_attributes) const {
  std::string text;
  text.reserve(320 + 96 * streams.size());
  Writer out(text);
  out.line('v', "0").origin("talky", session_id_, version_, local_.address).line('s', "talky");
  out.connection(local_.address).line('t', "0 0");
  for (const Stream& stream : streams) {
    if (stream.active) {
      out.media(stream.type, local_.rtp_port, stream.protocol, audio_formats);
      text.append(audio_attributes);
    } else {
      out.media(stream.type, 0, stream.protocol, stream.formats);
    }
    if (!stream.mid.empty()) out.attribute("mid", stream.mid);
  }
  return text;
}

std::string OfferAnswer::describe(const std::vector<Stream>& streams, std::string_view audio_formats,
                                  std::string_view audio_attributes) {
  std::string text = render(streams, audio_formats, audio_attributes);
  if (!sent_.empty() && text != sent_) { // RFC 3264 8: another description, another version
    ++version_;
    text = render(streams, audio_formats, audio_attributes);
  }
  sent_ = text;
  return text;
}

Result<OfferAnswer::Choice> OfferAnswer::choose(const Capabilities& capabilities, const Session& session,
                                                const std::optional<MediaPlan>& now, Direction wanted) {
  // Lower is better: the codec in use, then the order of whoever decides.
  const auto rank = [&](std::size_t ours, std::size_t theirs) {
    if (now && ascii::iequals(now->codec, capabilities.codecs[ours].name) &&
        now->clock_rate == capabilities.codecs[ours].clock_rate) {
      return std::size_t{0};
    }
    return 1 + (capabilities.prefer_our_order ? ours : theirs);
  };
  bool disabled = false;
  for (std::size_t index = 0; index < session.media.size(); ++index) {
    const Media& media = session.media[index];
    if (!ascii::iequals(media.type, "audio") || !is_plain_rtp(media.protocol)) continue;
    if (media.port == 0) {
      disabled = true;
      continue;
    }
    if (is_for_many(session, media)) continue;
    Choice choice;
    std::size_t best = SIZE_MAX;
    for (std::size_t theirs = 0; theirs < media.formats.size(); ++theirs) {
      const auto type = payload_type(media.formats[theirs]);
      const auto map = type ? media.rtpmap(*type) : std::nullopt;
      if (!map) continue;
      for (std::size_t ours = 0; ours < capabilities.codecs.size(); ++ours) {
        if (!same_codec(capabilities.codecs[ours], *map) || rank(ours, theirs) >= best) continue;
        best = rank(ours, theirs);
        choice.codec = &capabilities.codecs[ours];
        choice.plan.send_payload_type = choice.plan.receive_payload_type = *type;
      }
    }
    if (choice.codec == nullptr) continue;
    MediaPlan& plan = choice.plan;
    choice.stream = index;
    plan.codec = choice.codec->name;
    plan.clock_rate = choice.codec->clock_rate;
    plan.channels = choice.codec->channels;
    plan.send_fmtp = media.fmtp(plan.send_payload_type);
    if (capabilities.telephone_event) {
      plan.dtmf_send_payload_type = plan.dtmf_receive_payload_type =
          find_telephone_event(media, plan.clock_rate);
    }
    plan.ptime = packet_time(capabilities, media);
    read_addresses(capabilities, session, media, plan);
    read_direction(session, media, wanted, plan);
    return choice;
  }
  if (disabled && now) { // a re-offer that switches the stream off: hold in its last form
    Choice choice;
    choice.stream = session.media.size();
    choice.plan = *now;
    choice.plan.direction = Direction::inactive;
    choice.plan.remote_hold = true;
    return choice;
  }
  return fail(Errc::unsupported, 0, "an audio stream over RTP/AVP in a codec of ours");
}

Result<MediaPlan> OfferAnswer::preview(const Capabilities& capabilities, std::string_view offer) {
  const auto session = Session::parse(offer);
  if (!session) return tl::unexpected(session.error());
  auto choice = choose(capabilities, *session, std::nullopt, Direction::sendrecv);
  if (!choice) return tl::unexpected(choice.error());
  return std::move(choice->plan);
}

Result<> OfferAnswer::check_offer(std::string_view offer) const {
  if (pending_) return fail(Errc::closed, 0, "no offer of ours outstanding");
  const auto session = Session::parse(offer);
  if (!session) return tl::unexpected(session.error());
  if (const auto choice = choose(capabilities_, *session, plan_, wanted_); !choice) {
    return tl::unexpected(choice.error());
  }
  return {};
}

Result<std::string> OfferAnswer::accept_offer(std::string_view offer) {
  if (pending_) return fail(Errc::closed, 0, "no offer of ours outstanding");
  const auto session = Session::parse(offer);
  if (!session) return tl::unexpected(session.error());
  auto choice = choose(capabilities_, *session, plan_, wanted_);
  if (!choice) return tl::unexpected(choice.error());

  MediaPlan& plan = choice->plan;
  std::vector<Stream> streams;
  std::string formats;
  std::string attributes;
  for (std::size_t index = 0; index < session->media.size(); ++index) {
    const Media& media = session->media[index];
    const Attribute* mid = media.find("mid");
    Stream& stream =
        streams.emplace_back(Stream{std::string(media.type), std::string(media.protocol), join(media.formats),
                                    std::string(mid ? mid->value : ""), index == choice->stream});
    if (!stream.active) continue;
    append_codec(*choice->codec, plan.receive_payload_type, formats, attributes);
    if (plan.dtmf_receive_payload_type) {
      append_telephone_event(*plan.dtmf_receive_payload_type, plan.clock_rate, formats, attributes);
    }
    Writer out(attributes);
    out.attribute("ptime", std::to_string(plan.ptime)).attribute(to_string(plan.direction));
    if (plan.rtcp_mux) {
      out.attribute("rtcp-mux");
    } else if (local_.rtcp_port != 0 && local_.rtcp_port != local_.rtp_port + 1) {
      out.attribute("rtcp", std::to_string(local_.rtcp_port));
    }
  }
  streams_ = std::move(streams);
  plan_ = std::move(plan);
  answered_.reset();
  return describe(streams_, formats, attributes);
}

const std::string& OfferAnswer::make_offer() {
  if (pending_) return pending_->text;
  Offer offer;
  offer.streams = streams_;
  offer.direction = wanted_;
  const auto audio =
      std::find_if(offer.streams.begin(), offer.streams.end(), [](const Stream& s) { return s.active; });
  if (audio == offer.streams.end()) { // none yet, or switched off by the peer: its m= line may be used again
    const auto reuse = std::find_if(offer.streams.begin(), offer.streams.end(), [](const Stream& s) {
      return ascii::iequals(s.type, "audio") && is_plain_rtp(s.protocol);
    });
    if (reuse != offer.streams.end()) {
      reuse->active = true;
    } else {
      offer.streams.emplace_back();
    }
  }

  // A payload type keeps its meaning for the whole session (RFC 3264 8.3.2), so what is in use stays, and the
  // others make room.
  offer.codecs = capabilities_.codecs;
  offer.telephone_event = capabilities_.telephone_event;
  if (plan_) {
    const auto in_use = std::find_if(offer.codecs.begin(), offer.codecs.end(), [&](const Codec& codec) {
      return codec.name == plan_->codec && codec.clock_rate == plan_->clock_rate;
    });
    if (in_use != offer.codecs.end()) {
      in_use->payload_type = plan_->receive_payload_type;
      std::rotate(offer.codecs.begin(), in_use, in_use + 1);
    }
    if (plan_->dtmf_receive_payload_type) offer.telephone_event = plan_->dtmf_receive_payload_type;
  }
  std::vector<std::uint8_t> used;
  const auto claim = [&used](std::uint8_t& type) {
    if (std::find(used.begin(), used.end(), type) != used.end()) type = free_payload_type(used);
    used.push_back(type);
  };
  for (std::size_t i = 0; i < offer.codecs.size(); ++i) {
    claim(offer.codecs[i].payload_type);
    if (i == 0 && offer.telephone_event)
      claim(*offer.telephone_event); // before the codecs that are not in use
  }

  std::string formats;
  std::string attributes;
  for (const Codec& codec : offer.codecs)
    append_codec(codec, codec.payload_type, formats, attributes);
  if (offer.telephone_event && !offer.codecs.empty()) {
    append_telephone_event(*offer.telephone_event, offer.codecs.front().clock_rate, formats, attributes);
  }
  Writer out(attributes);
  out.attribute("ptime", std::to_string(plan_ ? plan_->ptime : capabilities_.ptime));
  out.attribute(to_string(wanted_));
  if (capabilities_.rtcp_mux) out.attribute("rtcp-mux");
  if (local_.rtcp_port != 0 && local_.rtcp_port != local_.rtp_port + 1) {
    out.attribute("rtcp", std::to_string(local_.rtcp_port));
  }
  offer.text = describe(offer.streams, formats, attributes);
  pending_ = std::move(offer);
  return pending_->text;
}

Result<MediaPlan> OfferAnswer::read_answer(const Offer& offer, std::string_view answer) const {
  const auto session = Session::parse(answer);
  if (!session) return tl::unexpected(session.error());
  const auto audio =
      std::find_if(offer.streams.begin(), offer.streams.end(), [](const Stream& s) { return s.active; });
  const auto index = static_cast<std::size_t>(audio - offer.streams.begin());
  if (index >= session->media.size())
    return fail(Errc::malformed, answer.size(), "an answer to every m= line");
  const Media& media = session->media[index];
  if (media.port == 0 || !is_plain_rtp(media.protocol) || !ascii::iequals(media.type, "audio")) {
    return fail(Errc::unsupported, 0, "an answer that accepts the audio");
  }
  MediaPlan plan;
  for (const std::string_view format : media.formats) {
    const auto type = payload_type(format);
    const auto map = type ? media.rtpmap(*type) : std::nullopt;
    if (!map) continue;
    const auto codec = std::find_if(offer.codecs.begin(), offer.codecs.end(),
                                    [&](const Codec& offered) { return same_codec(offered, *map); });
    if (codec == offer.codecs.end()) continue;
    if (!plan.codec.empty()) {
      plan.also_receive.push_back(*codec);
      continue;
    }
    plan.codec = codec->name;
    plan.clock_rate = codec->clock_rate;
    plan.channels = codec->channels;
    plan.send_payload_type = *type;
    plan.receive_payload_type = codec->payload_type;
    plan.send_fmtp = media.fmtp(*type);
  }
  if (plan.codec.empty()) return fail(Errc::unsupported, 0, "an answer with a codec that was offered");
  if (offer.telephone_event && plan.clock_rate == offer.codecs.front().clock_rate) {
    plan.dtmf_send_payload_type = find_telephone_event(media, plan.clock_rate);
    if (plan.dtmf_send_payload_type) plan.dtmf_receive_payload_type = offer.telephone_event;
  }
  plan.ptime = packet_time(capabilities_, media);
  read_addresses(capabilities_, *session, media, plan);
  read_direction(*session, media, offer.direction, plan);
  return plan;
}

Result<> OfferAnswer::accept_answer(std::string_view answer) {
  if (!pending_) return fail(Errc::closed, 0, "an offer of ours outstanding");
  Offer offer = std::move(*pending_);
  pending_.reset();
  auto plan = read_answer(offer, answer);
  if (!plan) return tl::unexpected(plan.error());
  plan_ = std::move(*plan);
  streams_ = offer.streams;
  answered_ = std::move(offer);
  return {};
}

Result<> OfferAnswer::replace_answer(std::string_view answer) {
  if (!answered_ || pending_) return fail(Errc::closed, 0, "an offer of ours just answered");
  auto plan = read_answer(*answered_, answer);
  if (!plan) return tl::unexpected(plan.error());
  plan_ = std::move(*plan);
  return {};
}

void OfferAnswer::abandon_offer() {
  pending_.reset();
}

} // namespace talky::sdp
