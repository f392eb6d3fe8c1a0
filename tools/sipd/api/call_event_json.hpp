// What happens in a call as clients of the API read it.
#pragma once
#include <boost/json/object.hpp>

#include "sipd/messages/call_event.hpp"

namespace talky::sipd {

// Whether the API has to know: something that is public, or that changes what it says of the call.
bool concerns_api(const CallEvent& event);

boost::json::object echo_json(const echo::EchoMeasure& echo);

// What an event with a public_name() has to say beside that.
boost::json::object event_details(const CallEvent& event);

} // namespace talky::sipd
