// The sockets around a UserAgent that places one call: SIP over UDP or TCP, a pair of RTP ports, and the
// times at which packets with sound left and came.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "call/user_agent.hpp"
#include "codec/codec.hpp"
#include "core/time.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"
#include "net/udp.hpp"

namespace talky::replay {

// One RTP packet with audio in it. `arrival` is on the clock of net::now().
struct Packet {
  Time at;
  float dbfs;
};

struct PhoneOptions {
  std::string target; // sip:100@127.0.0.1:5060
  std::string from;   // "" for one made from our address
  bool tcp = false;
  sdp::Capabilities capabilities = call::standard_capabilities(); // what is offered
  std::optional<call::Credentials> credentials;
  Duration answer_timeout = std::chrono::seconds(60);
  call::Headers headers;
};

class Phone {
 public:
  struct Handlers {
    std::function<void(const call::CallRinging&)> ringing;
    std::function<void(const call::CallAnswered&)> answered;
    std::function<void(const media::CallerFrame&)> heard;   // every 20 ms from the answer on
    std::function<void(const media::RecordingFrame&)> both; // left what the peer said, right what we said
    std::function<void(char)> digit;
    std::function<void(const call::CallEnded&)> ended; // once
    std::function<void(log::Level, const std::string&)> log;
  };

  Phone(net::Loop& loop, PhoneOptions options, Handlers handlers);
  ~Phone();
  Phone(const Phone&) = delete;
  Phone& operator=(const Phone&) = delete;

  void dial(); // throws cli::Failure if it cannot even be tried
  void play(std::span<const std::int16_t> pcm);
  void press(std::string_view digits);
  void hang_up(std::string_view reason, bool after_playout);

  const std::vector<Packet>& sent() const { return sent_; } // one for each packet that left, in order
  const std::vector<Packet>& received() const { return received_; }
  std::uint64_t response_count() const { return responses_; } // SIP messages that came
  // When the packet left that holds this sample of the media clock; nullopt if it never did.
  std::optional<Time> left_at(std::uint64_t sample) const;

 private:
  void open_media(const IpAddress& local);
  void invite();
  void pump();
  void act(call::Output& output);
  void send_sip(call::SendSip& message);
  void connect(const sip::Flow& flow);
  void note(Bytes bytes, std::vector<Packet>& log, Time at);

  net::Loop& loop_;
  PhoneOptions options_;
  Handlers handlers_;
  std::unique_ptr<call::UserAgent> agent_;
  call::CallKey call_ = 0;
  std::optional<net::UdpSocket> sip_, rtp_, rtcp_;
  std::shared_ptr<net::Connection> connection_;
  std::optional<net::Connecting> connecting_;
  std::vector<std::string> waiting_; // for the connection
  sip::Flow flow_;
  std::optional<net::Timer> timer_;
  bool pumping_ = false;

  std::uint8_t payload_type_ = 0;
  std::unique_ptr<codec::Codec> decoder_;
  std::vector<std::int16_t> pcm_;
  std::vector<Packet> sent_, received_;
  struct Departure {
    std::uint64_t sample; // of the media clock
    Time at;
  };
  std::vector<Departure> departures_;
  std::uint64_t tick_ = 0; // first sample of the 20 ms under way
  std::uint64_t responses_ = 0;
};

} // namespace talky::replay
