#include "sipd/api/web_callers.hpp"

#include <algorithm>
#include <utility>

#include "core/ascii.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

using http::Reply;
using http::Request;
using http::Response;

constexpr std::size_t kMaxNumber = 64;
constexpr std::size_t kMaxVoice = 32;
constexpr std::size_t kMaxUserAgent = 200;

bool is_number(std::string_view text) {
  return text.size() <= kMaxNumber && std::all_of(text.begin(), text.end(), [](char c) {
           return ascii::is_alnum(c) || std::string_view("+*#-._~").find(c) != std::string_view::npos;
         });
}

bool is_voice(std::string_view text) {
  return text.size() <= kMaxVoice && std::all_of(text.begin(), text.end(), [](char c) {
           return ascii::is_alnum(c) || c == '-' || c == '_';
         });
}

} // namespace

void WebCallers::add_routes(RouteTable& routes) {
  routes.get("/api/v1/web/call", Role::operate,
             [this](const Request& request, const Reply& reply) { call(request, reply); });
}

void WebCallers::end() {
  for (const auto& caller : std::exchange(callers_, {}))
    caller->hang_up();
}

void WebCallers::call(const Request& request, const Reply& reply) {
  WebCall call;
  call.to = request.query_value("to").value_or("");
  call.voice = request.query_value("voice").value_or("");
  const auto reports = request.query_value("reports");
  const auto cancels_echo = request.query_value("cancels_echo");
  if (!is_number(call.to))
    return reply(http::problem(422, "to is a number or name of at most 64 letters, digits and +*#-._~"));
  if (!is_voice(call.voice)) return reply(http::problem(422, "voice is the name of a voice"));
  if (reports && *reports != "1" && *reports != "0" && !reports->empty())
    return reply(http::problem(422, "reports is 1 or 0"));
  if (cancels_echo && *cancels_echo != "1" && *cancels_echo != "0" && !cancels_echo->empty())
    return reply(http::problem(422, "cancels_echo is 1 or 0"));
  call.reports = reports && *reports != "0";
  call.cancels_echo = cancels_echo && *cancels_echo == "1";
  call.peer = request.peer;
  call.local = endpoint_;
  call.user_agent = request.headers.get("User-Agent");
  if (call.user_agent.size() > kMaxUserAgent) call.user_agent.resize(kMaxUserAgent);
  Response response;
  response.websocket = [this, call = std::move(call)](const std::shared_ptr<http::WebSocket>& socket) {
    begin(socket, call);
  };
  reply(std::move(response));
}

void WebCallers::begin(const std::shared_ptr<http::WebSocket>& socket, WebCall call) {
  // The worker in turn: none is given more than its share, and the limits are everybody's.
  Worker* const worker = &workers_.worker(next_++ % workers_.workers().size());
  call.to_call = std::make_shared<CallBox>(worker->loop());
  const auto caller = std::make_shared<WebCaller>(loop_, socket, call.to_call);
  call.to_browser = caller->mailbox();
  callers_.insert(caller);
  caller->start([this, weak = std::weak_ptr(caller)] {
    if (const auto gone = weak.lock()) callers_.erase(gone);
  });
  worker->post([worker, call = std::move(call)] { worker->web_call(call); });
}

} // namespace talky::sipd
