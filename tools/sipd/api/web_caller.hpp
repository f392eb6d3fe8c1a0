// The browser's end of a call: its WebSocket, on the API's loop (man talky-api, CALLS FROM A BROWSER). What
// comes is checked here, far from any call's packets. A browser that does not keep up loses the agent's
// oldest sound beyond a second, and is told how much.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/token_bucket.hpp"
#include "http/websocket.hpp"
#include "sipd/messages/web_line.hpp"

namespace talky::sipd {

class WebCaller : public std::enable_shared_from_this<WebCaller> {
 public:
  WebCaller(net::Loop& loop, std::shared_ptr<http::WebSocket> socket, std::shared_ptr<CallBox> to_call);

  // `gone` comes once, when it is over.
  void start(std::function<void()> gone);
  const std::shared_ptr<BrowserBox>& mailbox() const { return mailbox_; } // for the call
  void hang_up();                                                         // the daemon ends
  std::uint64_t dropped() const { return dropped_total_; }                // samples

 private:
  // From the call.
  void deliver(ToBrowser& message);
  void send_sound(std::vector<std::int16_t>& samples);
  void clear();
  void pump();
  void end(std::string_view json);

  // From the browser.
  void text(std::string_view text);
  void binary(Bytes bytes);
  void refuse(std::uint16_t code, std::string_view why);
  void leave(bool in_order);
  template <class Report>
  void pass_on(Report report);

  std::shared_ptr<http::WebSocket> socket_;
  std::shared_ptr<CallBox> to_call_;
  std::shared_ptr<BrowserBox> mailbox_;
  std::function<void()> gone_;
  std::deque<std::vector<std::int16_t>> waiting_;
  std::uint64_t waiting_samples_ = 0;
  std::uint64_t dropped_ = 0, dropped_total_ = 0; // samples; since the browser was last told, and in all
  // Where the browser's count and that of the call part: what was dropped, the browser has never seen.
  std::uint64_t given_ = 0; // samples that the WebSocket has taken
  struct Gap {
    std::uint64_t at;     // of given_
    std::uint64_t before; // dropped in all up to there
  };
  std::vector<Gap> gaps_;
  TokenBucket words_, sound_;
  bool over_ = false;
};

} // namespace talky::sipd
