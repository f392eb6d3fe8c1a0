#include "sipd/api/web_caller.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "audio/frame.hpp"
#include "core/overloaded.hpp"
#include "ipc/audiosocket.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint64_t kRate = audio::kBridgeRate;
constexpr std::uint64_t kMaxWaiting = kRate; // samples: a second, beside what the kernel holds
constexpr std::size_t kMaxHandedOver = 4096; // bytes that the WebSocket itself may hold back
constexpr std::size_t kMaxBinary = 6400;     // bytes of a message: 200 ms
constexpr std::size_t kMaxGaps = 1000;       // afterwards the oldest are one
constexpr double kWordsASecond = 50, kWordsAtOnce = 200;
// A stall of the network ends with all that was said meanwhile; nobody speaks four times as fast
// as people speak.
constexpr double kSoundASecond = 4 * kRate, kSoundAtOnce = 60 * kRate;

} // namespace

WebCaller::WebCaller(net::Loop& loop, std::shared_ptr<http::WebSocket> socket,
                     std::shared_ptr<CallBox> to_call)
    : socket_(std::move(socket)),
      to_call_(std::move(to_call)),
      mailbox_(std::make_shared<BrowserBox>(loop)),
      words_(kWordsASecond, kWordsAtOnce),
      sound_(kSoundASecond, kSoundAtOnce) {}

void WebCaller::start(std::function<void()> gone) {
  gone_ = std::move(gone);
  mailbox_->open([weak = weak_from_this()](ToBrowser& message, Time /*now*/) {
    if (const auto self = weak.lock()) self->deliver(message);
  });
  http::WebSocket::Handlers handlers;
  handlers.text = [weak = weak_from_this()](std::string_view text) {
    if (const auto self = weak.lock()) self->text(text);
  };
  handlers.binary = [weak = weak_from_this()](Bytes bytes) {
    if (const auto self = weak.lock()) self->binary(bytes);
  };
  handlers.drained = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  };
  handlers.closed = [weak = weak_from_this()](std::uint16_t code) {
    constexpr std::uint16_t kNormal = 1000, kGoingAway = 1001;
    if (const auto self = weak.lock()) self->leave(code == kNormal || code == kGoingAway);
  };
  socket_->start(std::move(handlers));
}

void WebCaller::leave(bool in_order) {
  if (std::exchange(over_, true)) return;
  mailbox_->close();
  to_call_->send(WebGone{in_order});
  const auto self = shared_from_this(); // gone_ lets go of us
  if (gone_) std::exchange(gone_, nullptr)();
}

void WebCaller::refuse(std::uint16_t code, std::string_view why) {
  if (over_) return;
  socket_->close(code, why);
  leave(false);
}

void WebCaller::hang_up() {
  if (std::exchange(over_, true)) return;
  mailbox_->close();
  socket_->close(1001, "the daemon ends");
}

// ---- From the call

void WebCaller::deliver(ToBrowser& message) {
  if (over_) return;
  std::visit(Overloaded{[this](WebSound& m) { send_sound(m.samples); },
                        [this](const WebEvent& m) {
                          pump();
                          if (!socket_->send_text(to_json(m))) refuse(1013, "the browser does not read");
                        },
                        [this](const WebClear&) { clear(); }, [this](const WebEnd& m) { end(to_json(m)); }},
             message);
}

void WebCaller::send_sound(std::vector<std::int16_t>& samples) {
  waiting_samples_ += samples.size();
  waiting_.push_back(std::move(samples));
  while (waiting_samples_ > kMaxWaiting) {
    const std::uint64_t lost = waiting_.front().size();
    waiting_samples_ -= lost;
    dropped_ += lost;
    dropped_total_ += lost;
    waiting_.pop_front();
  }
  pump();
}

void WebCaller::pump() {
  std::vector<std::byte> bytes;
  while (!waiting_.empty() && socket_->queued() < kMaxHandedOver) {
    if (dropped_ > 0) {
      socket_->send_text(fmt::format(R"({{"type":"dropped","samples":{}}})", std::exchange(dropped_, 0)));
      if (gaps_.size() == kMaxGaps) gaps_.erase(gaps_.begin());
      gaps_.push_back({given_, dropped_total_});
    }
    const std::vector<std::int16_t>& samples = waiting_.front();
    bytes.clear();
    bytes.reserve(2 * samples.size());
    for (const std::int16_t sample : samples) {
      bytes.push_back(static_cast<std::byte>(static_cast<std::uint16_t>(sample) & 0xff));
      bytes.push_back(static_cast<std::byte>(static_cast<std::uint16_t>(sample) >> 8));
    }
    if (!socket_->send_binary(bytes)) return;
    given_ += samples.size();
    waiting_samples_ -= samples.size();
    waiting_.pop_front();
  }
}

void WebCaller::clear() {
  waiting_.clear();
  waiting_samples_ = 0;
  socket_->send_text(R"({"type":"clear"})");
}

void WebCaller::end(std::string_view json) {
  over_ = true;
  mailbox_->close();
  const auto self = shared_from_this();
  for (; !waiting_.empty(); waiting_.pop_front()) { // at most a second
    std::vector<std::byte> bytes(2 * waiting_.front().size());
    for (std::size_t i = 0; i < waiting_.front().size(); ++i) {
      const auto sample = static_cast<std::uint16_t>(waiting_.front()[i]);
      bytes[2 * i] = static_cast<std::byte>(sample & 0xff);
      bytes[2 * i + 1] = static_cast<std::byte>(sample >> 8);
    }
    if (!socket_->send_binary(bytes)) break;
  }
  socket_->send_text(json);
  socket_->close(1000, "the call has ended");
  if (gone_) std::exchange(gone_, nullptr)();
}

// ---- From the browser

// What the browser says of its loudspeaker, as a place in what the call has sent: left out of that is also
// what was dropped here, which the browser has never seen.
template <class Report>
void WebCaller::pass_on(Report report) {
  std::uint64_t dropped = 0;
  for (const Gap& gap : gaps_) {
    if (report.samples + report.skipped <= gap.at) break;
    dropped = gap.before;
  }
  report.skipped += dropped;
  report.samples += report.skipped;
  to_call_->send(report);
}

void WebCaller::text(std::string_view text) {
  if (over_) return;
  if (!words_.take(1, net::now())) return refuse(1008, "too many messages");
  auto message = ipc::browser::parse(text);
  if (!message) {
    if (message.error().code == Errc::unsupported) return; // of a later page
    return refuse(message.error().code == Errc::too_large ? 1009 : 1007, message.error().what);
  }
  std::visit(Overloaded{[this](const ipc::browser::Played& m) { pass_on(m); },
                        [this](const ipc::browser::Cleared& m) { pass_on(m); },
                        [this](const auto& m) { to_call_->send(m); }},
             *message);
}

void WebCaller::binary(Bytes bytes) {
  if (over_) return;
  if (bytes.size() > kMaxBinary) return refuse(1009, "a message of at most 6400 bytes of sound");
  if (bytes.empty() || bytes.size() % 2 != 0) return refuse(1007, "sound is samples of 16 bits");
  WebSound sound;
  ipc::decode_audio(bytes, sound.samples);
  if (!sound_.take(static_cast<double>(sound.samples.size()), net::now()))
    return refuse(1008, "sound comes much faster than anybody speaks");
  if (!to_call_->full()) to_call_->send(std::move(sound)); // else its loop stands still, and with it the call
}

} // namespace talky::sipd
