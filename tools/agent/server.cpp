#include "server.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

#include "audio/frame.hpp"
#include "audio/half_rate.hpp"
#include "cli/main.hpp"
#include "control.hpp"
#include "ipc/audiosocket.hpp"

namespace talky::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration kHandshake = 10s;    // for the first frame, and from it to start or audio
constexpr Duration kIdle = 60s;         // without any frame
constexpr Duration kPlayedOut = 500ms;  // the last audio of a peer that reports nothing
constexpr Duration kStopPatience = 10s; // for a talky peer to play the rest and close after our hangup
constexpr std::size_t kMaxQueue = 1U << 20;

} // namespace

class SocketCall final : public Peer {
 public:
  SocketCall(Server& server, std::shared_ptr<net::Connection> connection, std::uint64_t number)
      : server_(server),
        context_(server.context_),
        connection_(std::move(connection)),
        name_(fmt::format("connection-{}", number)),
        timer_(context_.loop, [this] { timed_out(); }) {
    timer_.at(net::now() + kHandshake);
  }
  SocketCall(const SocketCall&) = delete;
  SocketCall& operator=(const SocketCall&) = delete;
  ~SocketCall() override = default;

  void begin() {
    connection_->start({[this](Bytes bytes) { data(bytes); },
                        // The connection may outlive this object, to deliver its last bytes.
                        lifetime_.guard([this](int error) { closed(error); }),
                        [this] {
                          if (call_) call_->drained();
                        }});
  }

  void hang_up(std::string_view cause) {
    if (call_) return call_->end(cause);
    ended(cause);
  }

  // Peer
  void audio(std::span<const std::int16_t> pcm) override {
    frame_.clear();
    if (kind_ == ipc::Kind::slin8) {
      low_.clear();
      to_8khz_.process(pcm, low_);
      ipc::encode_audio(low_, kind_, frame_);
    } else {
      ipc::encode_audio(pcm, kind_, frame_);
    }
    write();
  }
  void control(const ipc::FromAgent& message) override {
    const bool hangup = std::holds_alternative<ipc::Hangup>(message);
    if (hangup) hung_up_at_ = net::now();
    if (talky_) {
      const auto* turn = std::get_if<ipc::TurnTaken>(&message);
      const std::string json = ipc::to_json(turn ? ipc::FromAgent(at_rate(*turn, scale_)) : message);
      frame_.clear();
      if (ipc::encode({ipc::Kind::control, as_bytes(json)}, frame_)) write();
    }
    if (hangup) timer_.at(net::now() + (talky_ ? kStopPatience : kPlayedOut));
  }
  std::size_t queued() const override { return connection_->queued(); }
  void pause(bool pause) override { connection_->pause_reading(pause); }
  void ended(std::string_view cause) override {
    if (std::exchange(ended_, true)) return;
    if (!call_) {
      context_.log(log::Level::info, log::Line("connection.end").add("call", name_).add("cause", cause));
    }
    timer_.cancel();
    if (connection_->is_open()) {
      frame_.clear();
      if (ipc::encode({ipc::Kind::hangup, {}}, frame_)) connection_->write(frame_);
      connection_->close_when_drained(net::now() + 1s);
    }
    server_.remove(this);
  }

 private:
  void write() {
    if (ended_ || unwritable_ || !connection_->is_open()) return;
    const bool full = connection_->queued() + frame_.size() > kMaxQueue;
    if (connection_->write(frame_) || !full) return; // an error is reported by closed()
    unwritable_ = true;
    later("the peer does not read");
  }

  // Ends the call from the loop: not within a function of the call.
  void later(const char* cause) {
    context_.loop.post(lifetime_.guard([this, cause] { hang_up(cause); }));
  }

  void data(Bytes bytes) {
    decoder_.feed(bytes);
    while (!ended_) {
      const auto frame = decoder_.next();
      if (!frame) return refuse(frame.error());
      if (!*frame) break;
      if (const auto done = receive(**frame); !done) return refuse(done.error());
    }
    if (!ended_ && !hung_up_at_ && call_ && call_->started()) timer_.at(net::now() + kIdle);
  }

  // Whatever came is not AudioSocket: one line, one error frame, and the connection is closed.
  void refuse(const Error& error) {
    context_.log(log::Level::warn, log::Line("connection.refused")
                                       .add("call", name_)
                                       .add("peer", connection_->peer().to_string())
                                       .add("offset", error.offset)
                                       .add("expected", error.what));
    static constexpr std::array<std::byte, 1> kCode = {std::byte{1}};
    frame_.clear();
    if (ipc::encode({ipc::Kind::error, kCode}, frame_)) connection_->write(frame_);
    hang_up("protocol error");
  }

  Result<> receive(const ipc::Frame& frame) {
    if (!call_) {
      if (frame.kind != ipc::Kind::uuid) return fail(Errc::malformed, 0, "the UUID of the call first");
      name_ = *ipc::uuid_text(frame.payload);
      call_.emplace(context_, *this, name_);
      return {};
    }
    switch (frame.kind) {
      case ipc::Kind::slin8:
      case ipc::Kind::slin16: return receive_audio(frame);
      case ipc::Kind::control: return receive_control(as_text(frame.payload));
      case ipc::Kind::dtmf: call_->control(voice::in::Dtmf{static_cast<char>(frame.payload[0])}); return {};
      case ipc::Kind::hangup: call_->end("hangup"); return {};
      case ipc::Kind::error: call_->end("error of the peer"); return {};
      case ipc::Kind::uuid: return fail(Errc::malformed, 0, "one UUID only");
    }
    return {}; // a kind of the future
  }

