// Who may use the HTTP API. Against other machines: bearer tokens with roles. Against web pages that a
// browser of this machine has open: the Host must be ours (DNS rebinding) and the Origin the same.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/endpoint.hpp"
#include "http/message.hpp"

namespace talky::sipd {

enum class Role : std::uint8_t { none, read, operate }; // each may do what those before it may
std::string_view to_string(Role role);                  // "operate"

// The file of --http-tokens: one `read:TOKEN` or `operate:TOKEN` a line; '#' begins a comment line.
class Tokens {
 public:
  static Tokens load(const std::string& path); // throws cli::Failure, which names the file and the line
  Role role_of(std::string_view token) const;  // takes as long for a wrong token as for a right one
  std::size_t size() const { return roles_.size(); }

 private:
  std::map<std::string, Role, std::less<>> roles_;
};

// The two checks. Each gives the answer to a request that may not be served, nullopt if it may.
class Access {
 public:
  // `tokens` null: nobody is asked for one.
  explicit Access(std::shared_ptr<const Tokens> tokens) : tokens_(std::move(tokens)) {}
  void listens_on(const Endpoint& endpoint) { listening_ = endpoint; }

  std::optional<http::Response> refuse_origin(const http::Request& request) const; // Host and Origin
  std::optional<http::Response> refuse_token(const http::Request& request, Role needed) const;

 private:
  std::shared_ptr<const Tokens> tokens_;
  Endpoint listening_;
};

} // namespace talky::sipd
