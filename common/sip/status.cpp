#include "sip/status.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace talky::sip {

namespace {

constexpr std::array kPhrases = {
    std::pair{100, "Trying"},
    std::pair{180, "Ringing"},
    std::pair{181, "Call Is Being Forwarded"},
    std::pair{182, "Queued"},
    std::pair{183, "Session Progress"},
    std::pair{199, "Early Dialog Terminated"},
    std::pair{200, "OK"},
    std::pair{202, "Accepted"},
    std::pair{204, "No Notification"},
    std::pair{300, "Multiple Choices"},
    std::pair{301, "Moved Permanently"},
    std::pair{302, "Moved Temporarily"},
    std::pair{305, "Use Proxy"},
    std::pair{380, "Alternative Service"},
    std::pair{400, "Bad Request"},
    std::pair{401, "Unauthorized"},
    std::pair{402, "Payment Required"},
    std::pair{403, "Forbidden"},
    std::pair{404, "Not Found"},
    std::pair{405, "Method Not Allowed"},
    std::pair{406, "Not Acceptable"},
    std::pair{407, "Proxy Authentication Required"},
    std::pair{408, "Request Timeout"},
    std::pair{410, "Gone"},
    std::pair{412, "Conditional Request Failed"},
    std::pair{413, "Request Entity Too Large"},
    std::pair{414, "Request-URI Too Long"},
    std::pair{415, "Unsupported Media Type"},
    std::pair{416, "Unsupported URI Scheme"},
    std::pair{420, "Bad Extension"},
    std::pair{421, "Extension Required"},
    std::pair{422, "Session Interval Too Small"},
    std::pair{423, "Interval Too Brief"},
    std::pair{430, "Flow Failed"},
    std::pair{439, "First Hop Lacks Outbound Support"},
    std::pair{469, "Bad Info Package"},
    std::pair{480, "Temporarily Unavailable"},
    std::pair{481, "Call/Transaction Does Not Exist"},
    std::pair{482, "Loop Detected"},
    std::pair{483, "Too Many Hops"},
    std::pair{484, "Address Incomplete"},
    std::pair{485, "Ambiguous"},
    std::pair{486, "Busy Here"},
    std::pair{487, "Request Terminated"},
    std::pair{488, "Not Acceptable Here"},
    std::pair{489, "Bad Event"},
    std::pair{491, "Request Pending"},
    std::pair{493, "Undecipherable"},
    std::pair{494, "Security Agreement Required"},
    std::pair{500, "Server Internal Error"},
    std::pair{501, "Not Implemented"},
    std::pair{502, "Bad Gateway"},
    std::pair{503, "Service Unavailable"},
    std::pair{504, "Server Time-out"},
    std::pair{505, "Version Not Supported"},
    std::pair{513, "Message Too Large"},
    std::pair{580, "Precondition Failure"},
    std::pair{600, "Busy Everywhere"},
    std::pair{603, "Decline"},
    std::pair{604, "Does Not Exist Anywhere"},
    std::pair{606, "Not Acceptable"},
    std::pair{607, "Unwanted"},
};

constexpr std::array<std::string_view, 7> kClasses = {
    "", "Progress", "OK", "Redirection", "Client Error", "Server Error", "Global Failure"};

} // namespace

std::string_view reason_phrase(int status) {
  const auto* const found =
      std::lower_bound(kPhrases.begin(), kPhrases.end(), status,
                       [](const auto& entry, int wanted) { return entry.first < wanted; });
  if (found != kPhrases.end() && found->first == status) return found->second;
  const int kind = status / 100;
  return kind >= 1 && kind <= 6 ? kClasses[static_cast<std::size_t>(kind)] : std::string_view("Unknown");
}

} // namespace talky::sip