  Result<> receive_audio(const ipc::Frame& frame) {
    if (frame.kind != kind_) {
      kind_ = frame.kind;
      to_8khz_.reset();
      to_16khz_.reset();
    }
    if (!call_->started()) call_->start({name_, "", "", {}, {}, ""}, false);
    pcm_.clear();
    ipc::decode_audio(frame.payload, pcm_);
    if (kind_ == ipc::Kind::slin8) {
      low_.swap(pcm_);
      pcm_.clear();
      to_16khz_.process(low_, pcm_);
    }
    call_->receive(pcm_);
    return {};
  }

  Result<> receive_control(std::string_view json) {
    const auto message = ipc::parse_to_agent(json);
    if (!message) {
      if (message.error().code == Errc::unsupported) return {}; // a message of the future
      return tl::unexpected(message.error());
    }
    if (const auto* start = std::get_if<ipc::Start>(&*message); start != nullptr) {
      if (start->rate != 8000 && start->rate != audio::kBridgeRate)
        return fail(Errc::unsupported, 0, "a rate of 8000 or 16000");
      if (call_->started()) return fail(Errc::malformed, 0, "one start, before the audio");
      talky_ = true;
      scale_ = audio::kBridgeRate / start->rate;
      kind_ = start->rate == 8000 ? ipc::Kind::slin8 : ipc::Kind::slin16;
      call_->start(std::get<voice::in::Start>(to_voice(*message, scale_)), true);
      return {};
    }
    if (!call_->started()) return fail(Errc::malformed, 0, "a start message first");
    if (const auto* stop = std::get_if<ipc::Stop>(&*message)) {
      call_->end_of_input(stop->reason.empty() ? "stop" : stop->reason);
    } else {
      call_->control(to_voice(*message, scale_));
    }
    return {};
  }

  void closed(int error) {
    const bool cut = !decoder_.at_boundary();
    if (call_ && error == 0 && !cut) return call_->end_of_input("closed");
    hang_up(error != 0 ? std::strerror(error) : cut ? "cut off" : "closed");
  }

  void timed_out() {
    if (hung_up_at_) return hang_up("hung up");
    hang_up(call_ && call_->started() ? "silent for a minute" : "no call came");
  }

  Server& server_;
  Context& context_;
  std::shared_ptr<net::Connection> connection_;
  std::string name_; // the call's UUID, once it is known
  net::Timer timer_;
  ipc::Decoder decoder_;
  std::optional<Call> call_;
  bool talky_ = false; // the peer sent control frames, and gets them
  voice::Samples scale_ = 1;
  ipc::Kind kind_ = ipc::Kind::slin16;
  audio::Upsampler2 to_16khz_;
  audio::Downsampler2 to_8khz_;
  std::vector<std::int16_t> pcm_, low_;
  std::vector<std::byte> frame_;
  std::optional<Time> hung_up_at_;
  bool unwritable_ = false;
  bool ended_ = false;
  net::Lifetime lifetime_;
};

Server::Server(Context& context, std::size_t max_calls)
    : context_(context), max_calls_(max_calls), drain_timer_(context.loop, [this] {
        // Ending a call removes it later, from the loop.
        for (const auto& call : calls_)
          call->hang_up("shut down");
      }) {}

Server::~Server() = default;

void Server::listen(const std::string& text) {
  const auto address = net::parse_stream_address(text);
  if (!address) {
    throw cli::Failure(cli::ExitCode::usage,
                       fmt::format("--listen {}: expected unix:PATH or tcp:HOST:PORT", text));
  }
  if (const auto* endpoint = std::get_if<Endpoint>(&*address);
      endpoint != nullptr && !endpoint->ip.is_loopback()) {
    context_.log(log::Level::warn,
                 log::Line("agent.exposed")
                     .add("listen", text)
                     .add("note", "AudioSocket has no authentication: anyone who reaches it may call"));
  }
  auto listener = net::Listener::open(
      context_.loop, *address, {.max_queue = kMaxQueue},
      [this](std::shared_ptr<net::Connection> connection) { accept(std::move(connection)); },
      context_.log.sink());
  if (!listener) {
    throw cli::Failure(cli::ExitCode::unavailable, fmt::format("{}: {}", text, listener.error().message()));
  }
  listener_.emplace(std::move(*listener));
  context_.log(log::Level::info, log::Line("listening").add("address", net::to_string(listener_->local())));
}

void Server::accept(std::shared_ptr<net::Connection> connection) {
  // Before those suffer who are there: answers that come late are worse than a call that rings elsewhere.
  const bool busy = !calls_.empty() && context_.speech != nullptr && context_.speech->busy();
  if (calls_.size() >= max_calls_ || busy) {
    if (!std::exchange(full_, true)) {
      context_.log(log::Level::warn,
                   log::Line(busy ? "agent.busy" : "agent.full").add("calls", calls_.size()));
    }
    std::vector<std::byte> frame;
    static constexpr std::array<std::byte, 1> kCode = {std::byte{2}};
    if (ipc::encode({ipc::Kind::error, kCode}, frame)) connection->write(frame);
    connection->close();
    return;
  }
  full_ = false;
  calls_.push_back(std::make_unique<SocketCall>(*this, std::move(connection), ++accepted_));
  calls_.back()->begin();
}

void Server::remove(SocketCall* call) {
  context_.loop.post(lifetime_.guard([this, call] {
    calls_.remove_if([call](const auto& held) { return held.get() == call; });
    if (calls_.empty() && drained_) std::exchange(drained_, nullptr)();
  }));
}

void Server::drain(Duration grace, std::function<void()> done) {
  listener_.reset();
  if (calls_.empty()) return done();
  context_.log(log::Level::info, log::Line("agent.draining").add("calls", calls_.size()));
  drained_ = std::move(done);
  drain_timer_.at(net::now() + grace);
}

} // namespace talky::agent
