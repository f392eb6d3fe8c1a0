// Looks a host name up without holding the loop up: the system's resolver runs on a thread of Asio's.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/endpoint.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"

namespace talky::net {

// Calls `done` once, later, with the first address of the name (A or AAAA; no SRV, no NAPTR) and the port
// given, or with the error. Destroying the handle gives the question up without a call.
class Resolving {
 public:
  using Done = std::function<void(SysResult<Endpoint>)>;
  Resolving(Loop& loop, const std::string& host, std::uint16_t port, Done done);
  Resolving(Resolving&&) noexcept;
  Resolving& operator=(Resolving&&) noexcept;
  ~Resolving();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace talky::net
