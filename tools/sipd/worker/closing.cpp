#include "sipd/worker/closing.hpp"

#include <utility>

namespace talky::sipd {
namespace {

constexpr auto kShutdownLimit = std::chrono::seconds(5);

} // namespace

void Closing::drain(std::function<void()> done) {
  refuses_ = true;
  if (done) drained_ = std::move(done);
}

void Closing::shut_down(std::function<void()> done) {
  shut_down_ = std::move(done);
  limit_.emplace(loop_, [this] {
    if (shut_down_) std::exchange(shut_down_, nullptr)();
  });
  limit_->at(net::now() + kShutdownLimit);
}

void Closing::sent(std::string_view message) {
  if (shut_down_ && scratch_.assign(message) && scratch_.is_request() &&
      scratch_.method() == sip::Method::bye) {
    goodbyes_.emplace(scratch_.call_id());
  }
}

void Closing::received(std::string_view message) {
  if (shut_down_ && scratch_.assign(message) && scratch_.is_response() &&
      scratch_.method() == sip::Method::bye) {
    goodbyes_.erase(std::string(scratch_.call_id()));
  }
}

void Closing::look(bool no_calls) {
  if (!shut_down_ || !no_calls || !goodbyes_.empty()) return;
  limit_.reset();
  std::exchange(shut_down_, nullptr)();
}

} // namespace talky::sipd
