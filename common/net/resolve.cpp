#include "net/resolve.hpp"

#include <boost/asio/ip/udp.hpp>
#include <cerrno>

#include "net/loop_asio.hpp"

namespace talky::net {

struct Resolving::Impl {
  using Resolver = boost::asio::ip::udp::resolver;
  Impl(Loop& loop, Done callback) : resolver(context_of(loop)), done(std::move(callback)) {}

  Resolver resolver;
  Done done;
};

Resolving::Resolving(Loop& loop, const std::string& host, std::uint16_t port, Done done)
    : impl_(std::make_shared<Impl>(loop, std::move(done))) {
  impl_->resolver.async_resolve(
      host, "", boost::asio::ip::resolver_base::numeric_service,
      [weak = std::weak_ptr(impl_), port](const boost::system::error_code& error,
                                          const Impl::Resolver::results_type& results) {
        const auto self = weak.lock();
        if (!self || !self->done) return;
        const Done finish = std::exchange(self->done, nullptr);
        for (const auto& entry : results) {
          if (const auto ip = IpAddress::parse(entry.endpoint().address().to_string()))
            return finish(Endpoint{*ip, port});
        }
        (void)error; // every failure comes to this: there is no such host for us
        finish(tl::unexpected(SystemError{EHOSTUNREACH, "look up"}));
      });
}

Resolving::Resolving(Resolving&&) noexcept = default;
Resolving& Resolving::operator=(Resolving&&) noexcept = default;
Resolving::~Resolving() {
  if (impl_) impl_->done = nullptr;
}

} // namespace talky::net
