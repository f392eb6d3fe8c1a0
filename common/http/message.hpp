// HTTP (RFC 9110) as a handler sees it: a request that has been read as a whole, and a response that is a
// text, a file, an endless stream or the way into a WebSocket. No sockets here; the server is in
// http_server.hpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/endpoint.hpp"

namespace talky::http {

class WebSocket;

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options, other };
std::string_view to_string(Method method); // "GET"; "" for other

// In the order of the wire. Names compare without regard to case.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  void add(std::string_view name, std::string_view value);
  // The first of that name; "" if there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  const std::vector<Field>& fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

// Whether a name or value can stand in a header: it would not end its line, or the header.
bool is_clean(std::string_view text);

struct Request {
  Method method = Method::get;
  std::string path;  // as sent: percent-encoded, begins with '/', without the query
  std::string query; // as sent, without the '?'
  Headers headers;
  std::string body;
  Endpoint peer;
  // Of the route, decoded: {id} of "/calls/{id}". Filled by the router.
  std::vector<std::pair<std::string, std::string>> parameters;

  std::string_view parameter(std::string_view name) const; // "" if the route has none of that name
  // The decoded value of `name` in the query; "" for "?now" without a value, nullopt if it is not there.
  std::optional<std::string> query_value(std::string_view name) const;
  // A WebSocket handshake (RFC 6455 4.2.1): Connection: upgrade, Upgrade: websocket, version 13.
  bool wants_websocket() const;
};

// Body of a response that goes on for as long as both sides like; used on the server's loop only. What the
// client has not taken waits in a bounded queue.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // All of it or nothing: false if the queue is full (the client is too slow) or the stream has ended.
  virtual bool write(std::string_view bytes) = 0;
  virtual void finish() = 0;                                  // after what is queued
  virtual void abort() = 0;                                   // at once
  virtual void on_closed(std::function<void()> callback) = 0; // once, whoever ended it
};

struct BodyFile {
  std::string path; // on disk, chosen by the server, never by the client
};

struct Response {
  int status = 200;
  Headers headers; // Content-Length, Date, Connection are the server's
  std::string body;
  // With an ETag field it answers conditional requests, with Accept-Ranges: bytes as well those for a range.
  // At most one of these takes the place of `body`. A file answers range requests (RFC 9110 14) and
  // conditional ones by its size and time of change; a regular file that cannot be opened is 404.
  std::optional<BodyFile> file;
  std::function<void(std::shared_ptr<BodyStream>)> stream;
  std::function<void(std::shared_ptr<WebSocket>)> websocket; // after the 101

  static Response text(int status, std::string_view content_type, std::string body);
};

// An answer that can be given later and from wherever the loop's thread is: once; further calls do nothing.
// If all copies go without one, the client gets 500.
class Reply {
 public:
  Reply() = default;
  explicit Reply(std::function<void(Response)> send);
  void operator()(Response response) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

using Handler = std::function<void(Request, Reply)>;

// "Not Found"; "" for a status that RFC 9110 does not know.
std::string_view reason_phrase(int status);

// RFC 9457: application/problem+json with type about:blank, the status' own title, and `detail` for people.
Response problem(int status, std::string_view detail);

// RFC 3986 2.1. nullopt for a '%' without two hexadecimal digits. `plus`: '+' is a space, as in a query.
std::optional<std::string> percent_decoded(std::string_view text, bool plus = false);
std::string percent_encoded(std::string_view text); // all but the unreserved characters

// One range of "bytes=..." against a body of `size` bytes: first and last byte, both in the body.
// nullopt in `range`: the header is not for us (another unit, several ranges, nonsense): send all of it.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool operator==(const ByteRange&) const = default;
};
struct RangeChoice {
  std::optional<ByteRange> range;
  bool unsatisfiable = false; // 416
};
RangeChoice choose_range(std::string_view header, std::uint64_t size);

// Whether If-None-Match names `etag` ("*" names every one). Weak comparison (RFC 9110 8.8.3.2).
bool etag_matches(std::string_view if_none_match, std::string_view etag);

// "Sun, 06 Nov 1994 08:49:37 GMT" and back; nullopt for another form.
std::string http_date(std::int64_t unix_seconds);
std::optional<std::int64_t> parse_http_date(std::string_view text);

// The host of a Host header or of an Origin's authority: lower case, without port and brackets. nullopt if it
// is neither a name, an IPv4 address nor an IPv6 address in brackets, each with an optional port.
std::optional<std::string> authority_host(std::string_view authority);

} // namespace talky::http
