// The io_context inside of a Loop, for what stands on Asio itself. Only for .cpp files of common/net and
// common/http.
#pragma once
#include <boost/asio/io_context.hpp>

#include "net/loop.hpp"

namespace talky::net {

boost::asio::io_context& context_of(Loop& loop);

} // namespace talky::net
