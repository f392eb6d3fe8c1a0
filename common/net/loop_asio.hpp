// The io_context inside of a Loop, for what stands on Asio itself. Only for the .cpp files of common/net.
#pragma once
#include <boost/asio/io_context.hpp>

#include "net/loop.hpp"

namespace talky::net {

boost::asio::io_context& context_of(Loop& loop);

} // namespace talky::net
