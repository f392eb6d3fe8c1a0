// What --bridge and --route may lead to.
#include "sipd/bridge/target.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace talky;
using sipd::Target;

// A call that only takes down what is asked of it.
class Host final : public sipd::BridgeHost {
 public:
  const ipc::Start& about() const override { return about_; }
  void ready(Time /*now*/) override { is_ready = true; }
  void failed(std::string_view why, int /*status*/, Time /*now*/) override { failure = why; }
  std::size_t play(std::span<const std::int16_t> samples, Time /*now*/) override {
    played.insert(played.end(), samples.begin(), samples.end());
    return samples.size();
  }
  std::uint64_t queued() const override { return played.size(); }
  void clear(Time /*now*/) override {}
  void mark(const std::string& /*name*/) override {}
  void send_dtmf(const ipc::SendDtmf& /*dtmf*/, Time /*now*/) override {}
  void hangup(std::string_view reason, Time /*now*/) override { goodbye = reason; }
  void transfer(const std::string& /*to*/, Time /*now*/) override {}
  void log(log::Level /*level*/, log::Line /*line*/) override {}

  bool is_ready = false;
  std::string failure, goodbye;
  audio::Samples played;

 private:
  ipc::Start about_;
};

struct Fixture {
  net::Loop loop;
  Host host;
  sipd::BridgeContext context{loop, "", nullptr, nullptr, {}};

  auto connect(std::string_view text) {
    const auto target = Target::parse(text);
    REQUIRE(target);
    return target->destination->connect(host, context);
  }
};

} // namespace

TEST_CASE("every form of a target is known, and keeps the text as it was written") {
  for (const std::string text :
       {"agent", "echo", "tone:440", "tone:1.5", "play:a file.wav", "exec:cat", "unix:/tmp/x",
        "unix:/tmp/x,talky", "tcp:127.0.0.1:9000", "tcp:127.0.0.1:9000,talky", "ws://127.0.0.1/a",
        "wss://example.com:8443/a", "reject:603"}) {
    CAPTURE(text);
    const auto target = Target::parse(" " + text + " ");
    REQUIRE(target);
    CHECK(target->text == text);
    CHECK(target->destination != nullptr);
  }
}

TEST_CASE("what is no target is said to be none, and is no echo") {
  for (const std::string text : {"", "echo:", "Echo", "echo 1", "agents", "tone:", "tone:0", "tone:8001",
                                 "tone:44x", "play:", "exec:", "unix:", "tcp:127.0.0.1", "ws://",
                                 "http://127.0.0.1/", "reject:299", "reject:700", "reject:x", "fax:1"}) {
    CAPTURE(text);
    CHECK_FALSE(Target::parse(text));
  }
}

TEST_CASE("the message about targets names every form") {
  CHECK(sipd::target_forms() ==
        "agent, echo, tone:HZ, play:FILE, exec:CMD, unix:PATH[,talky], tcp:HOST:PORT[,talky], "
        "ws://HOST[:PORT]/PATH, wss://HOST[:PORT]/PATH or reject:CODE");
}

TEST_CASE("a target says what must be there for it") {
  CHECK(Target::parse("agent")->destination->needs_agent());
  CHECK_FALSE(Target::parse("echo")->destination->needs_agent());
  CHECK(Target::parse("play:a.wav")->destination->sound_file() == "a.wav");
  CHECK(Target::parse("echo")->destination->sound_file().empty());
  CHECK(Target::parse("reject:486")->destination->refusal() == 486);
  CHECK_FALSE(Target::parse("echo")->destination->refusal());
}

TEST_CASE_FIXTURE(Fixture, "a target that cannot be had is an error that says why") {
  CHECK(connect("agent").error() == "there is no agent");
  CHECK(connect("play:a.wav").error() == "the file has not been read: a.wav");
  CHECK(connect("reject:486").error() == "the route says so");
}

TEST_CASE_FIXTURE(Fixture, "an echo says what the caller says, and nothing while it is held") {
  const auto bridge = connect("echo");
  REQUIRE(bridge);
  (*bridge)->start({});
  CHECK(host.is_ready);
  (*bridge)->caller_audio(audio::Samples{1, 2, 3}, {});
  (*bridge)->hold(true);
  (*bridge)->caller_audio(audio::Samples{4}, {});
  (*bridge)->hold(false);
  (*bridge)->caller_audio(audio::Samples{5}, {});
  CHECK(host.played == audio::Samples{1, 2, 3, 5});
}

TEST_CASE_FIXTURE(Fixture, "a file is played once, and then the bridge hangs up") {
  const audio::Samples sound(1000, 7);
  context.files.emplace("a.wav", std::make_shared<const audio::Samples>(sound));
  const auto bridge = connect("play:a.wav");
  REQUIRE(bridge);
  (*bridge)->start({});
  CHECK(host.is_ready);
  CHECK(host.played == sound);
  CHECK(host.goodbye == "end of file");
  (*bridge)->caller_audio(audio::Samples(320), {});
  CHECK(host.played == sound);
}

TEST_CASE_FIXTURE(Fixture, "a tone is as long as what the caller says") {
  const auto bridge = connect("tone:1000");
  REQUIRE(bridge);
  (*bridge)->start({});
  (*bridge)->caller_audio(audio::Samples(320), {});
  CHECK(host.played.size() == 320);
  CHECK(host.played[4] != 0);
}
