#include "sipd/bridge/socket_bridge.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "audio/frame.hpp"
#include "audio/resampler.hpp"
#include "ipc/audiosocket.hpp"
#include "sipd/bridge/remote_bridge.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint32_t kRate = audio::kBridgeRate, kNarrowRate = 8'000;
constexpr auto kConnectLimit = std::chrono::seconds(3);
constexpr auto kRetryAfter = std::chrono::milliseconds(100);
constexpr auto kGoodbyeLimit = std::chrono::seconds(1); // for what is still queued when the call has ended
// Our agent says at once whether it takes a call; the call is answered when it has, or when this has passed
// (an older one, or another program at its address, says nothing).
constexpr int kBusy = 2; // talky-bridge(7)
constexpr auto kFirstWord = std::chrono::milliseconds(250);
constexpr std::size_t kMaxQueue = 262'144; // eight seconds of the caller's audio

class SocketBridge : public RemoteBridge {
 public:
  // With `agent` the address may be dead for a while: it is being started.
  SocketBridge(BridgeHost& host, net::Loop& loop, net::StreamAddress address, bool talky, Agent* agent)
      : RemoteBridge(host),
        loop_(loop),
        address_(std::move(address)),
        talky_(talky),
        wide_(talky),
        agent_(agent),
        first_word_(loop, [this] { admitted(net::now()); }) {}

  void start(Time now) override { connect(now); }

  void stop(std::string_view reason) override {
    connecting_.reset();
    retry_.reset();
    first_word_.cancel();
    if (!connection_) return;
    if (talky_)
      send(ipc::Kind::control, as_bytes(ipc::to_json(ipc::ToAgent(ipc::Stop{std::string(reason)}))));
    send(ipc::Kind::hangup, {});
    over_ = true;
    // Nothing that comes from now on concerns anybody.
    connection_->close_when_drained(net::now() + kGoodbyeLimit);
    connection_.reset();
  }

 protected:
  void tell(const ipc::ToAgent& message) override {
    if (talky_) {
      send(ipc::Kind::control, as_bytes(ipc::to_json(message)));
    } else if (const auto* key = std::get_if<ipc::DtmfReceived>(&message)) {
      send(ipc::Kind::dtmf, as_bytes(std::string_view(&key->digit, 1)));
    }
  }

  bool send_audio(std::span<const std::int16_t> samples, Time /*now*/) override {
    out_.clear();
    if (wide_) {
      ipc::encode_audio(samples, ipc::Kind::slin16, out_);
    } else {
      narrow_.clear();
      down().process(samples, narrow_);
      ipc::encode_audio(narrow_, ipc::Kind::slin8, out_);
    }
    return connection_ && connection_->write(out_);
  }

  void pause(bool paused) override {
    if (connection_) connection_->pause_reading(paused);
  }

  void break_off() override {
    if (connection_) connection_->close();
  }

 private:
  void connect(Time now) {
    started_ = started_ ? started_ : std::optional(now);
    connecting_.emplace(
        loop_, address_, now + kConnectLimit,
        [this](net::SysResult<std::shared_ptr<net::Connection>> result) {
          if (result) {
            connected(std::move(*result), net::now());
          } else {
            refused(result.error(), net::now());
          }
        },
        kMaxQueue);
  }

  void refused(const net::SystemError& error, Time now) {
    if (agent_) {
      agent_->wanted();
      if (agent_->may_come() && now < *started_ + Agent::kStartLimit) {
        host_.redialled(now);
        retry_.emplace(loop_, [this] { connect(net::now()); });
        retry_->at(now + kRetryAfter);
        return;
      }
    }
    lose(fmt::format("{}: {}", net::to_string(address_), error.message()), now);
  }

  void connected(std::shared_ptr<net::Connection> connection, Time now) {
    connection_ = std::move(connection);
    connection_->start({.data = [this](Bytes bytes) { received(bytes, net::now()); },
                        .closed = [this](int error) { closed(error, net::now()); },
                        .drained = {}});
    if (const auto uuid = ipc::uuid_bytes(host_.about().call)) send(ipc::Kind::uuid, *uuid);
    if (talky_) tell(host_.about());
    if (!agent_) return admitted(now);
    first_word_.at(now + kFirstWord);
  }

  void admitted(Time now) {
    first_word_.cancel();
    if (!over_ && !std::exchange(admitted_, true)) host_.ready(now);
  }

  void received(Bytes bytes, Time now) {
    decoder_.feed(bytes);
    while (!over_) {
      const auto frame = decoder_.next();
      if (!frame) {
        host_.log(log::Level::error, log::Line("bridge.protocol")
                                         .add("expected", frame.error().what)
                                         .add("offset", frame.error().offset));
        return lose("the agent breaks the protocol", now);
      }
      if (!*frame) return;
      take(**frame, now);
    }
  }

