// SIP methods (RFC 3261 7.1 and the RFCs that added some).
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace talky::sip {

enum class Method : std::uint8_t {
  invite,
  ack,
  bye,
  cancel,
  options,
  register_,
  prack,     // RFC 3262
  update,    // RFC 3311
  info,      // RFC 6086
  subscribe, // RFC 6665
  notify,    // RFC 6665
  message,   // RFC 3428
  refer,     // RFC 3515
  publish,   // RFC 3903
  other      // a token that we do not know; the message keeps its text
};
inline constexpr std::size_t kMethodCount = static_cast<std::size_t>(Method::other) + 1;

// "INVITE"; "" for `other`.
std::string_view to_string(Method method);
// Methods are case-sensitive: "invite" is `other`.
Method to_method(std::string_view token);

// A set of methods, as Allow lists them.
class MethodSet {
 public:
  constexpr MethodSet() = default;
  constexpr MethodSet(std::initializer_list<Method> methods) {
    for (const Method m : methods)
      insert(m);
  }
  constexpr void insert(Method m) { bits_ |= bit(m); }
  constexpr void erase(Method m) { bits_ &= ~bit(m); }
  constexpr bool contains(Method m) const { return (bits_ & bit(m)) != 0; }
  constexpr bool operator==(const MethodSet&) const = default;

 private:
  static constexpr std::uint32_t bit(Method m) { return std::uint32_t{1} << static_cast<unsigned>(m); }
  std::uint32_t bits_ = 0;
};

} // namespace talky::sip
