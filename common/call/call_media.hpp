// The sound of a call: what offer and answer have come to, and the media that carries it out.
#pragma once
#include <optional>
#include <string_view>

#include "call/call_signalling.hpp"
#include "call/timer_table.hpp"
#include "media/media.hpp"
#include "sdp/offer_answer.hpp"

namespace talky::call {

class CallMedia {
 public:
  // How far the call was when a description was agreed on.
  enum class Phase : std::uint8_t {
    early,     // before the answer: the peer is only heard
    answering, // CallAnswered is about to be emitted, and bears the plan
    running    // a change of what was agreed on: MediaChanged, Held, Resumed
  };

  CallMedia(CallSignalling& signalling, TimerTable& timers) : signalling_(signalling), timers_(timers) {}

  // Begins the negotiation. An offer of the peer's is taken at once. Errors: as OfferAnswer::accept_offer.
  Result<> negotiate(const sdp::Capabilities& capabilities, const sdp::LocalMedia& local,
                     std::string_view offer);
  // Makes the media: of the plan, or of all that our offer names. `invited`: by us, so that ours may go to
  // whatever address the peer names (media_source.hpp). Errors: unsupported (no such codec).
  Result<> create(const sdp::Capabilities& capabilities, bool recording, bool invited);

  sdp::OfferAnswer& negotiation() { return *negotiation_; }
  // The answer to our INVITE's offer; a later one (of another fork, or in the 2xx after a 183) takes its
  // place.
  bool take_answer(std::string_view answer);
  // Takes over what the negotiation has come to.
  void apply_plan(Phase phase, Time now);
  void forget_plan() { plan_.reset(); } // so that the same one is applied anew
  const std::optional<sdp::MediaPlan>& plan() const { return plan_; }

  media::Media* media() { return media_ ? &*media_ : nullptr; }
  const media::Media* media() const { return media_ ? &*media_ : nullptr; }
  bool started() const { return media_ && media_->started(); }
  void attach_bridge();
  bool receive(Bytes bytes, const Endpoint& source, bool is_rtcp, Time now); // as Media::receive()
  // Nothing has been received for too long. True: that is the end. Held calls are silent by right; phones
  // that hold with sendonly mostly send nothing, too.
  bool fell_silent();
  // Somebody must be heard within the usual time.
  void expect_media(Time now);
  bool is_silent() const { return silent_; }

 private:
  CallSignalling& signalling_;
  TimerTable& timers_;
  std::optional<sdp::OfferAnswer> negotiation_;
  std::optional<sdp::MediaPlan> plan_;
  std::optional<media::Media> media_;
  bool bridge_attached_ = false;
  bool silent_ = false;
};

} // namespace talky::call
