// Session timers (RFC 4028): what to agree on, when to refresh, when to give up.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/time.hpp"
#include "sip/builder.hpp"
#include "sip/message.hpp"

namespace talky::sip {

class SessionTimer {
 public:
  struct Config {
    std::chrono::seconds session_expires{1800}; // wished for; 0: this side never asks for a timer
    std::chrono::seconds min_se{90};            // 90 at least (RFC 4028 5)
  };
  enum class Action : std::uint8_t {
    refresh, // send UPDATE or re-INVITE now; half the interval is over and we are the refresher
    hang_up  // nobody refreshed: send BYE (RFC 4028 10)
  };

  explicit SessionTimer(const Config& config);

  // The server's side: an INVITE or UPDATE has come (RFC 4028 9). False: its interval is too small, answer
  // 422 with reject_headers(). True: answer 2xx with answer_headers(), and the timer runs from `now`.
  bool receive_request(const MessageView& request, Time now);
  void reject_headers(Builder& reply) const; // Min-SE
  void answer_headers(Builder& reply) const; // Session-Expires, and Require: timer if the peer refreshes
  // The client's side (RFC 4028 7): fields for an INVITE or UPDATE, then its response. False: 422, with the
  // interval raised to the peer's Min-SE; send the request again. A 2xx starts, restarts or stops the timer.
  void request_headers(Builder& request) const; // Supported is the caller's
  bool receive_response(const MessageView& response, Time now);

  void stop();
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<Action> poll();

  bool running() const { return interval_.count() != 0; }
  bool refresher() const { return we_refresh_; } // we are
  std::chrono::seconds interval() const { return interval_; }

 private:
  void start(std::chrono::seconds interval, bool we_refresh, Time now);

  Config config_;
  std::chrono::seconds interval_{0}, wanted_{0}, min_se_{0};
  bool we_refresh_ = false, peer_supports_ = false;
  std::optional<Time> refresh_, giving_up_;
  std::optional<Action> action_;
};

} // namespace talky::sip
