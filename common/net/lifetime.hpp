// For callbacks that may come when the object that gave them is gone. What belongs to an object, as its Watch
// and its Timer, ends with it, and may hold `this`. What cannot be taken back (Loop::post, the answer of
// another thread, a connection that lives on to deliver its last bytes) goes through guard():
//
//     loop.post(lifetime_.guard([this] { finish(); }));
//
// An object that is held by shared_ptr has weak_from_this() for that.
#pragma once
#include <memory>
#include <utility>

namespace talky::net {

// A member, the last one: it ends first. It is used on the loop's thread, and what it guards is called there;
// guard() also on a thread that its owner joins before it ends.
class Lifetime {
 public:
  Lifetime() = default;
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;

  // Calls `function` as long as this lives, and then does nothing.
  template <class Function>
  auto guard(Function function) const {
    return [token = std::weak_ptr<const char>(token_),
            function = std::move(function)](auto&&... arguments) mutable {
      if (!token.expired()) function(std::forward<decltype(arguments)>(arguments)...);
    };
  }
  // Before its end: nothing that was guarded is called any more.
  void end() { token_.reset(); }

 private:
  std::shared_ptr<const char> token_ = std::make_shared<const char>();
};

} // namespace talky::net
