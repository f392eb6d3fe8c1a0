#include "sipd/bridge/media_streams_bridge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <variant>

#include "audio/frame.hpp"
#include "audio/resampler.hpp"
#include "audio/tone.hpp"
#include "codec/g711.hpp"
#include "core/overloaded.hpp"
#include "http/websocket_client.hpp"
#include "ipc/media_streams.hpp"
#include "sipd/bridge/remote_bridge.hpp"

namespace talky::sipd {
namespace {

namespace streams = ipc::media_streams;

constexpr std::uint32_t kRate = audio::kBridgeRate, kWireRate = 8'000;
constexpr auto kConnectLimit = std::chrono::seconds(5);
constexpr auto kFirstRedial = std::chrono::milliseconds(250);
constexpr auto kLongestRedial = std::chrono::seconds(4); // between two attempts
constexpr auto kRedialLimit = std::chrono::seconds(30);  // in all
constexpr std::size_t kMaxQueue = 524'288;               // bytes: some twenty seconds of the caller in base64
constexpr std::size_t kMaxMarks = 1000;                  // that wait to be played
constexpr std::uint32_t kMaxComplaints = 5;              // lines about bad messages, a call
constexpr std::uint16_t kClosedInOrder = 1000;

// What the caller hears while nobody is there: a sentence, where there is a program that speaks, and every
// some seconds again; between, a soft tone of 0.2 s, twice a second. Not silence, which sounds like the end
// of the call.
constexpr double kPromptHertz = 440;
constexpr double kPromptDbfs = -24;
constexpr std::size_t kPromptPeriod = kRate / 2, kPromptSound = kRate / 5;
constexpr std::size_t kPromptTones = std::size_t{6} * kRate; // between two times of the sentence

class MediaStreamsBridge final : public RemoteBridge {
 public:
  MediaStreamsBridge(BridgeHost& host, net::Loop& loop, http::WebSocketUrl url, std::string ca_file,
                     SpokenSentence* reconnecting)
      : RemoteBridge(host),
        loop_(loop),
        url_(std::move(url)),
        ca_file_(std::move(ca_file)),
        reconnecting_(reconnecting),
        writer_(host.about().call),
        down_(std::move(*audio::Resampler::create(kRate, kWireRate))),
        up_(std::move(*audio::Resampler::create(kWireRate, kRate))),
        tone_(kPromptHertz, kRate, kPromptDbfs),
        redial_(loop, [this] { connect(); }) {}
  ~MediaStreamsBridge() override {
    if (socket_) socket_->close(kClosedInOrder, "");
  }

  void start(Time /*now*/) override {
    if (reconnecting_) reconnecting_->wanted(); // a sentence is not spoken in no time
    connect();
  }

  void stop(std::string_view /*reason*/) override {
    over_ = true;
    connecting_.reset();
    redial_.cancel();
    if (!socket_) return;
    socket_->send_text(writer_.stop());
    socket_->close(kClosedInOrder, "the call has ended");
    socket_.reset();
  }

 protected:
  void tell(const ipc::ToAgent& message) override {
    if (const auto* key = std::get_if<ipc::DtmfReceived>(&message)) {
      if (socket_) socket_->send_text(writer_.dtmf(key->digit));
    } else if (const auto* mark = std::get_if<ipc::MarkPlayed>(&message)) {
      if (stale_marks_ > 0) { // of a stream that broke
        --stale_marks_;
        return;
      }
      if (marks_ > 0) --marks_;
      if (socket_) socket_->send_text(writer_.mark(mark->name));
    }
  }

  bool send_audio(std::span<const std::int16_t> samples, Time now) override {
    if (!socket_) {
      if (redialling_since_) prompt(samples.size(), now);
      return true;
    }
    narrow_.clear();
    down_.process(samples, narrow_);
    coded_.resize(narrow_.size());
    codec::g711::encode(codec::g711::Law::mu, narrow_, coded_);
    const std::uint64_t at_ms = sent_ * 1000 / kWireRate;
    sent_ += narrow_.size();
    return socket_->send_text(writer_.media(coded_, at_ms));
  }

  void pause(bool paused) override {
    if (socket_) socket_->pause_reading(paused);
  }

  void break_off() override {
    connecting_.reset();
    redial_.cancel();
    if (const auto socket = std::exchange(socket_, nullptr)) socket->close(kClosedInOrder, "");
  }

 private:
  void connect() {
    http::WebSocketConnecting::Options options;
    options.limit = kConnectLimit;
    options.ca_file = ca_file_;
    options.socket.max_message = streams::kMaxMessage;
    options.socket.max_queue = kMaxQueue;
    connecting_.emplace(loop_, url_, std::move(options),
                        [this](tl::expected<std::shared_ptr<http::WebSocket>, std::string> result) {
                          if (result) {
                            connected(std::move(*result), net::now());
                          } else {
                            refused(result.error(), net::now());
                          }
                        });
  }

