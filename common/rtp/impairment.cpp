#include "rtp/impairment.hpp"

#include <cmath>

#include "core/ascii.hpp"

namespace talky::rtp {

namespace {

using Text = std::string_view;

// Digits, at most one point among them, perhaps a sign: std::from_chars for doubles is not in every library.
std::optional<double> number(Text text, bool may_be_negative) {
  bool negative = false;
  if (may_be_negative && !text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  double value = 0, place = 1;
  bool digits = false, point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
    } else if (ascii::is_digit(c)) {
      digits = true;
      if (point) place /= 10;
      value = point ? value + place * (c - '0') : value * 10 + (c - '0');
    } else {
      return std::nullopt;
    }
  }
  if (!digits || value > 1e9) return std::nullopt;
  return negative ? -value : value;
}

std::optional<double> share(Text text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const auto percent = number(text, false);
  if (!percent || *percent > 100) return std::nullopt;
  return *percent / 100;
}

std::optional<Duration> duration(Text text) {
  double scale = 0;
  if (text.ends_with("ms")) {
    scale = 1e3;
    text.remove_suffix(2);
  } else if (text.ends_with("us")) {
    scale = 1;
    text.remove_suffix(2);
  } else if (text.ends_with('s')) {
    scale = 1e6;
    text.remove_suffix(1);
  }
  const auto value = number(text, false);
  if (scale == 0 || !value || *value * scale > 1e7) return std::nullopt;
  return Duration(static_cast<Duration::rep>(std::llround(*value * scale)));
}

template <class T>
Result<> set(T& field, const std::optional<T>& value, std::size_t at, const char* expected) {
  if (!value) return fail(Errc::malformed, at, expected);
  field = *value;
  return {};
}

Result<> set_field(Impairment& out, Text key, Text value, std::size_t key_at, std::size_t value_at) {
  if (key == "loss") return set(out.loss, share(value), value_at, "a share from 0% to 100%, as 2%");
  if (key == "reorder") return set(out.reorder, share(value), value_at, "a share from 0% to 100%, as 1%");
  if (key == "dup") return set(out.duplicate, share(value), value_at, "a share from 0% to 100%, as 1%");
  if (key == "jitter") return set(out.jitter, duration(value), value_at, "a time up to 10 s, as 30ms");
  if (key == "seed") return set(out.seed, ascii::to_number<std::uint64_t>(value), value_at, "a whole number");
  if (key == "burst") {
    const auto length = number(value, false);
    if (!length || *length < 1 || *length > 10000)
      return fail(Errc::malformed, value_at, "a mean length of 1 to 10000 packets");
    out.burst = length;
    return {};
  }
  if (key == "ppm") {
    const auto ppm = number(value, true);
    if (!ppm || std::abs(*ppm) > 100'000) return fail(Errc::malformed, value_at, "-100000 to 100000");
    out.ppm = *ppm;
    return {};
  }
  return fail(Errc::malformed, key_at, "loss, burst, jitter, reorder, dup, ppm or seed");
}

} // namespace

Result<Impairment> Impairment::parse(std::string_view text) {
  Impairment out;
  std::vector<Text> seen;
  std::size_t burst_at = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const Text item = text.substr(at, end - at);
    const std::size_t equals = item.find('=');
    if (equals == Text::npos) return fail(Errc::malformed, at, "NAME=VALUE");
    const Text key = item.substr(0, equals);
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      return fail(Errc::malformed, at, "each name once");
    seen.push_back(key);
    if (key == "burst") burst_at = at;
    const auto done = set_field(out, key, item.substr(equals + 1), at, at + equals + 1);
    if (!done) return tl::unexpected(done.error());
    at = end + 1;
  }
  // So much loss in such short bursts would need a good state of less than one packet.
  if (out.burst && out.loss < 1 && *out.burst < out.loss / (1 - out.loss))
    return fail(Errc::malformed, burst_at, "longer bursts for so much loss");
  return out;
}

NetworkImpairer::NetworkImpairer(const Impairment& impairment)
    : impairment_(impairment),
      loss_(impairment.seed),
      jitter_(impairment.seed ^ 0x6a69747465720000U),
      reorder_(impairment.seed ^ 0x72656f7264657200U),
      duplicate_(impairment.seed ^ 0x6475706c69636174U) {
  const double loss = impairment.loss;
  if (loss >= 1) {
    enter_bad_ = 1;
    leave_bad_ = 0;
  } else {
    leave_bad_ = impairment.burst ? 1 / *impairment.burst : 1 - loss;
    enter_bad_ = std::min(1.0, loss * leave_bad_ / (1 - loss));
  }
  bad_ = loss_.uniform() < loss; // as if the line had been there for ever
}

Time NetworkImpairer::drifted(Time sent) const {
  if (!first_ || impairment_.ppm == 0) return sent;
  const auto since = static_cast<double>((sent - *first_).count());
  return sent + Duration(static_cast<Duration::rep>(std::llround(since * impairment_.ppm * 1e-6)));
}

Time NetworkImpairer::earliest(Time sent) const {
  return drifted(sent);
}

// What stays in order comes no earlier than what came before it.
Time NetworkImpairer::queue(Time from, Duration delay) {
  const Time arrival = std::max(from + delay, last_arrival_.value_or(from));
  last_arrival_ = arrival;
  return arrival;
}

NetworkImpairer::Delivery NetworkImpairer::send(Time sent) {
  if (!first_) first_ = sent;
  if (last_sent_ && sent > *last_sent_)
    spacing_ = std::clamp<Duration>(sent - *last_sent_, std::chrono::milliseconds(1),
                                    std::chrono::milliseconds(200));
  last_sent_ = sent;

  const bool lost = bad_;
  bad_ = loss_.uniform() < (bad_ ? 1 - leave_bad_ : enter_bad_);
  const auto draw = [this] {
    const auto mean = static_cast<double>(impairment_.jitter.count());
    return Duration(static_cast<Duration::rep>(std::llround(-mean * std::log(1 - jitter_.uniform()))));
  };
  const Duration delay = draw(), delay_of_copy = draw();
  const bool held_up = reorder_.uniform() < impairment_.reorder;
  const bool twice = duplicate_.uniform() < impairment_.duplicate;
  if (lost) return {};

  const Time from = drifted(sent);
  Delivery delivery;
  // Half a packet behind the next one; it does not keep the next one waiting.
  delivery.arrival[0] =
      held_up ? std::max(from + delay, last_arrival_.value_or(from)) + spacing_ * 3 / 2 : queue(from, delay);
  delivery.copies = 1;
  if (twice) {
    delivery.arrival[1] =
        held_up ? delivery.arrival[0] + delay_of_copy : queue(delivery.arrival[0], delay_of_copy);
    delivery.copies = 2;
  }
  return delivery;
}

} // namespace talky::rtp
