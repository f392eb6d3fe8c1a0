// One datagram through everything that looks at it: the view, the typed header fields, the verdict, a reply,
// a dialog, the registrar and the transaction layer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "sip/dialog.hpp"
#include "sip/refer.hpp"
#include "sip/registrar.hpp"
#include "sip/reliable_provisional.hpp"
#include "sip/session_timer.hpp"
#include "sip/transaction_layer.hpp"
#include "sip/validate.hpp"

using namespace talky;
using namespace talky::sip;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

const Flow kFlow{Transport::udp, {IpAddress::v4(127, 0, 0, 1), 5060}, {IpAddress::v4(127, 0, 0, 1), 5061}, 0};

void read_fields(const MessageView& view) {
  for (const Header& header : view.headers()) {
    (void)unfold(header.value);
    (void)NameAddr::parse(header.value);
    (void)Via::parse(header.value);
    (void)AuthParams::parse(header.value);
    (void)MediaType::parse(header.value);
    (void)SessionExpires::parse(header.value);
    (void)Replaces::parse(header.value);
    if (const auto refer = ReferTo::parse(header.value)) {
      const auto uri = Uri::parse(refer->uri);
      require(uri && uri->is_sip() && uri->headers.empty() && !uri->params.has("method"));
    }
    for (const std::string_view value : view.values(header.id))
      require(!value.empty());
  }
  if (const auto uri = Uri::parse(view.request_uri())) {
    require(equivalent(*uri, *uri));
    (void)canonical_aor(*uri);
    (void)unescape(uri->user);
  }
}

void answer(const Incoming& request) {
  UasPolicy policy;
  policy.methods.insert(Method::register_);
  const Verdict verdict = validate(request.view(), policy);
  const Message reply = verdict.action == Verdict::Action::reject
                            ? reply_to(request, verdict, "tag")
                            : Builder::reply(request, 200, {.to_tag = "tag"}).build();
  const auto view = reply.view();
  require(view.has_value() && view->is_response() && view->body().empty());
  if (!verdict.accepted()) return;

  if (auto dialog = Dialog::from_invite(request, "tag", "<sip:me@127.0.0.1>")) {
    (void)dialog->receive_request(request);
    const Message bye = dialog->request(Method::bye).build();
    require(bye.view().has_value());
  }
  SessionTimer timer({});
  (void)timer.receive_request(request.view(), request.time());
  Registrar registrar({});
  require(registrar.receive(request, "sip:a@b", false, "tag", request.time()).view().has_value());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const Time now{std::chrono::seconds(1)};

  if (const auto view = MessageView::parse(text)) {
    require(inside(view->body(), text) && inside(view->bytes(), text));
    require(view->is_request() != view->is_response());
    for (const Header& header : view->headers())
      require(inside(header.name, text) && inside(header.value, text));
    read_fields(*view);
    (void)ReliableProvisionalReceiver().receive(*view);
  }
  if (const auto message = Incoming::parse(text, kFlow, now); message && (*message)->view().is_request()) {
    answer(**message);
  }
  TransactionLayer layer({}, Random::Seed{1, 2, 3, 4});
  for (int i = 0; i < 2; ++i) {
    layer.receive(kFlow, text, now);
    while (const auto output = layer.poll()) {
      if (const auto* const request = std::get_if<RequestReceived>(&*output)) {
        layer.respond(request->id, Builder::reply(*request->request, 486).build(), now);
      }
    }
  }
  while (const auto due = layer.deadline())
    layer.expire(*due);
  require(layer.size() == 0);
  return 0;
}