  void connected(std::shared_ptr<http::WebSocket> socket, Time now) {
    socket_ = std::move(socket);
    http::WebSocket::Handlers handlers;
    handlers.text = [this](std::string_view text) { received(text, net::now()); };
    handlers.closed = [this](std::uint16_t code) { closed(code, net::now()); };
    socket_->start(std::move(handlers));
    const ipc::Start& about = host_.about();
    auto parameters = about.headers;
    parameters.insert(parameters.begin(), {{"call", about.call}, {"from", about.from}, {"to", about.to}});
    if (!about.voice.empty()) parameters.emplace_back("voice", about.voice);
    writer_ = streams::Writer(about.call);
    sent_ = 0;
    socket_->send_text(streams::Writer::connected());
    socket_->send_text(writer_.start(parameters));
    if (redialling_since_) {
      host_.log(log::Level::info,
                log::Line("bridge.redialled").add("after_ms", to_ms(now - *redialling_since_)));
      redialling_since_.reset();
      if (prompted_ > 0) host_.clear(now); // the rest of the prompt
      host_.redialled(now);
    }
    host_.ready(now);
  }

  void refused(const std::string& why, Time now) {
    const std::string reason = fmt::format("{}: {}", url_.authority, why);
    if (!redialling_since_) return lose(reason, now);
    if (now - *redialling_since_ >= kRedialLimit) return lose(reason, now);
    redial_.at(now + backoff_);
    backoff_ = std::min<Duration>(2 * backoff_, std::chrono::duration_cast<Duration>(kLongestRedial));
  }

  void closed(std::uint16_t code, Time now) {
    const auto gone = std::exchange(socket_, nullptr);
    if (over_) return;
    if (said_bye_ || code == kClosedInOrder) return leave("agent hung up", now);
    host_.log(log::Level::warn, log::Line("bridge.broken").add("code", code).add("url", url_.authority));
    stale_marks_ += std::exchange(marks_, 0);
    redialling_since_ = now;
    backoff_ = kFirstRedial;
    prompted_ = 0;
    sentence_ = sentence();
    redial_.at(*redialling_since_ + backoff_);
  }

  void received(std::string_view text, Time now) {
    if (over_) return;
    auto message = streams::parse(text);
    if (!message) {
      const Error& error = message.error();
      if (error.code == Errc::unsupported || ++complaints_ > kMaxComplaints) return;
      host_.log(log::Level::warn,
                log::Line("bridge.message").add("expected", error.what).add("got", text.substr(0, 200)));
      return;
    }
    std::visit(Overloaded{[&](const streams::Media& m) {
                            narrow_.resize(m.mulaw.size());
                            codec::g711::decode(codec::g711::Law::mu, m.mulaw, narrow_);
                            samples_.clear();
                            up_.process(narrow_, samples_);
                            agent_audio(samples_, now);
                          },
                          [&](const streams::Mark& m) {
                            if (marks_ + stale_marks_ >= kMaxMarks)
                              return lose("the agent floods us with marks", now);
                            ++marks_;
                            host_.mark(m.name);
                          },
                          [&](const streams::Clear&) { host_.clear(now); }},
               *message);
  }

  std::shared_ptr<const audio::Samples> sentence() const {
    return reconnecting_ ? reconnecting_->samples() : std::make_shared<const audio::Samples>();
  }

  // Behind what the agent had said before it broke off.
  void prompt(std::size_t count, Time now) {
    if (host_.queued() >= count) return;
    if (sentence_->empty()) { // it may have been spoken meanwhile
      sentence_ = sentence();
      if (!sentence_->empty()) prompted_ = 0;
    }
    samples_.assign(count, 0);
    tone_.generate(samples_);
    for (std::int16_t& sample : samples_) {
      const std::size_t at = prompted_++ % (sentence_->size() + kPromptTones);
      if (at < sentence_->size()) {
        sample = (*sentence_)[at];
      } else if ((at - sentence_->size()) % kPromptPeriod >= kPromptSound) {
        sample = 0;
      }
    }
    host_.play(samples_, now);
  }

  net::Loop& loop_;
  http::WebSocketUrl url_;
  std::string ca_file_;
  SpokenSentence* reconnecting_;                   // null: there is none
  std::shared_ptr<const audio::Samples> sentence_; // as it stood when the connection broke
  streams::Writer writer_;
  std::optional<http::WebSocketConnecting> connecting_;
  std::shared_ptr<http::WebSocket> socket_;
  audio::Resampler down_, up_;
  audio::Samples samples_, narrow_;
  std::vector<std::byte> coded_;
  std::uint64_t sent_ = 0; // samples of 8 kHz in this stream
  std::size_t marks_ = 0, stale_marks_ = 0;
  std::uint32_t complaints_ = 0;

  audio::Sine tone_;
  std::size_t prompted_ = 0;
  std::optional<Time> redialling_since_;
  Duration backoff_{0};
  net::Timer redial_;
};

class ToMediaStreams final : public Destination {
 public:
  explicit ToMediaStreams(http::WebSocketUrl url) : url_(std::move(url)) {}
  tl::expected<std::unique_ptr<Bridge>, std::string> connect(BridgeHost& host,
                                                             const BridgeContext& context) const override {
    return std::make_unique<MediaStreamsBridge>(host, context.loop, url_, context.ca_file,
                                                context.reconnecting);
  }

 private:
  http::WebSocketUrl url_;
};

} // namespace

DestinationPtr media_streams_destination(std::string_view text) {
  auto url = http::WebSocketUrl::parse(text);
  if (!url) return nullptr;
  return std::make_shared<ToMediaStreams>(std::move(*url));
}

} // namespace talky::sipd
