// Reads an HTTP message from a Wire into a parser of Beast's. Only for the .cpp files of common/http.
#pragma once
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <memory>
#include <utility>

#include "http/wire.hpp"

namespace talky::http {

template <bool is_request>
class MessageReader : public std::enable_shared_from_this<MessageReader<is_request>> {
 public:
  using Parser = boost::beast::http::basic_parser<is_request>;
  using Buffer = boost::beast::flat_buffer;

  // Up to the end of the header, or of the message if `whole`. `done` comes once, at once or later: with an
  // error of HTTP if that is what is wrong, end_of_stream if the peer has closed before a message began. All
  // that it is given stays until then. What comes behind the message is left in the buffer.
  static void read(Wire& wire, Buffer& buffer, Parser& parser, bool whole, Wire::Done done) {
    parser.eager(whole);
    const auto reader = std::make_shared<MessageReader>(wire, buffer, parser, whole, std::move(done));
    reader->parse();
  }

  MessageReader(Wire& wire, Buffer& buffer, Parser& parser, bool whole, Wire::Done done)
      : wire_(wire), buffer_(buffer), parser_(parser), whole_(whole), done_(std::move(done)) {}

 private:
  void parse() {
    while (!(whole_ ? parser_.is_done() : parser_.is_header_done())) {
      if (buffer_.size() == 0) return more();
      Wire::Error error;
      buffer_.consume(parser_.put(buffer_.data(), error));
      if (error == boost::beast::http::error::need_more) return more();
      if (error) return done_(error);
    }
    done_({});
  }

  void more() {
    wire_.read_some(
        buffer_.prepare(whole_ ? kForBody : kForHeader),
        [self = this->shared_from_this()](Wire::Error error, std::size_t count) { self->got(error, count); });
  }

  void got(Wire::Error error, std::size_t count) {
    if (error == boost::asio::error::eof) {
      if (!parser_.got_some()) return done_(boost::beast::http::error::end_of_stream);
      Wire::Error incomplete;
      parser_.put_eof(incomplete); // without an error where the end is all that was missing
      return done_(incomplete);
    }
    if (error) return done_(error);
    buffer_.commit(count);
    parse();
  }

  static constexpr std::size_t kForHeader = 4 << 10, kForBody = 64 << 10; // bytes a read

  Wire& wire_;
  Buffer& buffer_;
  Parser& parser_;
  const bool whole_;
  Wire::Done done_;
};

} // namespace talky::http
