// The cost of signalling: parsing, building, verdicts and whole transactions.
#include <benchmark/benchmark.h>

#include <string>

#include "sip/builder.hpp"
#include "sip/digest.hpp"
#include "sip/framer.hpp"
#include "sip/transaction_layer.hpp"
#include "sip/validate.hpp"

using namespace talky;
using namespace talky::sip;

namespace {

// An INVITE as MicroSIP sends it.
std::string invite_text(const std::string& branch) {
  const std::string sdp =
      "v=0\r\no=- 3840000000 3840000000 IN IP4 192.0.2.7\r\ns=pjmedia\r\nb=AS:84\r\nt=0 0\r\na=X-nat:0\r\n"
      "m=audio 4000 RTP/AVP 8 0 101\r\nc=IN IP4 192.0.2.7\r\nb=TIAS:64000\r\na=rtcp:4001 IN IP4 "
      "192.0.2.7\r\na=sendrecv\r\n"
      "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "
      "0-16\r\n";
  return "INVITE sip:100@198.51.100.1 SIP/2.0\r\n"
         "Via: SIP/2.0/UDP 192.0.2.7:5060;rport;branch=z9hG4bKPj" +
         branch +
         "\r\nMax-Forwards: 70\r\n"
         "From: \"Alice\" <sip:alice@198.51.100.1>;tag=8d3c0d1a6f0b4c3f\r\n"
         "To: <sip:100@198.51.100.1>\r\n"
         "Contact: \"Alice\" <sip:alice@192.0.2.7:5060;ob>\r\n"
         "Call-ID: 5f1c3ab0d7e94e2a9a6f" +
         branch +
         "\r\nCSeq: 12345 INVITE\r\n"
         "Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, "
         "OPTIONS\r\n"
         "Supported: replaces, 100rel, timer, norefersub\r\n"
         "Session-Expires: 1800\r\nMin-SE: 90\r\nUser-Agent: MicroSIP/3.21.5\r\n"
         "Content-Type: application/sdp\r\nContent-Length: " +
         std::to_string(sdp.size()) + "\r\n\r\n" + sdp;
}

const Flow kFlow{
    Transport::udp, {IpAddress::v4(198, 51, 100, 1), 5060}, {IpAddress::v4(192, 0, 2, 7), 5060}, 0};
constexpr Time kStart{std::chrono::seconds(1)};

void parse_again(benchmark::State& state) {
  const std::string text = invite_text("1");
  MessageView view;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(view.assign(text));
    benchmark::DoNotOptimize(view.call_id().data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_again);

void parse_new(benchmark::State& state) {
  const std::string text = invite_text("1");
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(MessageView::parse(text));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_new);

void parse_and_read(benchmark::State& state) { // with the fields that a transaction and a dialog need
  const std::string text = invite_text("1");
  MessageView view;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(view.assign(text));
    benchmark::DoNotOptimize(view.top_via());
    benchmark::DoNotOptimize(view.from());
    benchmark::DoNotOptimize(view.to());
    benchmark::DoNotOptimize(view.cseq());
    benchmark::DoNotOptimize(view.contact());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_and_read);

void verdict(benchmark::State& state) {
  const std::string text = invite_text("1");
  const auto view = MessageView::parse(text);
  const UasPolicy policy;
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(validate(*view, policy));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(verdict);

void build_reply(benchmark::State& state) {
  const auto request = *Incoming::parse(invite_text("1"), kFlow, kStart);
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(Builder::reply(*request, 180, {.to_tag = "abcdef0123456789"}).build());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(build_reply);

void frame(benchmark::State& state) {
  const std::string text = invite_text("1");
  Framer framer;
  for ([[maybe_unused]] auto _ : state) {
    framer.feed(text);
    benchmark::DoNotOptimize(framer.next());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(frame);

// INVITE, 180, 200, ACK and all timers, with `live` other transactions waiting for theirs.
void invite_transaction(benchmark::State& state) {
  TransactionLayer::Config config;
  config.max_transactions = 1'000'000;
  config.max_transactions_per_source = 1'000'000;
  TransactionLayer layer(config, Random::Seed{1, 2, 3, 4});
  const auto drain = [&](Time now) {
    while (const auto output = layer.poll()) {
      const auto* const request = std::get_if<RequestReceived>(&*output);
      if (request == nullptr) continue;
      layer.respond(request->id, Builder::reply(*request->request, 180, {.to_tag = "t"}).build(), now);
      layer.respond(request->id, Builder::reply(*request->request, 200, {.to_tag = "t"}).build(), now);
    }
  };
  Time now = kStart;
  int number = 0;
  const auto step = std::chrono::microseconds(32'000'000 / state.range(0)); // so that this many are alive
  for ([[maybe_unused]] auto _ : state) {
    now += step;
    layer.expire(now);
    layer.receive(kFlow, invite_text(std::to_string(++number)), now);
    drain(now);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["live"] = static_cast<double>(layer.size());
}
BENCHMARK(invite_transaction)->Arg(10)->Arg(10'000)->Iterations(40'000);

void digest_verify(benchmark::State& state) {
  DigestServer server({.realm = "talky", .key = "0123456789abcdef"});
  const auto ha1 = digest_ha1(DigestAlgorithm::md5, "alice", "talky", "secret");
  DigestClient client("alice", "secret");
  const auto first = *Incoming::parse(invite_text("1"), kFlow, kStart);
  const Message challenge = server.challenge(*first, kStart, false, "t");
  (void)client.receive(*challenge.view(), false);
  const auto lookup = [&](std::string_view, std::string_view, DigestAlgorithm algorithm) {
    return std::optional(digest_ha1(algorithm, "alice", "talky", "secret"));
  };
  for ([[maybe_unused]] auto _ : state) {
    const Message request =
        Builder::request(Method::invite, "sip:100@x")
            .header(HeaderId::authorization, client.authorization("INVITE", "sip:100@x", "c"))
            .build();
    const auto view = request.view();
    if (server.verify(*view, lookup, kStart).outcome != DigestServer::Outcome::accepted)
      state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(digest_verify);

} // namespace
