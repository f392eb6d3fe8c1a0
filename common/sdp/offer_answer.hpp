// The offer/answer model (RFC 3264) for one call with one audio stream, as a pure state machine.
//
//   their offer:  accept_offer(text) -> the answer to send, plan() changed
//   our offer:    make_offer() -> the offer to send; then accept_answer(text), or abandon_offer() if it was
//   refused a late offer: make_offer() goes out in the 200, accept_answer() takes what the ACK brings
//
// An answer names exactly one codec and at most one telephone-event. Every stream other than the first audio
// stream that we can do is refused with port 0, in its place, with its protocol and formats as offered. A
// failed step changes nothing: the session as it was goes on (the 488 that keeps the call).
//
// Hold is understood as sendonly, inactive, 0.0.0.0 or "::" in c= of the session or of the media, and port 0
// in a re-offer.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoint.hpp"
#include "core/error.hpp"
#include "sdp/session.hpp"

namespace talky::sdp {

struct Codec {
  std::string name; // "PCMU"; compared in any case
  std::uint32_t clock_rate = 8000;
  std::uint8_t payload_type = 0; // what our offers call it; dynamic types are 96..127
  std::string fmtp;              // written in offers and answers as it stands; "" for none
  std::uint8_t channels = 1;
  bool operator==(const Codec&) const = default;
};

struct Capabilities {
  std::vector<Codec> codecs; // best first
  // Which list decides when both sides can do several: ours, or the order of the offer (RFC 3264 6.1's
  // SHOULD). The codec in use is kept in a re-offer for as long as it is offered.
  bool prefer_our_order = false;
  std::optional<std::uint8_t> telephone_event = 101; // payload type in our offers; nullopt: no DTMF in RTP
  std::uint16_t ptime = 20;     // ms: what we ask for and send unless asked for something else
  std::uint16_t min_ptime = 10; // packets that media can make: multiples of 10 ms
  std::uint16_t max_ptime = 60;
  bool rtcp_mux = true; // RFC 5761: accept it where it is offered
};

// Where we receive. The address is the one written into the SDP, not the one bound.
struct LocalMedia {
  IpAddress address;
  std::uint16_t rtp_port = 0;
  std::uint16_t rtcp_port = 0; // 0: rtp_port + 1
  bool operator==(const LocalMedia&) const = default;
};

// What offer and answer agreed on, for call/media. Payload types of 0..127.
struct MediaPlan {
  Endpoint remote_rtp; // unspecified address: not known (a name, or hold by 0.0.0.0); latch onto what arrives
  Endpoint remote_rtcp; // equal to remote_rtp with rtcp_mux
  bool rtcp_mux = false;
  Direction direction = Direction::inactive; // ours: sends() means that we send
  bool remote_hold = false;                  // the peer put us on hold in whatever form
  std::string codec;                         // as in Capabilities
  std::uint32_t clock_rate = 8000;
  std::uint8_t channels = 1;
  std::uint8_t send_payload_type = 0;
  std::uint8_t receive_payload_type = 0;
  std::string send_fmtp;                              // the peer's parameters for what it receives
  std::uint16_t ptime = 20;                           // ms in one packet that we send
  std::optional<std::uint8_t> dtmf_send_payload_type; // telephone-event at clock_rate; nullopt: not agreed
  std::optional<std::uint8_t> dtmf_receive_payload_type;
  // Other codecs of ours that the peer may send without further notice: those that our offer named and its
  // answer kept.
  std::vector<Codec> also_receive;
  bool operator==(const MediaPlan&) const = default;
};

class OfferAnswer {
 public:
  // `session_id` is the number in o=, unique among our sessions (NTP-like or random); it never changes.
  OfferAnswer(Capabilities capabilities, const LocalMedia& local, std::uint64_t session_id);

  // Errors: malformed (not SDP; 400), unsupported (no audio stream in it that we can do; 488), closed (an
  // offer of ours is outstanding: glare; 491).
  Result<std::string> accept_offer(std::string_view offer);
  // Would it succeed now? Nothing changes.
  Result<> check_offer(std::string_view offer) const;
  // What a first offer would come to, for choosing a route before ports are known.
  static Result<MediaPlan> preview(const Capabilities& capabilities, std::string_view offer);

  // Our offer. While one is outstanding the same text is returned again. Never fails: what we can do can be
  // offered. In a session that runs, the codec in use comes first under its payload type, and the others
  // follow.
  const std::string& make_offer();
  // The answer to it. Errors: malformed, unsupported (the peer refused the audio or chose nothing that we
  // offered), closed (no offer is outstanding). After an error the offer is over, and the session is as it
  // was before.
  Result<> accept_answer(std::string_view answer);
  // Again for the same offer, from another fork: allowed until the next exchange begins.
  Result<> replace_answer(std::string_view answer);
  void abandon_offer(); // the offer was refused: the session as it was before goes on
  bool offer_pending() const { return pending_.has_value(); }

  // What we want; shows in the next offer or answer. sendrecv at the start. Holding the peer is sendonly
  // (with sound for it) or inactive.
  void set_direction(Direction wanted) { wanted_ = wanted; }
  Direction wanted_direction() const { return wanted_; }
  void set_local(const LocalMedia& local) { local_ = local; }
  const LocalMedia& local() const { return local_; }

  // nullopt until the first exchange is complete.
  const std::optional<MediaPlan>& plan() const { return plan_; }
  // The last description that we made; "" before the first one. For the same state it is the same to the
  // byte, o= included.
  const std::string& local_description() const { return sent_; }

 private:
  struct Stream { // one m= line of the session, ours as well as refused ones
    std::string type = "audio";
    std::string protocol = "RTP/AVP";
    std::string formats; // of a refused stream, as offered
    std::string mid;
    bool active = true;
  };
  struct Offer { // an offer of ours: what an answer is held against
    std::string text;
    std::vector<Stream> streams;
    std::vector<Codec> codecs; // with the payload types offered
    std::optional<std::uint8_t> telephone_event;
    Direction direction = Direction::sendrecv;
  };
  struct Choice { // what an offer of theirs comes to
    std::size_t stream = 0;
    const Codec* codec = nullptr;
    MediaPlan plan;
  };

  static Result<Choice> choose(const Capabilities& capabilities, const Session& session,
                               const std::optional<MediaPlan>& now, Direction wanted);
  Result<MediaPlan> read_answer(const Offer& offer, std::string_view answer) const;
  // Writes a description with the o= version that is due.
  std::string describe(const std::vector<Stream>& streams, std::string_view audio_formats,
                       std::string_view audio_attributes);
  std::string render(const std::vector<Stream>& streams, std::string_view audio_formats,
                     std::string_view audio_attributes) const;

  Capabilities capabilities_;
  LocalMedia local_;
  std::uint64_t session_id_;
  std::uint64_t version_ = 1;
  Direction wanted_ = Direction::sendrecv;
  std::vector<Stream> streams_; // of the agreed session, in the order of the m= lines
  std::string sent_;
  std::optional<MediaPlan> plan_;
  std::optional<Offer> pending_;
  std::optional<Offer> answered_; // the offer that the last answer belongs to, for replace_answer
};

} // namespace talky::sdp
