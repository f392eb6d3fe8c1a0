// What our clients ask of a TLS server: a certificate that an authority signed whom we trust, with the name
// or address that was dialled. Only for the .cpp files of common/http.
#pragma once
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/system/error_code.hpp>
#include <string>

#include "core/endpoint.hpp"

namespace talky::http {

// `ca_file` is PEM; "": the system's authorities.
inline boost::asio::ssl::context client_trust(const std::string& ca_file, boost::system::error_code& error) {
  boost::asio::ssl::context trust(boost::asio::ssl::context::tls_client);
  if (ca_file.empty()) {
    trust.set_default_verify_paths(error);
  } else {
    trust.load_verify_file(ca_file, error);
  }
  return trust;
}

// Before the handshake, on an ssl_stream. The server learns which name is meant (RFC 6066 3): names only, no
// addresses. False: OpenSSL refuses the name.
template <class Tls>
bool expect_host(Tls& stream, const std::string& host) {
  stream.set_verify_mode(boost::asio::ssl::verify_peer);
  stream.set_verify_callback(boost::asio::ssl::host_name_verification(host));
  std::string name = host;
  return IpAddress::parse(host) || SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                            TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

} // namespace talky::http
