// Frames from a network interface through libpcap, which is loaded only when this is wanted.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "file/pcap.hpp"

namespace talky::rtpdump {

class InterfaceCapture {
 public:
  // A frame that has come can be read so much later at the latest.
  static constexpr std::chrono::milliseconds kHold{120};

  // `filter` is an expression of pcap-filter(7); "" takes UDP, SIP over TCP on port 5060, and IP fragments,
  // with and without a VLAN tag. The interface is put into promiscuous mode, where it has one. Throws
  // cli::Failure with one line that says what to do: no right to capture (no_permission), no such interface
  // with the names of those there are (no_input), a wrong expression (usage), no libpcap (unavailable).
  static std::unique_ptr<InterfaceCapture> open(const std::string& name, const std::string& filter);

  virtual ~InterfaceCapture() = default;
  InterfaceCapture(const InterfaceCapture&) = delete;
  InterfaceCapture& operator=(const InterfaceCapture&) = delete;

  // Readable when frames have come.
  virtual int fd() const = 0;
  // Hands over the frames that have come, and does not wait. Throws cli::Failure if the interface has gone.
  virtual void read(const std::function<void(const file::CapturedFrame&)>& receive) = 0;
  // Frames that the system dropped because we read too slowly.
  virtual std::uint64_t dropped() = 0;

 protected:
  InterfaceCapture() = default;
};

} // namespace talky::rtpdump
