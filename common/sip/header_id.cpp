#include "sip/header_id.hpp"

#include <array>

#include "core/ascii.hpp"

namespace talky::sip {

namespace {

// In the order of HeaderId.
constexpr std::array<std::string_view, kHeaderCount> kNames = {"Accept",
                                                               "Accept-Contact",
                                                               "Accept-Encoding",
                                                               "Accept-Language",
                                                               "Alert-Info",
                                                               "Allow",
                                                               "Allow-Events",
                                                               "Authentication-Info",
                                                               "Authorization",
                                                               "Call-ID",
                                                               "Call-Info",
                                                               "Contact",
                                                               "Content-Disposition",
                                                               "Content-Encoding",
                                                               "Content-Language",
                                                               "Content-Length",
                                                               "Content-Type",
                                                               "CSeq",
                                                               "Date",
                                                               "Diversion",
                                                               "Error-Info",
                                                               "Event",
                                                               "Expires",
                                                               "Flow-Timer",
                                                               "From",
                                                               "History-Info",
                                                               "Identity",
                                                               "In-Reply-To",
                                                               "Max-Forwards",
                                                               "MIME-Version",
                                                               "Min-Expires",
                                                               "Min-SE",
                                                               "Organization",
                                                               "P-Asserted-Identity",
                                                               "P-Preferred-Identity",
                                                               "Path",
                                                               "Priority",
                                                               "Privacy",
                                                               "Proxy-Authenticate",
                                                               "Proxy-Authorization",
                                                               "Proxy-Require",
                                                               "RAck",
                                                               "Reason",
                                                               "Record-Route",
                                                               "Refer-Sub",
                                                               "Refer-To",
                                                               "Referred-By",
                                                               "Reject-Contact",
                                                               "Replaces",
                                                               "Reply-To",
                                                               "Request-Disposition",
                                                               "Require",
                                                               "Retry-After",
                                                               "Route",
                                                               "RSeq",
                                                               "Server",
                                                               "Service-Route",
                                                               "Session-Expires",
                                                               "SIP-ETag",
                                                               "SIP-If-Match",
                                                               "Subject",
                                                               "Subscription-State",
                                                               "Supported",
                                                               "Target-Dialog",
                                                               "Timestamp",
                                                               "To",
                                                               "Unsupported",
                                                               "User-Agent",
                                                               "Via",
                                                               "Warning",
                                                               "WWW-Authenticate",
                                                               ""};

// a to z: the compact forms registered with IANA.
constexpr std::array<HeaderId, 26> kCompact = {
    HeaderId::accept_contact,      // a
    HeaderId::referred_by,         // b
    HeaderId::content_type,        // c
    HeaderId::request_disposition, // d
    HeaderId::content_encoding,    // e
    HeaderId::from,                // f
    HeaderId::other,               // g
    HeaderId::other,               // h
    HeaderId::call_id,             // i
    HeaderId::reject_contact,      // j
    HeaderId::supported,           // k
    HeaderId::content_length,      // l
    HeaderId::contact,             // m
    HeaderId::other,               // n
    HeaderId::event,               // o
    HeaderId::other,               // p
    HeaderId::other,               // q
    HeaderId::refer_to,            // r
    HeaderId::subject,             // s
    HeaderId::to,                  // t
    HeaderId::allow_events,        // u
    HeaderId::via,                 // v
    HeaderId::other,               // w
    HeaderId::session_expires,     // x
    HeaderId::identity,            // y
    HeaderId::other                // z
};

constexpr std::size_t kSlots = 256; // a power of two, thrice the number of names

constexpr std::size_t hash(std::string_view name) {
  std::size_t h = name.size();
  for (const char c : name)
    h = h * 31 + static_cast<unsigned char>(ascii::to_lower(c));
  return h & (kSlots - 1);
}

// Open addressing, filled at compile time.
constexpr std::array<HeaderId, kSlots> make_table() {
  std::array<HeaderId, kSlots> table{};
  for (HeaderId& slot : table)
    slot = HeaderId::other;
  for (std::size_t i = 0; i + 1 < kNames.size(); ++i) {
    std::size_t at = hash(kNames[i]);
    while (table[at] != HeaderId::other)
      at = (at + 1) & (kSlots - 1);
    table[at] = static_cast<HeaderId>(i);
  }
  return table;
}
constexpr auto kTable = make_table();

} // namespace

std::string_view to_string(HeaderId id) {
  return kNames[static_cast<std::size_t>(id)];
}

HeaderId to_header_id(std::string_view name) {
  if (name.size() == 1) {
    const char c = ascii::to_lower(name.front());
    return c >= 'a' && c <= 'z' ? kCompact[static_cast<std::size_t>(c - 'a')] : HeaderId::other;
  }
  for (std::size_t at = hash(name); kTable[at] != HeaderId::other; at = (at + 1) & (kSlots - 1)) {
    if (ascii::iequals(kNames[static_cast<std::size_t>(kTable[at])], name)) return kTable[at];
  }
  return HeaderId::other;
}

} // namespace talky::sip
