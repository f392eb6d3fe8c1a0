// A codec of the table is in offer, answer and sound of a call as soon as the configuration names it.
#include <doctest/doctest.h>

#include "call/rig.hpp"
#include "codec/codec.hpp"

using namespace talky;
using namespace talky::call;
using namespace talky::call::test;

namespace {

std::string name_of(const codec::Info& info) {
  return fmt::format("{}/{}", info.name, info.clock_rate);
}

Config config_with(std::vector<std::string> codecs) {
  Config config;
  config.capabilities = *make_capabilities(codecs);
  return config;
}

InviteOptions to_peer() {
  InviteOptions options;
  options.target = "sip:bob@127.0.0.1:5070";
  options.flow = udp();
  options.media = kServerMedia;
  return options;
}

} // namespace

TEST_CASE("without a word about codecs a call offers PCMU and PCMA") {
  const sdp::Capabilities standard = standard_capabilities();
  REQUIRE(standard.codecs.size() == 2);
  CHECK(standard.codecs[0] == sdp::Codec{"PCMU", 8000, 0, "", 1});
  CHECK(standard.codecs[1] == sdp::Codec{"PCMA", 8000, 8, "", 1});
  CHECK(standard.telephone_event == 101);
  CHECK(Config().capabilities.codecs == standard.codecs);
}

TEST_CASE("names of codecs: any case, with or without their rate; what is none for calls is an error") {
  const auto made = make_capabilities(
      std::vector<std::string>{"pcma", "L16/16000", "OPUS", "l16/8000", "PCMA", "G722", "L16/24000"});
  REQUIRE(made);
  REQUIRE(made->codecs.size() == 6); // PCMA once
  CHECK(made->codecs[0] == sdp::Codec{"PCMA", 8000, 8, "", 1});
  CHECK(made->codecs[1] == sdp::Codec{"L16", 16000, 96, "", 1});
  CHECK(made->codecs[2] == sdp::Codec{"opus", 48000, 97, "", 2}); // RFC 7587 7
  CHECK(made->codecs[3] == sdp::Codec{"L16", 8000, 98, "", 1});
  CHECK(made->codecs[4] == sdp::Codec{"G722", 8000, 9, "", 1});
  CHECK(made->codecs[5] == sdp::Codec{"L16", 24000, 99, "", 1});
  CHECK(make_capabilities(std::vector<std::string>{"AMR"}).error().code == Errc::unsupported);
  CHECK(make_capabilities(std::vector<std::string>{"L16/44101"}).error().code == Errc::unsupported);
  CHECK(make_capabilities({}).error().code == Errc::too_large);
}

TEST_CASE("a codec of the table that the configuration names is offered, answered, and heard both ways") {
  std::size_t tried = 0;
  for (const codec::Entry& entry : codec::all()) {
    if (!is_for_calls(entry.info)) continue;
    const std::string name = name_of(entry.info);
    CAPTURE(name);
    // Ours calls with it beside PCMU; the peer, another one of ours, knows it and not PCMU.
    Rig caller(config_with({name, "PCMU"}));
    Rig callee(config_with({name}));
    const auto call = caller.agent.invite(to_peer(), caller.now);
    REQUIRE(call);
    REQUIRE(caller.agent.attach_bridge(*call));
    caller.drain();
    const std::string map =
        fmt::format(" {}/{}{}\r\n", entry.info.name, entry.info.clock_rate,
                    entry.info.rtpmap_channels == 1 ? "" : fmt::format("/{}", entry.info.rtpmap_channels));
    CHECK(caller.body().find("rtpmap:" + std::to_string(entry.info.static_pt.value_or(96)) + map) !=
          std::string::npos);
    callee.receive(caller.sent.back().bytes);
    REQUIRE(callee.call() != 0);
    CHECK(callee.last<IncomingCall>()->preview->codec == entry.info.name);
    REQUIRE(callee.agent.attach_bridge(callee.call()));
    callee.accept();
    REQUIRE(callee.status() == 200);
    CHECK(callee.body().find(map) != std::string::npos);
    caller.receive(callee.sent.back().bytes);
    REQUIRE(caller.last<CallAnswered>() != nullptr);
    CHECK(caller.last<CallAnswered>()->plan.codec == entry.info.name);
    REQUIRE(caller.method() == "ACK");
    callee.receive(caller.sent.back().bytes);

    std::vector<std::int16_t> tone(16'000);
    for (std::size_t i = 0; i < tone.size(); ++i)
      tone[i] = i / 16 % 2 == 0 ? 8000 : -8000; // 500 Hz
    REQUIRE(caller.agent.play(*call, tone));
    REQUIRE(callee.agent.play(callee.call(), tone));
    for (int step = 0; step < 100; ++step) {
      caller.advance(10ms);
      callee.advance(10ms);
      for (const auto& packet : caller.rtp)
        callee.agent.receive_rtp(callee.call(), packet, {kServerMedia.address, kServerMedia.rtp_port}, false,
                                 callee.now);
      for (const auto& packet : callee.rtp)
        caller.agent.receive_rtp(*call, packet, {kServerMedia.address, kServerMedia.rtp_port}, false,
                                 caller.now);
      caller.rtp.clear();
      callee.rtp.clear();
      caller.drain();
      callee.drain();
    }
    const auto loud = [](const std::vector<std::int16_t>& heard) {
      return std::count_if(heard.begin(), heard.end(), [](std::int16_t s) { return s > 2000 || s < -2000; });
    };
    CHECK(loud(caller.heard) > 8000); // half a second at least
    CHECK(loud(callee.heard) > 8000);
    ++tried;
  }
  CHECK(tried >= 10); // G.711, G.722, Opus, GSM and L16 are among them
}
