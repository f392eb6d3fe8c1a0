#include "phone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "audio/level.hpp"
#include "cli/exit_code.hpp"
#include "core/overloaded.hpp"
#include "net/entropy.hpp"
#include "net/port_pool.hpp"
#include "rtp/packet.hpp"
#include "sip/uri.hpp"

namespace talky::replay {

namespace {

constexpr std::size_t kMaxLog = 2'000'000; // packets: eleven hours each way

} // namespace

Phone::Phone(net::Loop& loop, PhoneOptions options, Handlers handlers)
    : loop_(loop), options_(std::move(options)), handlers_(std::move(handlers)) {
  call::Config config;
  config.product = "talky-replay/" TALKY_VERSION;
  agent_ = std::make_unique<call::UserAgent>(std::move(config), Random(net::entropy_seed()));
  timer_.emplace(loop_, [this] {
    const Time now = net::now();
    loop_.read_ready(); // what has arrived is heard before time goes on
    agent_->expire(now);
    pump();
  });
}

Phone::~Phone() = default;

void Phone::dial() {
  const auto uri = sip::Uri::parse(options_.target);
  if (!uri || uri->scheme != sip::Uri::Scheme::sip) {
    throw cli::Failure(
        cli::ExitCode::usage,
        fmt::format("--sip {}: expected a URI such as sip:100@127.0.0.1:5060", options_.target));
  }
  const auto remote = net::resolve(std::string(uri->host), uri->port_or_default());
  if (!remote)
    throw cli::Failure(cli::ExitCode::no_host, fmt::format("{}: the host is not known", uri->host));
  const auto local = net::source_address_for(*remote);
  if (!local)
    throw cli::Failure(cli::ExitCode::unavailable,
                       fmt::format("{}: there is no way there", remote->to_string()));

  flow_.transport = options_.tcp ? sip::Transport::tcp : sip::Transport::udp;
  flow_.local = {*local, 0};
  flow_.remote = *remote;
  if (!options_.tcp) {
    auto socket = net::UdpSocket::open(loop_, flow_.local, {});
    if (!socket) throw cli::Failure(cli::ExitCode::os_error, socket.error().message());
    sip_.emplace(std::move(*socket));
    flow_.local = sip_->local();
    sip_->on_receive([this](const net::UdpSocket::Datagram& datagram) {
      ++responses_;
      sip::Flow flow = flow_;
      flow.remote = datagram.from;
      agent_->receive_sip(flow, as_text(datagram.bytes), net::now());
      pump();
    });
  }
  open_media(*local);
  // Over TCP the INVITE names the address of its connection, so that is made first.
  if (options_.tcp) {
    connect(flow_);
  } else {
    invite();
  }
}

void Phone::invite() {
  call::InviteOptions invite;
  invite.target = options_.target;
  invite.from = options_.from;
  invite.flow = flow_;
  invite.media = {flow_.local.ip, rtp_->local().port, rtcp_->local().port};
  invite.credentials = options_.credentials;
  invite.answer_timeout = options_.answer_timeout;
  invite.headers = options_.headers;
  invite.recording = true;
  invite.capabilities = options_.capabilities;
  const auto call = agent_->invite(invite, net::now());
  if (!call)
    throw cli::Failure(cli::ExitCode::usage, fmt::format("{}: {}", options_.target, call.error().what));
  call_ = *call;
  if (const auto attached = agent_->attach_bridge(call_); !attached) {
    throw cli::Failure(cli::ExitCode::software, attached.error().what);
  }
  pump();
}

void Phone::open_media(const IpAddress& local) {
  Random random(net::entropy_seed());
  net::PortPool ports({20'000, 59'999}, Duration::zero(), random);
  net::UdpSocket::Options options;
  options.dscp = 46;
  options.receive_buffer = 1 << 18;
  for (int attempts = 0; attempts < 200; ++attempts) {
    const auto port = ports.take(net::now());
    if (!port) break;
    auto rtp = net::UdpSocket::open(loop_, {local, *port}, options);
    auto rtcp = net::UdpSocket::open(loop_, {local, static_cast<std::uint16_t>(*port + 1)}, options);
    if (!rtp || !rtcp) continue;
    rtp_.emplace(std::move(*rtp));
    rtcp_.emplace(std::move(*rtcp));
    rtp_->on_receive([this](const net::UdpSocket::Datagram& datagram) {
      note(datagram.bytes, received_, datagram.arrival);
      agent_->receive_rtp(call_, datagram.bytes, datagram.from, false, datagram.arrival);
      pump();
    });
    rtcp_->on_receive([this](const net::UdpSocket::Datagram& datagram) {
      agent_->receive_rtp(call_, datagram.bytes, datagram.from, true, datagram.arrival);
      pump();
    });
    return;
  }
  throw cli::Failure(cli::ExitCode::os_error, "there is no free pair of ports for RTP");
}

void Phone::note(Bytes bytes, std::vector<Packet>& log, Time at) {
  if (!decoder_ || log.size() >= kMaxLog) return;
  const auto packet = rtp::PacketView::parse(bytes);
  if (!packet || rtp::classify(bytes) != rtp::Traffic::rtp || packet->payload_type() != payload_type_) return;
  pcm_.clear();
  if (!decoder_->decode(packet->payload(), pcm_) || pcm_.empty()) return;
  log.push_back({at, static_cast<float>(audio::rms_dbfs(pcm_))});
}

void Phone::play(std::span<const std::int16_t> pcm) {
  (void)agent_->play(call_, pcm); // what does not fit in two minutes is told as an overflow in the log
}

void Phone::press(std::string_view digits) {
  if (const auto pressed = agent_->dtmf(call_, digits, std::chrono::milliseconds(100), net::now());
      !pressed) {
    handlers_.log(log::Level::warn, log::Line("dtmf.refused").add("what", pressed.error().what).str());
  }
}

void Phone::hang_up(std::string_view reason, bool after_playout) {
  if (call_ != 0)
    (void)agent_->hangup(call_, reason, after_playout, net::now()); // it may have ended meanwhile
  pump();
}

void Phone::connect(const sip::Flow& flow) {
  const auto connected = [this, flow](net::SysResult<std::shared_ptr<net::Connection>> result) {
    if (!result) {
      handlers_.log(log::Level::warn, log::Line("sip.unreachable")
                                          .add("peer", flow.remote.to_string())
                                          .add("error", result.error().message())
                                          .str());
      if (call_ != 0) {
        agent_->flow_closed(flow, net::now());
        pump();
      } else {
        call::CallEnded ended;
        ended.cause = call::EndCause::lost;
        ended.reason = result.error().message();
        ended.ended = net::now();
        handlers_.ended(ended);
      }
      return;
    }
    connection_ = *result;
    flow_.connection = flow.connection + 1;
    flow_.local = connection_->local();
    net::Connection::Handlers handlers;
    handlers.data = [this](Bytes bytes) {
      ++responses_;
      agent_->receive_sip(flow_, as_text(bytes), net::now());
      pump();
    };
    handlers.closed = [this](int) {
      connection_.reset();
      agent_->flow_closed(flow_, net::now());
      pump();
    };
    connection_->start(std::move(handlers));
    for (const std::string& text : waiting_)
      connection_->write(as_bytes(text));
    waiting_.clear();
    if (call_ == 0) {
      invite();
      return;
    }
    agent_->flow_opened(flow_, net::now());
    pump();
  };
  connecting_.emplace(loop_, net::StreamAddress(flow.remote), net::now() + std::chrono::seconds(10),
                      connected);
}

void Phone::send_sip(call::SendSip& message) {
  if (message.flow.transport == sip::Transport::udp) {
    (void)sip_->send(as_bytes(message.bytes),
                     message.flow.remote); // lost, as on any network: it is sent again
    return;
  }
  if (connection_) {
    connection_->write(as_bytes(message.bytes));
    return;
  }
  // The connection broke: what is said next goes over a new one.
  waiting_.push_back(std::move(message.bytes));
  if (waiting_.size() == 1) connect(message.flow);
}

std::optional<Time> Phone::left_at(std::uint64_t sample) const {
  const auto after = std::upper_bound(
      departures_.begin(), departures_.end(), sample,
      [](std::uint64_t value, const Departure& departure) { return value < departure.sample; });
  if (after == departures_.begin()) return std::nullopt;
  return std::prev(after)->at;
}

void Phone::act(call::Output& output) {
  std::visit(Overloaded{[this](call::SendSip& message) { send_sip(message); },
                        [this](call::CloseFlow&) {
                          if (connection_) connection_->close();
                          connection_.reset();
                        },
                        [this](call::SendMedia& packet) {
                          const Time now = net::now();
                          (void)(packet.is_rtcp ? rtcp_ : rtp_)->send(packet.bytes, packet.to);
                          if (packet.is_rtcp || departures_.size() >= kMaxLog) return;
                          departures_.push_back({tick_, now});
                          note(packet.bytes, sent_, now);
                        },
                        [this](call::CallRinging& event) { handlers_.ringing(event); },
                        [this](call::CallAnswered& event) {
                          if (const auto* entry = codec::find(event.plan.codec, event.plan.clock_rate))
                            decoder_ = entry->make();
                          payload_type_ = event.plan.receive_payload_type;
                          handlers_.answered(event);
                        },
                        [this](call::MediaChanged& event) {
                          if (const auto* entry = codec::find(event.plan.codec, event.plan.clock_rate))
                            decoder_ = entry->make();
                          payload_type_ = event.plan.receive_payload_type;
                        },
                        [this](call::CallerAudio& event) {
                          tick_ = event.frame.first_sample;
                          handlers_.heard(event.frame);
                        },
                        [this](call::RecordedAudio& event) { handlers_.both(event.frame); },
                        [this](call::DtmfPressed& event) { handlers_.digit(event.digit); },
                        [this](call::CallEnded& event) {
                          call_ = 0;
                          handlers_.ended(event);
                        },
                        [this](call::Log& event) { handlers_.log(event.level, event.line); },
                        [this](call::IncomingCall& event) {
                          (void)agent_->reject(event.call, 486, "", net::now()); // somebody calls the caller
                        },
                        [](auto&) {}},
             output);
}

void Phone::pump() {
  if (pumping_) return; // a handler gave a command: the loop below goes on with what it caused
  pumping_ = true;
  while (auto output = agent_->poll())
    act(*output);
  pumping_ = false;
  if (const auto deadline = agent_->deadline()) {
    timer_->at(*deadline);
  } else {
    timer_->cancel();
  }
}

} // namespace talky::replay
