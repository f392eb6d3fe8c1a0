// A SIP message, borrowed: the view points into the datagram, which must outlive it. Parsing splits the start
// line, the header fields and the body; a field's inside is parsed when somebody asks (sip/headers.hpp).
//
// Limits: 200 header fields, 65,535 bytes of start line and header block, a body as long as the input.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "sip/flow.hpp"
#include "sip/header_id.hpp"
#include "sip/headers.hpp"
#include "sip/method.hpp"

namespace talky::sip {

struct Header {
  HeaderId id = HeaderId::other;
  std::string_view name;  // as written
  std::string_view value; // trimmed; may hold folded line ends, which count as white space (see unfold())
};

// The first thing wrong with the frame of a message that can still be answered. `error.offset` counts from
// the start of the datagram.
struct Defect {
  enum class Kind : std::uint8_t {
    start_line,     // 400
    version,        // 505
    header,         // 400: a line that is no header field
    too_many,       // 400: more header fields than the limit
    content_length, // 400: no number, given twice, or more than has come
    bare_line       // 400: the header block does not end
  };
  Kind kind;
  Error error;
};

class MessageView {
 public:
  static constexpr std::size_t kMaxHeaders = 200;
  static constexpr std::size_t kMaxHead = 65'535;

  MessageView() { first_.fill(kNone); }

  // Fails only if nothing can be made of the bytes: no SIP start line, or too large. What is wrong and yet
  // leaves something to answer is in defect(), and validate() (sip/validate.hpp) turns it into the right
  // status. Leading CRLFs are skipped (RFC 3261 7.5); line ends may be LF alone. Bytes behind Content-Length
  // are not part of the message (RFC 3261 18.3): extra() counts them. Without Content-Length the body is the
  // rest.
  static Result<MessageView> parse(std::string_view datagram);
  // The same into this object, whose memory is used again.
  Result<> assign(std::string_view datagram);

  const std::optional<Defect>& defect() const { return defect_; }

  bool is_request() const { return status_ == 0; }
  bool is_response() const { return status_ != 0; }

  Method method() const { return method_; } // of a response: that of its CSeq
  std::string_view method_text() const { return method_text_; }
  std::string_view request_uri() const { return request_uri_; }
  std::string_view version() const { return version_; } // "SIP/2.0"

  int status() const { return status_; } // 100 to 699; 0 for a request
  std::string_view reason() const { return reason_; }

  std::span<const Header> headers() const { return headers_; } // in the order of the message
  std::optional<std::string_view> find(HeaderId id) const;     // the first of its kind
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view value(HeaderId id) const; // "" if absent
  bool has(HeaderId id) const { return first_[static_cast<std::size_t>(id)] != kNone; }
  std::size_t count(HeaderId id) const; // fields, not values

  // All values of all fields of one kind, in order: for (std::string_view via :
  // message.values(HeaderId::via)).
  class ValueIterator;
  struct ValueRange;
  ValueRange values(HeaderId id) const;
  // Whether a token stands in a comma-separated field (any case): lists(HeaderId::supported, "100rel").
  bool lists(HeaderId id, std::string_view token) const;

  Result<Via> top_via() const;
  Result<NameAddr> from() const;
  Result<NameAddr> to() const;
  Result<NameAddr> contact() const; // the first
  Result<CSeq> cseq() const;
  std::string_view call_id() const { return value(HeaderId::call_id); }
  std::string_view from_tag() const; // "" if absent
  std::string_view to_tag() const;

  std::string_view body() const { return body_; }
  std::size_t extra() const { return extra_; }      // bytes behind the body, ignored
  std::string_view bytes() const { return bytes_; } // start line to end of body

 private:
  friend class Incoming;
  static constexpr std::uint8_t kNone = 0xff;

  void note(Defect::Kind kind, Errc code, std::size_t offset, const char* what);
  Result<> parse_start_line(std::string_view line);
  Result<> parse_request_line(std::string_view line);
  Result<> parse_status_line(std::string_view line);
  std::size_t parse_headers(std::size_t at, std::size_t start);
  void cut_body(std::size_t head_end);

  std::string_view bytes_, method_text_, request_uri_, version_, reason_, body_;
  std::vector<Header> headers_;
  std::array<std::uint8_t, kHeaderCount> first_{}; // index of the first field of each kind
  std::optional<Defect> defect_;
  std::size_t extra_ = 0;
  int status_ = 0;
  Method method_ = Method::other;
};

class MessageView::ValueIterator {
 public:
  using value_type = std::string_view;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;
  using pointer = const std::string_view*;
  using reference = const std::string_view&;

  ValueIterator() = default;
  ValueIterator(std::span<const Header> rest, HeaderId id);
  reference operator*() const { return *current_; }
  pointer operator->() const { return &*current_; }
  ValueIterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return done_; }

 private:
  void settle();

  std::span<const Header> rest_;
  Values::Iterator current_;
  HeaderId id_ = HeaderId::other;
  bool done_ = false;
};

struct MessageView::ValueRange {
  std::span<const Header> headers;
  HeaderId id;
  ValueIterator begin() const { return {headers, id}; }
  static std::default_sentinel_t end() { return {}; }
  bool empty() const { return begin() == end(); }
};

inline MessageView::ValueRange MessageView::values(HeaderId id) const {
  return {headers_, id};
}

// A message that owns its bytes, ready to be sent.
struct Message {
  std::string bytes;

  // Borrows from this message.
  Result<MessageView> view() const { return MessageView::parse(bytes); }
};

// A message that came in: bytes, view and where it came from in one object that does not move.
class Incoming {
 public:
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  // Copies the datagram. Fails as MessageView::parse does.
  static Result<std::shared_ptr<const Incoming>> parse(std::string_view datagram, const Flow& flow, Time now);

  const MessageView& view() const { return view_; }
  const MessageView* operator->() const { return &view_; }
  const Flow& flow() const { return flow_; }
  Time time() const { return time_; }

 private:
  Incoming(std::string_view datagram, const Flow& flow, Time now)
      : bytes_(datagram), flow_(flow), time_(now) {}

  std::string bytes_;
  MessageView view_;
  Flow flow_;
  Time time_;
};
using IncomingPtr = std::shared_ptr<const Incoming>;

} // namespace talky::sip
