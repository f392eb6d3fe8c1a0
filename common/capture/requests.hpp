// What SIP does outside of calls: registrations, OPTIONS, subscriptions, messages. One entry for all requests
// of one method with one Call-ID, as a telephone refreshes its registration with.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "file/link.hpp"
#include "sip/message.hpp"

namespace talky::capture {

struct Request {
  std::string method, call_id;
  std::string from, to; // URIs
  Endpoint source, target;
  std::int64_t first_ns = 0, last_ns = 0;          // of its requests
  std::optional<std::int64_t> answered_ns;         // the last final answer
  std::uint32_t requests = 0, retransmissions = 0; // by their CSeq
  std::uint32_t challenges = 0;                    // 401 and 407
  int final_code = 0;                              // the last; 0: none came
  std::string final_reason;

  std::uint32_t cseq = 0;    // of the last request
  std::int64_t asked_ns = 0; // its first copy
  std::int64_t took_ns() const { return answered_ns ? *answered_ns - asked_ns : 0; }
};

class RequestTable {
 public:
  static constexpr std::size_t kMaxRequests = 16'384; // beyond, no new ones are kept

  // A message that belongs to no call. `from` and `to` are its URIs.
  void add(const sip::MessageView& message, const file::Segment& segment, const std::string& from,
           const std::string& to);
  const std::deque<Request>& requests() const { return requests_; } // in the order of their first messages

 private:
  std::deque<Request> requests_;
  std::unordered_map<std::string, std::size_t> by_id_; // method and Call-ID
};

} // namespace talky::capture