  void take(const ipc::Frame& frame, Time now) {
    if (frame.kind != ipc::Kind::error && frame.kind != ipc::Kind::hangup) admitted(now);
    switch (frame.kind) {
      case ipc::Kind::slin16:
        wide_ = true; // a peer that sends 16 kHz understands it as well
        samples_.clear();
        ipc::decode_audio(frame.payload, samples_);
        return agent_audio(samples_, now);
      case ipc::Kind::slin8:
        narrow_.clear();
        samples_.clear();
        ipc::decode_audio(frame.payload, narrow_);
        up().process(narrow_, samples_);
        return agent_audio(samples_, now);
      case ipc::Kind::control:
        if (!talky_) {
          talky_ = true;
          tell(host_.about());
        }
        return agent_control(as_text(frame.payload), now);
      case ipc::Kind::dtmf: return host_.send_dtmf({std::string(as_text(frame.payload)), 100}, now);
      case ipc::Kind::hangup: return leave("agent hung up", now);
      case ipc::Kind::error: {
        const int code = frame.payload.empty() ? 0 : std::to_integer<int>(frame.payload[0]);
        if (code == kBusy && !admitted_) return lose("the agent is busy", now); // 503: another may have room
        return lose(fmt::format("the agent reports error {:#04x}", code), now);
      }
      default: return; // kinds that later versions may have
    }
  }

  void closed(int error, Time now) {
    if (said_bye_) return leave("agent hung up", now);
    // A plain AudioSocket server hangs up by closing; one that speaks our control messages would have said
    // so.
    // With our audio still under way to it, that looks like a reset.
    const bool closing = error == 0 || error == ECONNRESET || error == EPIPE;
    if (closing && !talky_ && decoder_.at_boundary()) return leave("agent closed the connection", now);
    lose(closing ? std::string("the agent closed the connection without a goodbye")
                 : net::SystemError{error, "connection to the agent"}.message(),
         now);
  }

  void send(ipc::Kind kind, Bytes payload) {
    out_.clear();
    if (!connection_ || !ipc::encode({kind, payload}, out_)) return;
    connection_->write(out_); // a full queue is told of where the audio goes
  }

  audio::Resampler& down() { return resampler(down_, kRate, kNarrowRate); }
  audio::Resampler& up() { return resampler(up_, kNarrowRate, kRate); }
  static audio::Resampler& resampler(std::optional<audio::Resampler>& one, std::uint32_t from,
                                     std::uint32_t to) {
    if (!one) one.emplace(std::move(*audio::Resampler::create(from, to)));
    return *one;
  }

  net::Loop& loop_;
  net::StreamAddress address_;
  bool talky_;
  bool wide_; // we send 16 kHz
  Agent* agent_;
  std::optional<Time> started_;
  std::optional<net::Connecting> connecting_;
  std::optional<net::Timer> retry_;
  net::Timer first_word_;
  bool admitted_ = false;
  std::shared_ptr<net::Connection> connection_;
  ipc::Decoder decoder_;
  std::optional<audio::Resampler> down_, up_;
  audio::Samples samples_, narrow_;
  std::vector<std::byte> out_;
};

using Made = tl::expected<std::unique_ptr<Bridge>, std::string>;

class ToSocket final : public Destination {
 public:
  ToSocket(net::StreamAddress address, bool talky) : address_(std::move(address)), talky_(talky) {}
  Made connect(BridgeHost& host, const BridgeContext& context) const override {
    return std::make_unique<SocketBridge>(host, context.loop, address_, talky_, nullptr);
  }

 private:
  net::StreamAddress address_;
  bool talky_;
};

class ToAgent final : public Destination {
 public:
  Made connect(BridgeHost& host, const BridgeContext& context) const override {
    if (!context.agent) return tl::unexpected(std::string("there is no agent"));
    return std::make_unique<SocketBridge>(host, context.loop, context.agent->address(), true, context.agent);
  }
  bool needs_agent() const override { return true; }
};

} // namespace

DestinationPtr socket_destination(std::string_view text) {
  constexpr std::string_view kTalky = ",talky";
  const bool talky = text.ends_with(kTalky);
  if (talky) text.remove_suffix(kTalky.size());
  auto address = net::parse_stream_address(text);
  if (!address) return nullptr;
  return std::make_shared<ToSocket>(std::move(*address), talky);
}

DestinationPtr agent_destination(std::string_view /*text*/) {
  return std::make_shared<ToAgent>();
}

} // namespace talky::sipd
