#include "sip/message.hpp"

#include <algorithm>

#include "core/ascii.hpp"

namespace talky::sip {

namespace {

// "SIP/" and digits, a dot, digits.
bool is_version(std::string_view text) {
  if (text.size() < 7 || !ascii::iequals(text.substr(0, 4), "SIP/")) return false;
  const std::string_view numbers = text.substr(4);
  const std::size_t dot = numbers.find('.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), ascii::is_digit);
  };
  return dot != std::string_view::npos && digits(numbers.substr(0, dot)) && digits(numbers.substr(dot + 1));
}

// Comments stand only in fields of free text; elsewhere a parenthesis is a character like others.
bool has_comments(HeaderId id) {
  return id == HeaderId::other || id == HeaderId::user_agent || id == HeaderId::server ||
         id == HeaderId::retry_after || id == HeaderId::warning;
}

} // namespace

Result<MessageView> MessageView::parse(std::string_view datagram) {
  MessageView view;
  view.headers_.reserve(24);
  if (const auto ok = view.assign(datagram); !ok) return Unexpected(ok.error());
  return view;
}

Result<> MessageView::assign(std::string_view datagram) {
  headers_.clear();
  first_.fill(kNone);
  defect_.reset();
  method_text_ = request_uri_ = version_ = reason_ = body_ = {};
  status_ = 0;
  method_ = Method::other;
  extra_ = 0;

  bytes_ = datagram;
  const std::size_t start = std::min(datagram.find_first_not_of("\r\n"), datagram.size());
  if (start == datagram.size()) return fail(Errc::truncated, start, "a start line");
  const std::size_t line_end = std::min(datagram.find('\n', start), datagram.size());
  if (line_end - start > kMaxHead) return fail(Errc::too_large, kMaxHead, "a start line within the limit");
  std::string_view line = datagram.substr(start, line_end - start);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (const auto ok = parse_start_line(line); !ok) {
    return fail(ok.error().code, start + ok.error().offset, ok.error().what);
  }

  const std::size_t head_end = parse_headers(std::min(line_end + 1, datagram.size()), start);
  if (head_end - start > kMaxHead) return fail(Errc::too_large, kMaxHead, "a header block within the limit");
  cut_body(head_end);
  bytes_ = datagram.substr(start, head_end + body_.size() - start);
  if (is_response()) {
    if (const auto number = cseq()) {
      method_ = number->method;
      method_text_ = number->method_text;
    }
  }
  return {};
}

void MessageView::note(Defect::Kind kind, Errc code, std::size_t offset, const char* what) {
  if (!defect_) defect_ = Defect{kind, Error{code, offset, what}};
}

Result<> MessageView::parse_start_line(std::string_view line) {
  if (line.size() >= 4 && ascii::iequals(line.substr(0, 4), "SIP/")) return parse_status_line(line);
  return parse_request_line(line);
}

// method SP uri SP version, and nothing else; with other white space it can still be told apart and answered.
Result<> MessageView::parse_request_line(std::string_view line) {
  const std::string_view text = ascii::trim(line);
  const std::size_t first = text.find_first_of(" \t");
  const std::size_t last = text.find_last_of(" \t");
  if (first == std::string_view::npos || first == last) {
    return fail(Errc::malformed, 0, "a request line of three parts");
  }
  method_text_ = text.substr(0, first);
  version_ = text.substr(last + 1);
  request_uri_ = ascii::trim(text.substr(first, last - first));
  if (!is_token(method_text_)) return fail(Errc::malformed, 0, "a method");
  if (!is_version(version_)) return fail(Errc::malformed, last + 1, "a SIP version");
  method_ = to_method(method_text_);

  const bool exact = line.size() == text.size() && first + 1 + request_uri_.size() == last &&
                     request_uri_.find_first_of(" \t\r") == std::string_view::npos && !request_uri_.empty();
  if (!ascii::iequals(version_, "SIP/2.0")) {
    note(Defect::Kind::version, Errc::unsupported, last + 1, "SIP/2.0");
  } else if (!exact) {
    note(Defect::Kind::start_line, Errc::malformed, first, "single spaces in the request line");
  }
  return {};
}

Result<> MessageView::parse_status_line(std::string_view line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  version_ = line.substr(0, space);
  if (!ascii::iequals(version_, "SIP/2.0")) return fail(Errc::unsupported, 0, "SIP/2.0");
  const std::string_view rest = line.substr(std::min(space + 1, line.size()));
  const std::string_view code = rest.substr(0, rest.find(' '));
  const auto status = ascii::to_number<int>(code);
  if (code.size() != 3 || !status || *status < 100 || *status > 699) {
    return fail(Errc::malformed, space + 1, "a status code, 100 to 699");
  }
  status_ = *status;
  reason_ = rest.size() > 4 ? rest.substr(4) : std::string_view{};
  return {};
}

// From `at` to the empty line; gives the offset behind it.
std::size_t MessageView::parse_headers(std::size_t at, std::size_t start) {
  const std::string_view all = bytes_;
  while (at < all.size()) {
    if (at - start > kMaxHead) return at;
    std::size_t end = all.find('\n', at);
    if (end == std::string_view::npos) { // the last line has no end, so the block has none
      end = all.size();
    } else if (end == at || (end == at + 1 && all[at] == '\r')) {
      return end + 1;
    }
    // A line that starts with white space goes on with the field before it.
    while (end + 1 < all.size() && ascii::is_space(all[end + 1]))
      end = std::min(all.find('\n', end + 1), all.size());

    const std::string_view field = all.substr(at, end - at);
    const std::size_t colon = field.find(':');
    const std::string_view name =
        colon == std::string_view::npos ? std::string_view{} : ascii::trim(field.substr(0, colon));
    if (!is_token(name) || is_lws(field.front())) {
      note(Defect::Kind::header, Errc::malformed, at, "a header field");
    } else if (headers_.size() == kMaxHeaders) {
      note(Defect::Kind::too_many, Errc::too_large, at, "no more header fields than the limit");
    } else {
      const HeaderId id = to_header_id(name);
      std::uint8_t& first = first_[static_cast<std::size_t>(id)];
      if (first == kNone) first = static_cast<std::uint8_t>(headers_.size());
      headers_.push_back({id, name, ascii::trim(field.substr(colon + 1))});
    }
    at = std::min(end + 1, all.size());
  }
  note(Defect::Kind::bare_line, Errc::truncated, all.size(), "an empty line behind the header fields");
  return all.size();
}

void MessageView::cut_body(std::size_t head_end) {
  body_ = bytes_.substr(head_end);
  const auto length = find(HeaderId::content_length);
  if (!length) return;
  const auto offset = static_cast<std::size_t>(length->data() - bytes_.data());
  const auto size = ascii::to_number<std::size_t>(*length);
  if (count(HeaderId::content_length) > 1) {
    note(Defect::Kind::content_length, Errc::malformed, offset, "one Content-Length");
  } else if (!size) {
    note(Defect::Kind::content_length, Errc::malformed, offset, "a number in Content-Length");
  } else if (*size > body_.size()) {
    note(Defect::Kind::content_length, Errc::truncated, offset, "a body as long as Content-Length says");
  } else {
    extra_ = body_.size() - *size;
    body_ = body_.substr(0, *size);
  }
}

std::optional<std::string_view> MessageView::find(HeaderId id) const {
  const std::uint8_t at = first_[static_cast<std::size_t>(id)];
  if (at == kNone) return std::nullopt;
  return headers_[at].value;
}

std::optional<std::string_view> MessageView::find(std::string_view name) const {
  const HeaderId id = to_header_id(name);
  if (id != HeaderId::other) return find(id);
  for (const Header& header : headers_) {
    if (header.id == HeaderId::other && ascii::iequals(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::string_view MessageView::value(HeaderId id) const {
  return find(id).value_or(std::string_view{});
}

std::size_t MessageView::count(HeaderId id) const {
  if (!has(id)) return 0;
  return static_cast<std::size_t>(std::count_if(headers_.begin(), headers_.end(),
                                                [id](const Header& header) { return header.id == id; }));
}

bool MessageView::lists(HeaderId id, std::string_view token) const {
  for (const std::string_view value : values(id)) {
    if (ascii::iequals(value, token)) return true;
  }
  return false;
}

Result<Via> MessageView::top_via() const {
  const ValueRange vias = values(HeaderId::via);
  if (vias.empty()) return fail(Errc::not_found, 0, "Via");
  return Via::parse(*vias.begin());
}

Result<NameAddr> MessageView::from() const {
  const auto text = find(HeaderId::from);
  if (!text) return fail(Errc::not_found, 0, "From");
  return NameAddr::parse(*text);
}

Result<NameAddr> MessageView::to() const {
  const auto text = find(HeaderId::to);
  if (!text) return fail(Errc::not_found, 0, "To");
  return NameAddr::parse(*text);
}

Result<NameAddr> MessageView::contact() const {
  const ValueRange contacts = values(HeaderId::contact);
  if (contacts.empty()) return fail(Errc::not_found, 0, "Contact");
  return NameAddr::parse(*contacts.begin());
}

Result<CSeq> MessageView::cseq() const {
  const auto text = find(HeaderId::cseq);
  if (!text) return fail(Errc::not_found, 0, "CSeq");
  return CSeq::parse(*text);
}

std::string_view MessageView::from_tag() const {
  const auto address = from();
  return address ? address->tag() : std::string_view{};
}

std::string_view MessageView::to_tag() const {
  const auto address = to();
  return address ? address->tag() : std::string_view{};
}

MessageView::ValueIterator::ValueIterator(std::span<const Header> rest, HeaderId id) : rest_(rest), id_(id) {
  settle();
}

// Stands on the first value of the next field of the kind, if there is one.
void MessageView::ValueIterator::settle() {
  for (; !rest_.empty(); rest_ = rest_.subspan(1)) {
    if (rest_.front().id != id_) continue;
    current_ = Values::Iterator(rest_.front().value, has_comments(id_));
    if (current_ != std::default_sentinel) return;
  }
  done_ = true;
}

MessageView::ValueIterator& MessageView::ValueIterator::operator++() {
  ++current_;
  if (current_ == std::default_sentinel) {
    rest_ = rest_.subspan(1);
    settle();
  }
  return *this;
}

Result<IncomingPtr> Incoming::parse(std::string_view datagram, const Flow& flow, Time now) {
  // The constructor is private, and the view must point into the copy.
  const std::shared_ptr<Incoming> incoming(new Incoming(datagram, flow, now));
  incoming->view_.headers_.reserve(24);
  if (const auto ok = incoming->view_.assign(incoming->bytes_); !ok) return Unexpected(ok.error());
  return IncomingPtr(incoming);
}

} // namespace talky::sip
