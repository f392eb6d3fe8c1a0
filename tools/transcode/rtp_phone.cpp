// make_phone_decoder of rtp_decoder.hpp.
#include "media/media.hpp"
#include "media/media_receiver.hpp"
#include "rtp_decoder.hpp"

namespace talky::transcode {

namespace {

constexpr std::size_t kFrame = 320;
constexpr Duration kTick = std::chrono::milliseconds(20);

class PhoneDecoder final : public StreamDecoder {
 public:
  PhoneDecoder(const PayloadTypes& types, const Endpoint& to, std::uint8_t payload_type)
      : types_(types), to_(to), receiver_(rtp::JitterBuffer::Config{}) {
    std::vector<media::MediaFormat> formats;
    const auto add = [&](std::uint8_t pt) {
      const auto format = types.find(pt, to);
      if (format && format->codec() != nullptr) formats.push_back({format->name, pt, format->clock_rate});
    };
    add(payload_type);
    for (const std::uint8_t other : {std::uint8_t{0}, std::uint8_t{8}}) {
      if (other != payload_type) add(other); // the sender may change between the two laws
    }
    usable_ = receiver_.configure(formats).has_value();
  }

  audio::Format format() const override { return {audio::bridge_rate, 1}; }
  std::uint64_t left_out() const override { return left_out_; }
  void end() override { ended_ = true; }

  void receive(const rtp::PacketView& packet, Time arrival) override {
    if (!usable_) {
      ++left_out_;
      return;
    }
    // What came before is heard first; the first frame is due with the first packet.
    if (!next_tick_) next_tick_ = arrival;
    const auto bytes = packet.payload();
    waiting_.push_back({packet.header(), {bytes.begin(), bytes.end()}, arrival});
  }

  bool produce(std::vector<std::int16_t>& out) override {
    if (!next_tick_) return false;
    while (used_ < waiting_.size() && waiting_[used_].arrival <= *next_tick_)
      push(waiting_[used_++]);
    if (used_ == waiting_.size()) {
      waiting_.clear();
      used_ = 0;
      const bool drained = receiver_.buffer().size() == 0 && silent_;
      if (!ended_ || drained) return false;
    }
    const std::size_t start = out.size();
    out.resize(start + kFrame);
    silent_ = receiver_.frame(*next_tick_, std::span(out).subspan(start)).silent;
    *next_tick_ += kTick;
    return true;
  }

 private:
  struct Waiting {
    rtp::Header header;
    std::vector<std::byte> payload;
    Time arrival;
  };

  void push(const Waiting& packet) {
    rtp::build(packet.header, packet.payload, datagram_);
    const auto view = rtp::PacketView::parse(datagram_);
    if (!view || receiver_.push(*view, packet.arrival)) return;
    const auto format = types_.find(packet.header.payload_type, to_);
    if (!format || (format->name != "telephone-event" && format->name != "CN")) ++left_out_;
    receiver_.push_other(*view, packet.arrival);
  }

  const PayloadTypes& types_;
  Endpoint to_;
  media::MediaReceiver receiver_;
  bool usable_ = false, ended_ = false, silent_ = false;
  std::optional<Time> next_tick_;
  std::vector<Waiting> waiting_;
  std::size_t used_ = 0;
  std::uint64_t left_out_ = 0;
  std::vector<std::byte> datagram_;
};

} // namespace

std::unique_ptr<StreamDecoder> make_phone_decoder(const PayloadTypes& types, const Endpoint& to,
                                                  std::uint8_t payload_type) {
  return std::make_unique<PhoneDecoder>(types, to, payload_type);
}

} // namespace talky::transcode
