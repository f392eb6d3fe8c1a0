// One call on standard input and output: s16le at 16 kHz, mono. Where the descriptors 3 and 4 are pipes
// (talky-sipd's exec:), JSON lines of control come in on 3 and go out on 4, and the call begins with a
// `start`; without them it begins with the first audio.
#pragma once
#include <functional>
#include <memory>

#include "call.hpp"

namespace talky::agent {

class StdioCall {
 public:
  // `done` is called from the loop, once, when the call has ended and what was to be written is written; with
  // false if standard output failed.
  StdioCall(Context& context, std::function<void(bool)> done);
  ~StdioCall();
  StdioCall(const StdioCall&) = delete;
  StdioCall& operator=(const StdioCall&) = delete;

  void begin();
  void shut_down(); // end the call now

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::agent
