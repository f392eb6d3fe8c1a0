#include "sipd/worker/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

#include "core/overloaded.hpp"
#include "net/entropy.hpp"
#include "sipd/api/api.hpp"
#include "sipd/call/session.hpp"
#include "sipd/call/sip_leg.hpp"

namespace talky::sipd {
namespace {

// Every wake-up serves all calls that are due in the next 2 ms. A call's own grid of 20 ms is a multiple of
// that, so its packets keep their pace to the microsecond, and hundreds of calls cost no more than 500
// wake-ups a second.
constexpr Duration wake_grid = std::chrono::milliseconds(2);
constexpr std::size_t burials_a_turn = 8; // see Worker::bury
constexpr auto port_rest = std::chrono::seconds(10);
constexpr auto shutdown_limit = std::chrono::seconds(5);
constexpr std::int64_t ntp_offset_s = 2'208'988'800; // from 1900 to 1970

// NTP time, 32.32, of the clock's zero.
std::uint64_t ntp_at_epoch() {
  const std::int64_t us = net::wall_clock_us() - to_us(net::now());
  const auto seconds = static_cast<std::uint64_t>(us / 1'000'000 + ntp_offset_s);
  const auto fraction = static_cast<std::uint64_t>(us % 1'000'000) * (std::uint64_t{1} << 32) / 1'000'000;
  return seconds << 32 | fraction;
}

} // namespace

Worker::Worker(net::Loop& loop, const Options& options, const Shared& shared, Live live, std::size_t index)
    : loop_(loop),
      options_(options),
      shared_(shared),
      live_(std::move(live)),
      bridges_{loop, options.bridge_ca, shared.reconnecting, shared.agent, live_.files},
      index_(index),
      random_(net::entropy_seed()),
      ports_(options.rtp_ports, port_rest, random_, index, options.workers),
      signalling_(
          loop, index, options.workers, *shared.connections,
          {.received = [this](const sip::Flow& flow, std::string_view bytes) { received(flow, bytes); },
           .opened =
               [this](const sip::Flow& flow) {
                 agent_->flow_opened(flow, net::now());
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
      timer_(loop,
             [this] {
               armed_.reset();
               expire();
             }),
      stalls_(loop, [this] { close_stalled(); }) {
  make_user_agent();
  if (options.hep) {
    auto hep = HepSender::open(loop, *options.hep);
    if (hep) {
      hep_ = std::move(*hep);
    } else {
      shared.log(log::Level::error, log::Line("hep.off").add("why", hep.error().message()).str());
    }
  }
  call_options_.ring = options.ring;
  call_options_.advertise = options.advertise;
  call_options_.taps = shared.api != nullptr;
  sinks_ = {shared.log,
            shared.recorder,
            shared.records,
            shared.api,
            shared.tracer,
            hep_ ? &*hep_ : nullptr,
            shared.agent_keeps_journal,
            index};
}

void Worker::make_user_agent() {
  call::Config config;
  if (live_.users) {
    config.find_user = [this](std::string_view user, std::string_view realm, sip::DigestAlgorithm algorithm) {
      return live_.users->ha1(user, realm, algorithm);
    };
  }
  config.realm = options_.realm;
  config.follow_refer = options_.follow_refer;
  // Each worker counts the uses of its own nonces: with one of another's, credentials are stale, not used
  // again.
  config.digest_key = fmt::format("{}/{}", shared_.digest_key, index_);
  config.digest_algorithms = live_.digests;
  config.hosts.push_back(options_.realm);
  if (options_.advertise) config.hosts.push_back(options_.advertise->to_string());
  config.admit = [&limits = *shared_.calls](const IpAddress& source) { return limits.enter(source); };
  config.release = [&limits = *shared_.calls](const IpAddress& source) { limits.leave(source); };
  // Requests are spread by the hash of their Call-ID, so that a share for each is as good as one for all.
  config.max_transactions /= options_.workers;
  config.max_pending_per_source /= options_.workers;
  config.session_expires = options_.session_expires;
  config.rtp_timeout = options_.rtp_timeout;
  config.capabilities = options_.capabilities;
  config.ntp_at_epoch = ntp_at_epoch();
  agent_ = std::make_unique<call::UserAgent>(std::move(config), Random(net::entropy_seed()));
}

Worker::~Worker() = default;

void Worker::reload(Live live) {
  live_ = std::move(live);
  bridges_.files = live_.files;
  agent_->offer_digests(live_.digests);
}

// ---- The UserAgent's outputs

// Whatever has arrived is heard before time goes on, for all calls: a loop that was kept from running must
// not take for late what only waited in a socket. So nothing but this tells the UserAgent the time.
void Worker::expire() {
  const Time now = net::now();
  loop_.read_ready();
  agent_->expire(now);
  drain();
}

void Worker::drain() {
  if (draining_) return; // a command from inside act(): the loop below sees what came of it
  draining_ = true;
  while (const auto output = agent_->poll())
    act(*output);
  draining_ = false;
  if (!ended_.empty() && !std::exchange(burying_, true)) bury();
  const bool none_left = sessions_.empty() && ended_.empty();
  if (shut_down_ && agent_->calls() == 0 && none_left && goodbyes_.empty()) {
    shutdown_limit_.reset();
    std::exchange(shut_down_, nullptr)();
  }
  if (drained_ && !shut_down_ && none_left) end_sip();
  arm();
}

// The kernel takes its time to close a call's sockets. When hundreds end at once, those that go on must not
// wait for all of them: a few calls in a turn of the loop.
void Worker::bury() {
  loop_.post([this] {
    ended_.resize(ended_.size() - std::min(ended_.size(), burials_a_turn));
    burying_ = !ended_.empty();
    if (burying_) return bury();
    drain(); // somebody may wait for the last of them
  });
}

void Worker::arm() {
  const auto due = agent_->deadline();
  if (!due) return;
  const auto on_grid = Time((due->time_since_epoch() + wake_grid - Duration(1)) / wake_grid * wake_grid);
  if (armed_ && *armed_ <= on_grid) return; // it wakes in time; too early costs nothing
  armed_ = on_grid;
  timer_.at(on_grid);
}

Session* Worker::find(call::CallKey key) {
  const auto it = sessions_.find(key);
  return it == sessions_.end() ? nullptr : it->second.get();
}

void Worker::act(const call::Output& output) {
  std::visit(Overloaded{[this](const call::SendSip& e) { transmit(e); },
                        [this](const call::CloseFlow& e) {
                          const std::size_t owner = Signalling::owner(e.flow.connection, workers_.size());
                          if (owner == index_) return signalling_.close(e.flow);
                          Worker* other = workers_[owner];
                          other->post([other, flow = e.flow] { other->signalling_.close(flow); });
                        },
                        [this](const call::SendMedia& e) {
                          if (Session* session = find(e.call)) session->send(e);
                        },
                        [this](const call::IncomingCall& e) { incoming(e); },
                        [this](const call::CallAnswered& e) {
                          if (Session* session = find(e.call)) session->answered(e);
                        },
                        [this](const call::CallerAudio& e) {
                          if (Session* session = find(e.call)) session->caller_audio(e);
                        },
                        [this](const call::RecordedAudio& e) {
                          if (Session* session = find(e.call)) session->recorded(e);
                        },
                        [this](const call::DtmfPressed& e) {
                          if (Session* session = find(e.call)) session->dtmf(e);
                        },
                        [this](const call::MarkPassed& e) {
                          if (Session* session = find(e.call)) session->mark(e);
                        },
                        [this](const call::Held& e) {
                          if (Session* session = find(e.call)) session->held(e.call, true);
                        },
                        [this](const call::Resumed& e) {
                          if (Session* session = find(e.call)) session->held(e.call, false);
                        },
                        [this](const call::CallEnded& e) { ended(e); },
                        [this](const call::RegistrationChanged& e) {
                          if (shared_.api) shared_.api->registered(e);
                          for (Worker* worker : workers_) {
                            if (worker != this) worker->post([worker, e] { worker->learn(e); });
                          }
                          shared_.log(log::Level::info,
                                      log::Line(e.expires_s > 0 ? "register" : "unregister")
                                          .add("aor", e.aor)
                                          .add("contact", e.contact)
                                          .add("from", e.flow.remote.to_string())
                                          .add("transport", sip::to_string(e.flow.transport))
                                          .add("expires_s", e.expires_s)
                                          .add("user_agent", e.user_agent)
                                          .str());
                        },
                        [this](const call::Log& e) { shared_.log(e.level, e.line); },
                        [this](const call::CallRinging& e) {
                          if (Session* session = find(e.call)) session->ringing(e);
                        },
                        [](const call::MediaChanged&) {},
                        [this](const call::TransferRequested& e) {
                          if (Session* session = find(e.call)) session->transfer_requested(e);
                        },
                        [this](const call::CallRedirected& e) {
                          if (Session* session = find(e.call)) session->redirected(e);
                        },
                        [](const call::DtmfFinished&) {},
                        [this](const call::TransferFailed& e) {
                          if (Session* session = find(e.call)) session->transfer_failed(e);
                        }},
             output);
}

void Worker::incoming(const call::IncomingCall& call) {
  if (refuses_) {
    agent_->reject(call.call, 503, "", net::now());
    return;
  }
  std::shared_ptr<Session> session;
  if (call.replaces != 0) {
    const auto replaced = sessions_.find(call.replaces);
    if (replaced == sessions_.end()) {
      agent_->reject(call.call, 481, "", net::now());
      return;
    }
    session = replaced->second;
    if (workers_.size() > 1) tell_moved(call.call_id, true);
  } else {
    session = std::make_shared<Session>(*this, std::make_unique<SipLeg>(*this, call.flow), call,
                                        live_.routes->find(call.dialled), random_.uuid());
  }
  sessions_.emplace(call.call, session);
  expect_sip(call.call_id, *session);
  for (auto it = recent_.begin(); it != recent_.end();) {
    const bool ours = scratch_.assign(it->bytes) && scratch_.call_id() == call.call_id;
    if (ours) session->sip(it->flow, it->bytes, it->incoming, it->time_us);
    it = ours ? recent_.erase(it) : it + 1;
  }
  if (call.replaces != 0) {
    session->replaced_by(call);
  } else {
    session->begin();
  }
}

void Worker::adopt(call::CallKey call, call::CallKey of) {
  const auto session = sessions_.find(of);
  if (session != sessions_.end()) sessions_.emplace(call, session->second);
}

void Worker::expect_sip(const std::string& call_id, Session& session) {
  by_call_id_.emplace(call_id, &session);
}

void Worker::forget_sip(const std::string& call_id) {
  by_call_id_.erase(call_id);
}

std::string Worker::new_call_id() {
  std::string id = random_.uuid();
  while (std::hash<std::string_view>{}(id) % workers_.size() != index_)
    id = random_.uuid();
  return id;
}

bool Worker::permits(std::string_view uri, Wish wish) const {
  const std::vector<std::string>& patterns = wish == Wish::referral ? *live_.refer : live_.calls_out->allowed;
  const auto target = sip::Uri::parse(uri);
  if (!target || !target->is_sip()) return false;
  const auto ip = target->host_ip();
  const std::string user = sip::unescape(target->user);
  // A number alone is one of ours: at our own address, or registered here.
  const bool ours =
      (ip && listens_on({*ip, target->port_or_default()})) || agent_->locate(*target, false).has_value();
  std::string whole = fmt::format("{}@{}", user, target->host);
  if (target->port != 0) whole += fmt::format(":{}", target->port);
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    if (pattern == "*") return true;
    return pattern.find('@') == std::string::npos ? ours && matches(pattern, user) : matches(pattern, whole);
  });
}

void Worker::ended(const call::CallEnded& event) {
  const auto it = sessions_.find(event.call);
  if (it == sessions_.end()) return;
  const std::shared_ptr<Session> session = std::move(it->second);
  sessions_.erase(it);
  session->ended(event);
  if (workers_.size() > 1) {
    for (const auto& [call_id, owner] : by_call_id_) {
      const bool over = owner == session.get() && !session->knows_sip(call_id);
      if (over && moved_.contains(call_id)) tell_moved(call_id, false);
    }
  }
  std::erase_if(by_call_id_, [&](const auto& entry) {
    return entry.second == session.get() && !session->knows_sip(entry.first);
  });
  ended_.push_back(session); // one of its callbacks may be what brought us here
}

void Worker::shutdown(std::function<void()> done) {
  signalling_.stop_listening();
  shut_down_ = std::move(done);
  shutdown_limit_.emplace(loop_, [this] {
    if (shut_down_) std::exchange(shut_down_, nullptr)();
  });
  shutdown_limit_->at(net::now() + shutdown_limit);
  agent_->shutdown(net::now());
  for (const auto& [key, session] : sessions_)
    session->shut_down();
  drain();
}

} // namespace talky::sipd
