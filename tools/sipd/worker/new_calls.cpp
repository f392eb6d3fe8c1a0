#include "sipd/worker/new_calls.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "sip/uri.hpp"
#include "sipd/call/next_hop.hpp"
#include "sipd/call/redirects.hpp"
#include "sipd/call/session.hpp"
#include "sipd/call/sip_leg.hpp"
#include "sipd/call/web_leg.hpp"

namespace talky::sipd {
namespace {

// Keys of calls that the UserAgent does not know: it counts from 1. Those to phones have one of its keys as
// soon as their INVITE is sent.
constexpr call::CallKey kFirstToPhone = call::CallKey{1} << 62;
constexpr call::CallKey kFirstFromBrowser = call::CallKey{1} << 63;

constexpr NoCall kNotAtPresent{503, "no calls are placed at present"};

NoCall no_next_hop(int status) {
  if (status == 404) return {404, R"(the host of "to" is not found)"};
  if (status == 416) return {422, R"("to" is no sip: URI with a transport of udp or tcp)"};
  return {404, R"("to" cannot be reached from here)"};
}

} // namespace

NewCalls::NewCalls(CallHost& host, SessionTable& calls, const Closing& closing, const WorkerServices& shared,
                   const LiveSettings& live, std::function<void(const std::string&)> moved)
    : host_(host), calls_(calls), closing_(closing), shared_(shared), live_(live), moved_(std::move(moved)) {}

NewCalls::~NewCalls() = default;

// ---- Telephones

void NewCalls::from_phone(const call::IncomingCall& call, Time now) {
  if (closing_.refuses()) {
    host_.user_agent().reject(call.call, 503, "", now);
    return;
  }
  std::shared_ptr<Session> session;
  if (call.replaces != 0) {
    session = calls_.hold(call.replaces);
    if (!session) {
      host_.user_agent().reject(call.call, 481, "", now);
      return;
    }
    moved_(call.call_id);
  } else {
    session = std::make_shared<Session>(host_, std::make_unique<SipLeg>(host_, call.flow), call,
                                        live_.routes->find(call.dialled), host_.random().uuid(), now);
  }
  calls_.add(call.call, session);
  calls_.expect_sip(call.call_id, *session);
  if (call.replaces != 0) {
    session->replaced_by(call, now);
  } else {
    session->begin(now);
  }
}

// ---- Browsers

void NewCalls::from_browser(WebCall call, Time now) {
  const auto browser = call.to_browser;
  if (!closing_.takes_calls()) return browser->send(WebEnd{.reason = "no calls are taken at present"});
  auto slot = take_slot(*shared_.calls, call.peer.ip);
  if (!slot) return browser->send(WebEnd{.reason = "too many calls"});

  call::IncomingCall incoming;
  incoming.call = kFirstFromBrowser + ++browsers_;
  const std::string ip = call.peer.ip.to_string();
  incoming.from = ip.find(':') == std::string::npos ? fmt::format("sip:browser@{}", ip)
                                                    : fmt::format("sip:browser@[{}]", ip);
  incoming.request_uri = call.to.empty() ? fmt::format("sip:{}", call.local.to_string())
                                         : fmt::format("sip:{}@{}", call.to, call.local.to_string());
  incoming.to = incoming.request_uri;
  incoming.dialled = call.to;
  incoming.user_agent = call.user_agent;
  incoming.flow.transport = sip::Transport::tcp;
  incoming.flow.local = call.local;
  incoming.flow.remote = call.peer;

  std::string voice = call.voice;
  auto leg = std::make_unique<WebLeg>(host_, std::move(call), std::move(slot), now);
  WebLeg& line = *leg;
  const auto session = std::make_shared<Session>(
      host_, std::move(leg), incoming, live_.routes->find(incoming.dialled), host_.random().uuid(), now);
  session->speak_as(std::move(voice));
  calls_.add(incoming.call, session);
  line.serve(*session, session->uuid());
  session->begin(now);
}

// ---- Calls that we place

void NewCalls::to_phone(const CallOut& call, const CallPlaced& done, Time now) {
  if (!closing_.takes_calls()) return done(tl::unexpected(kNotAtPresent));
  const auto uri = sip::Uri::parse(call.to);
  if (!uri || !uri->is_sip())
    return done(tl::unexpected(
        NoCall{422, R"("to" must be a SIP URI or the name of a phone that is registered here)"}));
  if (!host_.permits(call.to, CallHost::Wish::call_out))
    return done(tl::unexpected(NoCall{403, "no --allow-calls-out pattern fits"}));
  if (host_.leads_nowhere(*uri))
    return done(tl::unexpected(NoCall{404, "nobody is registered here by that name"}));
  if (live_.routes->find(call.connect).destination->refusal())
    return done(tl::unexpected(NoCall{422, R"("connect" leads to a route that rejects)"}));
  const std::uint64_t id = ++searches_;
  finding_[id] = std::make_unique<FindNextHop>(
      host_, call.to, now, [this, id, call, done](tl::expected<NextHop, int> hop, Time) {
        // From the loop: it may be the search itself that calls us.
        host_.post([this, id, call, done, hop = std::move(hop)](Time then) {
          finding_.erase(id);
          if (hop) {
            place(call, *hop, done, then);
          } else {
            done(tl::unexpected(no_next_hop(hop.error())));
          }
          host_.drain();
        });
      });
}

void NewCalls::place(const CallOut& call, const NextHop& hop, const CallPlaced& done, Time now) {
  if (!closing_.takes_calls()) return done(tl::unexpected(kNotAtPresent));
  OutSlot slot = take_slot(*shared_.calls_out, IpAddress());
  if (!slot) return done(tl::unexpected(NoCall{503, "as many calls go out as may (--max-calls-out)"}));
  const auto uri = sip::Uri::parse(call.to);
  call::InviteOptions invite;
  invite.target = hop.target;
  invite.to = call.to;
  invite.flow = hop.flow;
  invite.call_id = host_.new_call_id();
  invite.answer_timeout = call.ring;
  invite.max_redirects = kMaxRedirects;
  invite.credentials = host_.credentials(uri->host);
  invite.from = invite.credentials
                    ? fmt::format("sip:{}@{}", sip::escape_user(invite.credentials->user), uri->host)
                    : fmt::format("sip:talky@{}", hop.flow.local.to_string());

  call::IncomingCall about;
  about.call = kFirstToPhone + ++placed_;
  about.call_id = invite.call_id;
  about.from = invite.from;
  about.to = call.to;
  about.request_uri = call.to;
  about.dialled = sip::unescape(uri->user);
  about.flow = hop.flow;

  auto leg = std::make_unique<SipLeg>(host_, hop.flow);
  leg->dial(std::move(invite), std::move(slot));
  const auto session = std::make_shared<Session>(
      host_, std::move(leg), about, live_.routes->find(call.connect), host_.random().uuid(), now);
  session->speak_as(call.voice);
  calls_.add(about.call, session);
  calls_.expect_sip(about.call_id, *session);
  const std::string uuid = session->uuid();
  session->begin(now);
  done(uuid);
}

} // namespace talky::sipd
