// The file of --users: one `user:password` or `user:ha1=HEX` a line; '#' begins a comment line.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sip/digest.hpp"

namespace talky::sipd {

class Users {
 public:
  // Throws cli::Failure, which names the file and the line.
  static Users load(const std::string& path);

  // For sip::DigestServer. A HA1 of 32 digits serves MD5, one of 64 SHA-256; a password both.
  std::optional<std::string> ha1(std::string_view user, std::string_view realm,
                                 sip::DigestAlgorithm algorithm) const;
  // How many users could answer a challenge of this algorithm, and one who could not ("" if all can).
  std::size_t able(sip::DigestAlgorithm algorithm) const;
  std::string unable(sip::DigestAlgorithm algorithm) const;
  std::size_t names() const; // users, each once
  std::size_t size() const { return secrets_.size(); }

 private:
  bool is_able(std::string_view user, sip::DigestAlgorithm algorithm) const;

  struct Secret {
    bool is_ha1 = false;
    std::string text;
  };
  std::multimap<std::string, Secret, std::less<>> secrets_;
};

} // namespace talky::sipd
