#include "sipd/worker/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "core/overloaded.hpp"
#include "net/entropy.hpp"
#include "sipd/call/session.hpp"
#include "sipd/sinks/call_sink.hpp"

namespace talky::sipd {
namespace {

// Every wake-up serves all calls that are due in the next 2 ms. A call's own grid of 20 ms is a multiple of
// that, so its packets keep their pace to the microsecond, and hundreds of calls cost no more than 500
// wake-ups a second.
constexpr Duration kWakeGrid = std::chrono::milliseconds(2);
constexpr std::int64_t kNtpOffsetS = 2'208'988'800; // from 1900 to 1970

// NTP time, 32.32, of the clock's zero.
std::uint64_t ntp_at_epoch() {
  const std::int64_t us = net::wall_clock_us() - to_us(net::now());
  const auto seconds = static_cast<std::uint64_t>(us / 1'000'000 + kNtpOffsetS);
  const auto fraction = static_cast<std::uint64_t>(us % 1'000'000) * (std::uint64_t{1} << 32) / 1'000'000;
  return seconds << 32 | fraction;
}

std::optional<HepSender> open_hep(net::Loop& loop, const WorkerOptions& options, const log::Sink& log) {
  if (!options.hep) return std::nullopt;
  auto hep = HepSender::open(loop, *options.hep);
  if (hep) return std::move(*hep);
  log(log::Level::error, log::Line("hep.off").add("why", hep.error().message()).str());
  return std::nullopt;
}

// `live` is asked at each request, so that it may change.
call::Config user_agent_config(const WorkerOptions& options, const WorkerServices& shared,
                               const LiveSettings& live, std::size_t index) {
  call::Config config;
  if (live.users) {
    config.find_user = [&live](std::string_view user, std::string_view realm,
                               sip::DigestAlgorithm algorithm) {
      return live.users->ha1(user, realm, algorithm);
    };
  }
  config.always_challenge = options.always_challenge;
  config.trusted = [allow = options.allow](const IpAddress& source) {
    return std::any_of(allow.begin(), allow.end(),
                       [&](const IpNetwork& net) { return net.contains(source); });
  };
  config.realm = options.realm;
  config.follow_refer = options.follow_refer;
  // Each worker counts the uses of its own nonces: with one of another's, credentials are stale, not used
  // again.
  config.digest_key = fmt::format("{}/{}", shared.digest_key, index);
  config.digest_algorithms = live.digests;
  config.hosts.push_back(options.realm);
  if (options.advertise) config.hosts.push_back(options.advertise->to_string());
  config.admit = [&limits = *shared.calls](const IpAddress& source) { return limits.enter(source); };
  config.release = [&limits = *shared.calls](const IpAddress& source) { limits.leave(source); };
  // Requests are spread by the hash of their Call-ID, so that a share for each is as good as one for all.
  config.max_transactions /= options.workers;
  config.max_pending_per_source /= options.workers;
  config.session_expires = options.session_expires;
  config.rtp_timeout = options.rtp_timeout;
  config.capabilities = options.capabilities;
  config.ntp_at_epoch = ntp_at_epoch();
  return config;
}

} // namespace

Worker::Worker(net::Loop& loop, const Options& options, const WorkerServices& shared, LiveSettings live,
               std::size_t index)
    : loop_(loop),
      options_(options),
      shared_(shared),
      live_(std::move(live)),
      index_(index),
      hep_(open_hep(loop, options, shared.log)),
      signalling_(
          loop, index, options.workers, *shared.connections,
          {.received = [this](const sip::Flow& flow, std::string_view bytes) { received(flow, bytes); },
           .opened =
               [this](const sip::Flow& flow) {
                 user_agent_->flow_opened(flow, net::now());
                 drain();
               },
           .closed =
               [this](const sip::Flow& flow) {
                 for (Worker* worker : workers_) {
                   if (worker == this) {
                     flow_closed(flow);
                   } else {
                     worker->post([worker, flow] { worker->flow_closed(flow); });
                   }
                 }
               }},
          shared.log),
      router_(index, options.workers,
              {.deliver = [this](std::size_t worker, const sip::Flow& flow,
                                 std::string_view message) { hand_over(worker, flow, message); },
               .ping = [this](const sip::Flow& flow) { signalling_.send(flow, "\r\n"); }}),
      host_(*this, loop, options, shared, live_, calls_, router_, signalling_, hep_ ? &*hep_ : nullptr,
            index),
      calls_(loop, [this] { drain(); }), // somebody may wait for the last of them
      closing_(loop),
      new_calls_(host_, calls_, closing_, shared, live_,
                 [this](const std::string& call_id) { announce_move(call_id, true); }),
      timer_(loop,
             [this] {
               armed_.reset();
               expire();
             }),
      stalls_(loop, [this] { close_stalled(); }) {
  make_user_agent();
}

void Worker::make_user_agent() {
  user_agent_ = std::make_unique<call::UserAgent>(user_agent_config(options_, shared_, live_, index_),
                                                  Random(net::entropy_seed()));
}

Worker::~Worker() = default;

void Worker::reload(LiveSettings live) {
  live_ = std::move(live);
  host_.reload();
  user_agent_->offer_digests(live_.digests);
}

// ---- SIP from the network

void Worker::received(const sip::Flow& flow, std::string_view bytes) {
  // A capture server is shown whole messages; else the UserAgent cuts the bytes of its connections itself.
  if (workers_.size() == 1 && !hep_) return deliver(flow, bytes);
  router_.received(flow, bytes, net::now());
  const auto due = router_.deadline();
  if (due && !stalls_.armed()) stalls_.at(*due);
}

void Worker::hand_over(std::size_t worker, const sip::Flow& flow, std::string_view message) {
  if (worker == index_) return deliver(flow, message);
  Worker* const owner = workers_[worker];
  owner->post([owner, flow, text = std::string(message)] {
    if (text.starts_with("BYE ")) owner->loop_.read_ready(); // what was said before it is heard before it
    owner->deliver(flow, text);
  });
}

void Worker::deliver(const sip::Flow& flow, std::string_view bytes) {
  ++counters_.sip_received;
  if (hep_) hep_->sip(flow, bytes, true, net::wall_clock_us());
  if (shared_.recorder && options_.record_packets) calls_.keep_sip(flow, bytes, true, net::wall_clock_us());
  closing_.received(bytes);
  user_agent_->receive_sip(flow, bytes, net::now());
  drain();
}

void Worker::flow_closed(const sip::Flow& flow) {
  router_.closed(flow);
  user_agent_->flow_closed(flow, net::now());
  drain();
}

void Worker::close_stalled() {
  for (const std::uint64_t connection : router_.expire(net::now())) {
    shared_.log(log::Level::info, log::Line("connection.stalled").add("why", "a message does not end").str());
    signalling_.close({sip::Transport::tcp, {}, {}, connection});
  }
  if (const auto due = router_.deadline()) stalls_.at(*due);
}

// A call that is here, and not where its Call-ID says, because it takes the place of one that is; or no more.
void Worker::announce_move(const std::string& call_id, bool moved) {
  if (router_.hashed(call_id) == index_) return;
  const auto home = moved ? std::optional(index_) : std::nullopt;
  for (Worker* worker : workers_)
    worker->post([worker, call_id, home] { worker->router_.moved(call_id, home); });
}

// ---- SIP to the network

void Worker::transmit(const sip::Datagram& datagram) {
  host_.send_media(); // what was said before it is heard before it
  ++counters_.sip_sent;
  if (hep_) hep_->sip(datagram.flow, datagram.bytes, false, net::wall_clock_us());
  if (shared_.recorder && options_.record_packets)
    calls_.keep_sip(datagram.flow, datagram.bytes, false, net::wall_clock_us());
  closing_.sent(datagram.bytes);
  const std::size_t owner =
      datagram.flow.connection == 0 ? index_ : Signalling::owner(datagram.flow.connection, workers_.size());
  if (owner == index_) return signalling_.send(datagram.flow, datagram.bytes);
  Worker* other = workers_[owner];
  other->post([other, datagram] { other->signalling_.send(datagram.flow, datagram.bytes); });
}

void Worker::close(const sip::Flow& flow) {
  const std::size_t owner = Signalling::owner(flow.connection, workers_.size());
  if (owner == index_) return signalling_.close(flow);
  Worker* other = workers_[owner];
  other->post([other, flow] { other->signalling_.close(flow); });
}

// ---- The UserAgent's outputs

// Whatever has arrived is heard before time goes on, for all calls: a loop that was kept from running must
// not take for late what only waited in a socket. So nothing but this tells the UserAgent the time.
void Worker::expire() {
  const Time now = net::now();
  loop_.read_ready();
  user_agent_->expire(now);
  drain();
}

void Worker::drain() {
  if (draining_) return; // a command from inside act(): the loop below sees what came of it
  draining_ = true;
  while (const auto output = user_agent_->poll())
    act(*output, net::now());
  host_.send_media();
  draining_ = false;
  calls_.destroy_ended();
  const bool none_left = calls_.empty();
  closing_.look(none_left && user_agent_->calls() == 0);
  if (closing_.draining() && !closing_.shutting_down() && none_left) end_sip();
  arm();
}

void Worker::arm() {
  const auto due = user_agent_->deadline();
  if (!due) return;
  const auto on_grid = Time((due->time_since_epoch() + kWakeGrid - Duration(1)) / kWakeGrid * kWakeGrid);
  if (armed_ && *armed_ <= on_grid) return; // it wakes in time; too early costs nothing
  armed_ = on_grid;
  timer_.at(on_grid);
}

// To the session that has the call; none, if it has ended meanwhile.
template <class Event>
void Worker::pass(const Event& event, void (Session::*to)(const Event&, Time), Time now) {
  if (Session* const session = calls_.find(event.call)) (session->*to)(event, now);
}

void Worker::act(const call::Output& output, Time now) {
  std::visit(Overloaded{[&](const call::SendMedia& e) { pass(e, &Session::send, now); },
                        [&](const call::CallerAudio& e) { pass(e, &Session::caller_audio, now); },
                        [&](const call::RecordedAudio& e) {
                          if (Session* const session = calls_.find(e.call)) session->recorded(e);
                        },
                        [&](const call::SendSip& e) { transmit(e); },
                        [&](const call::CloseFlow& e) { close(e.flow); },
                        [&](const call::IncomingCall& e) { new_calls_.from_phone(e, now); },
                        [&](const call::CallRinging& e) { pass(e, &Session::ringing, now); },
                        [&](const call::CallAnswered& e) { pass(e, &Session::answered, now); },
                        [&](const call::DtmfPressed& e) { pass(e, &Session::dtmf, now); },
                        [&](const call::MarkPassed& e) { pass(e, &Session::mark, now); },
                        [&](const call::Held& e) { held(e.call, true, now); },
                        [&](const call::Resumed& e) { held(e.call, false, now); },
                        [&](const call::TransferRequested& e) { pass(e, &Session::transfer_requested, now); },
                        [&](const call::CallRedirected& e) { pass(e, &Session::redirected, now); },
                        [&](const call::TransferFailed& e) { pass(e, &Session::transfer_failed, now); },
                        [&](const call::CallEnded& e) { ended(e, now); },
                        [&](const call::RegistrationChanged& e) { registration_changed(e); },
                        [&](const call::Log& e) { shared_.log(e.level, e.line); },
                        [](const call::MediaChanged&) {},
                        [](const call::DtmfFinished&) {}},
             output);
}

void Worker::held(call::CallKey call, bool is_held, Time now) {
  if (Session* const session = calls_.find(call)) session->held(call, is_held, now);
}

void Worker::registration_changed(const call::RegistrationChanged& change) {
  if (shared_.watcher && !change.moved) shared_.watcher->registered(change);
  for (Worker* worker : workers_) {
    if (worker != this) worker->post([worker, change] { worker->user_agent_->learn(change, net::now()); });
  }
  if (change.moved) return;
  shared_.log(log::Level::info, log::Line(change.expires_s > 0 ? "register" : "unregister")
                                    .add("aor", change.aor)
                                    .add("contact", change.contact)
                                    .add("from", change.flow.remote.to_string())
                                    .add("transport", sip::to_string(change.flow.transport))
                                    .add("expires_s", change.expires_s)
                                    .add("user_agent", change.user_agent)
                                    .str());
}

void Worker::ended(const call::CallEnded& event, Time now) {
  auto session = calls_.take(event.call);
  if (!session) return;
  session->ended(event, now);
  for (const std::string& call_id : calls_.retire(std::move(session))) {
    if (router_.has_moved(call_id)) announce_move(call_id, false);
  }
}

void Worker::leg_ended(const call::CallEnded& event) {
  ended(event, net::now());
  drain();
}

// ---- What the API asks

Result<> Worker::command(std::string_view uuid, const CallCommand& command) {
  const auto session = calls_.hold_uuid(uuid);
  if (!session) return fail(Errc::not_found, 0, "the call has ended");
  return session->command(command, net::now());
}

void Worker::take_part(std::string_view uuid, Part part, std::shared_ptr<AudioTap> tap, PartLine line) {
  const auto session = calls_.hold_uuid(uuid);
  if (!session) return line.to_client->send(PartLost{1000, "the call has ended"});
  session->add_tap(std::move(tap));
  if (part != Part::listen) session->take_part(part, std::move(line), net::now());
}

WorkerCounters Worker::totals() const {
  WorkerCounters out = counters_;
  out.bridge_failures = host_.bridge_counters().failures;
  out.bridge_reconnects = host_.bridge_counters().reconnects;
  out.sip_unread = signalling_.dropped();
  if (hep_) {
    out.hep_sent = hep_->sent();
    out.hep_dropped = hep_->dropped();
  }
  return out;
}

// ---- The end

void Worker::shutdown(std::function<void()> done) {
  signalling_.stop_listening();
  closing_.shut_down(std::move(done));
  const Time now = net::now();
  user_agent_->shutdown(now);
  calls_.shut_down(now);
  drain();
}

void Worker::stop_sip(bool now, std::function<void()> done) {
  closing_.drain(std::move(done));
  if (now) return shutdown([this] { end_sip(); });
  drain();
}

// Nothing is left of what the sockets were for. From the loop, not from amid the UserAgent's outputs.
void Worker::end_sip() {
  loop_.post([this] {
    if (!closing_.draining()) return;
    signalling_.close_all();
    make_user_agent();
    closing_.drained();
  });
}

net::SysResult<> Worker::start_sip(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    if (auto done = signalling_.listen(endpoint); !done) return done;
  }
  closing_.reopen();
  return {};
}

} // namespace talky::sipd
