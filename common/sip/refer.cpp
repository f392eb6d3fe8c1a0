#include "sip/refer.hpp"

#include <fmt/format.h>

#include "core/ascii.hpp"
#include "sip/headers.hpp"
#include "sip/status.hpp"
#include "sip/text.hpp"
#include "sip/uri.hpp"

namespace talky::sip {

Result<ReferTo> ReferTo::parse(std::string_view value) {
  const auto name_addr = NameAddr::parse(value);
  if (!name_addr) return Unexpected(name_addr.error());
  const Uri& target = name_addr->uri;
  if (name_addr->wildcard) return fail(Errc::malformed, 0, "a URI in Refer-To");
  if (!target.is_sip()) return fail(Errc::unsupported, 0, "a SIP URI in Refer-To");

  ReferTo out;
  // The user part may hold ';' and '?': what comes behind the host is looked at.
  const auto host_end =
      static_cast<std::size_t>(target.host.data() - target.text.data()) + target.host.size();
  out.uri = std::string(target.text.substr(0, target.text.find_first_of(";?", host_end)));
  for (const Param& param : target.params) {
    if (ascii::iequals(param.name, "method")) {
      if (param.value != "INVITE") return fail(Errc::unsupported, 1, "the method INVITE in Refer-To");
      continue;
    }
    out.uri.append(";").append(param.name);
    if (param.has_value) out.uri.append("=").append(param.value);
  }
  for (const Param& field : Params(target.headers, '&')) {
    const std::string text = unescape(field.value);
    if (ascii::iequals(field.name, "Replaces")) {
      if (!out.replaces.empty()) return fail(Errc::malformed, 0, "one Replaces in Refer-To");
      if (const auto read = Replaces::parse(text); !read) return Unexpected(read.error());
      out.replaces = unfold(text);
    } else if (ascii::iequals(field.name, "Require")) {
      for (const std::string_view tag : Values(text))
        out.require_replaces = out.require_replaces || ascii::iequals(tag, "replaces");
    }
  }
  return out;
}

int sipfrag_status(std::string_view body) {
  constexpr std::string_view kVersion = "SIP/2.0 ";
  if (!ascii::iequals(body.substr(0, kVersion.size()), kVersion)) return 0;
  const int status = ascii::to_number<int>(body.substr(kVersion.size(), 3)).value_or(0);
  return status >= 100 && status <= 699 ? status : 0;
}

std::string make_sipfrag(int status, std::string_view reason) {
  return fmt::format("SIP/2.0 {} {}\r\n", status, reason.empty() ? reason_phrase(status) : reason);
}

} // namespace talky::sip
