// Calls that the HTTP API asks us to place. The bridge is called first, so that nobody is rung up for an
// agent that is not there; once it stands the INVITE goes out (SipLeg::accept), and what the agent says
// meanwhile is heard from the answer on.
#include <fmt/format.h>

#include <utility>

#include "sip/uri.hpp"
#include "sipd/call/redirects.hpp"
#include "sipd/call/session.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

// Keys of calls whose INVITE has not been sent: the UserAgent counts from 1, browsers from 2^63.
constexpr call::CallKey first_out_key = call::CallKey{1} << 62;

NoCall no_next_hop(int status) {
  if (status == 404) return {404, R"(the host of "to" is not found)"};
  if (status == 416) return {422, R"("to" is no sip: URI with a transport of udp or tcp)"};
  return {404, R"("to" cannot be reached from here)"};
}

} // namespace

void Worker::call_out(const CallOut& call, const CallPlaced& done) {
  if (refuses_ || shut_down_) return done(tl::unexpected(NoCall{503, "no calls are placed at present"}));
  const auto uri = sip::Uri::parse(call.to);
  if (!uri || !uri->is_sip())
    return done(tl::unexpected(
        NoCall{422, R"("to" must be a SIP URI or the name of a phone that is registered here)"}));
  if (!permits(call.to, Wish::call_out))
    return done(tl::unexpected(NoCall{403, "no --allow-calls-out pattern fits"}));
  if (leads_nowhere(*uri)) return done(tl::unexpected(NoCall{404, "nobody is registered here by that name"}));
  const Target& target = live_.routes->find(call.connect);
  if (target.destination->refusal())
    return done(tl::unexpected(NoCall{422, R"("connect" leads to a route that rejects)"}));
  const std::uint64_t id = ++searches_;
  finding_[id] =
      std::make_unique<FindNextHop>(*this, call.to, [this, id, call, done](tl::expected<NextHop, int> hop) {
        // From the loop: it may be the search itself that calls us.
        loop_.post([this, id, call, done, hop = std::move(hop)] {
          finding_.erase(id);
          if (hop) {
            place_out(call, *hop, done);
          } else {
            done(tl::unexpected(no_next_hop(hop.error())));
          }
          drain();
        });
      });
}

bool Worker::leads_nowhere(const sip::Uri& uri) const {
  const auto ip = uri.host_ip();
  return ip && listens_on({*ip, uri.port_or_default()}) && !agent_->locate(uri, true);
}

void Worker::place_out(const CallOut& call, const NextHop& hop, const CallPlaced& done) {
  if (refuses_ || shut_down_) return done(tl::unexpected(NoCall{503, "no calls are placed at present"}));
  OutSlot slot = take_slot(*shared_.calls_out, IpAddress());
  if (!slot) return done(tl::unexpected(NoCall{503, "as many calls go out as may (--max-calls-out)"}));
  const auto uri = sip::Uri::parse(call.to);
  call::InviteOptions invite;
  invite.target = hop.target;
  invite.to = call.to;
  invite.flow = hop.flow;
  invite.call_id = new_call_id();
  invite.answer_timeout = call.ring;
  invite.max_redirects = max_redirects;
  invite.credentials = credentials(uri->host);
  invite.from = invite.credentials
                    ? fmt::format("sip:{}@{}", sip::escape_user(invite.credentials->user), uri->host)
                    : fmt::format("sip:talky@{}", hop.flow.local.to_string());

  call::IncomingCall about;
  about.call = first_out_key + ++placed_out_;
  about.call_id = invite.call_id;
  about.from = invite.from;
  about.to = call.to;
  about.request_uri = call.to;
  about.dialled = sip::unescape(uri->user);
  about.flow = hop.flow;

  auto leg = std::make_unique<SipLeg>(*this, hop.flow);
  leg->dial(std::move(invite), std::move(slot));
  const auto session = std::make_shared<Session>(*this, std::move(leg), about,
                                                 live_.routes->find(call.connect), random_.uuid());
  session->speak_as(call.voice);
  sessions_.emplace(about.call, session);
  expect_sip(about.call_id, *session);
  const std::string uuid = session->uuid();
  session->begin();
  done(uuid);
}

// The INVITE has gone out, and the UserAgent has given the call its key.
void Worker::rename(call::CallKey from, call::CallKey to) {
  adopt(to, from);
  sessions_.erase(from);
}

} // namespace talky::sipd
