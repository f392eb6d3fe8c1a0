#include "rtpdump/live/interface.hpp"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <array>

#include "cli/exit_code.hpp"
#include "dynamic/library.hpp"

namespace talky::rtpdump {

namespace {

constexpr int kSnapLength = 65'535 + 64; // a whole IP packet in its frame
// libpcap parts the buffer into blocks of 256 KiB, and one is handed over when it is full or kTimeout after
// its first frame: however little comes, it takes 12.8 s to fill all of them. (In immediate mode each frame
// has as much room as the interface's largest: 255 frames on lo.)
constexpr int kBuffer = 32 << 20;
constexpr auto kTimeout = std::chrono::milliseconds(100);
static_assert(kTimeout < InterfaceCapture::kHold); // it may come a little later
constexpr int kBatch = 1'000;                      // frames at a time: signals and timers are waiting too
constexpr const char* kFilter = "udp or tcp port 5060 or ip[6:2] & 0x1fff != 0 or ip6[6] == 44";
constexpr const char* kTaggedFilter =
    " or (vlan and (udp or tcp port 5060 or ip[6:2] & 0x1fff != 0 or ip6[6] == 44))";

#define TALKY_PCAP(symbol)                                                                                \
  symbol(create, pcap_create) symbol(close, pcap_close) symbol(set_snaplen, pcap_set_snaplen)             \
      symbol(set_promisc, pcap_set_promisc) symbol(set_buffer_size, pcap_set_buffer_size)                 \
          symbol(set_timeout, pcap_set_timeout) symbol(set_tstamp_precision, pcap_set_tstamp_precision)   \
              symbol(get_tstamp_precision, pcap_get_tstamp_precision) symbol(activate, pcap_activate)     \
                  symbol(setnonblock, pcap_setnonblock) symbol(get_selectable_fd, pcap_get_selectable_fd) \
                      symbol(datalink, pcap_datalink) symbol(dispatch, pcap_dispatch)                     \
                          symbol(stats, pcap_stats) symbol(compile, pcap_compile)                         \
                              symbol(setfilter, pcap_setfilter) symbol(freecode, pcap_freecode)           \
                                  symbol(geterr, pcap_geterr) symbol(statustostr, pcap_statustostr)       \
                                      symbol(findalldevs, pcap_findalldevs)                               \
                                          symbol(freealldevs, pcap_freealldevs)
struct Pcap {
  TALKY_DYNAMIC_TABLE(TALKY_PCAP)

  static Pcap load() {
    const auto f = dynamic::load<Pcap>({"libpcap.so.0.8", "libpcap.so.1"},
                                       "--interface needs libpcap: install libpcap0.8",
                                       "--interface needs libpcap 1.5 or later");
    if (!f) throw cli::Failure(cli::ExitCode::unavailable, f.error().what);
    return *f;
  }
};

class Capture final : public InterfaceCapture {
 public:
  Capture(const std::string& name, const std::string& filter) : pcap_(Pcap::load()), name_(name) {
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    handle_ = pcap_.create(name.c_str(), reason.data());
    if (handle_ == nullptr)
      throw cli::Failure(cli::ExitCode::no_input, fmt::format("{}: {}", name, reason.data()));
    try {
      start(filter);
    } catch (...) {
      pcap_.close(handle_); // a constructor that throws has no destructor
      throw;
    }
  }
  ~Capture() override { pcap_.close(handle_); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  int fd() const override { return fd_; }

  void read(const std::function<void(const file::CapturedFrame&)>& receive) override {
    struct Context {
      const std::function<void(const file::CapturedFrame&)>& receive;
      file::LinkType link;
      std::int64_t unit_ns;
    } context{receive, link_, unit_ns_};
    const auto each = [](u_char* user, const pcap_pkthdr* header, const u_char* data) {
      const auto& to = *static_cast<const Context*>(static_cast<const void*>(user));
      file::CapturedFrame frame;
      frame.time_ns = std::int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec * to.unit_ns;
      frame.link = to.link;
      frame.data = Bytes(static_cast<const std::byte*>(static_cast<const void*>(data)), header->caplen);
      frame.wire_length = header->len;
      to.receive(frame);
    };
    const int count =
        pcap_.dispatch(handle_, kBatch, each, static_cast<u_char*>(static_cast<void*>(&context)));
    if (count < 0) throw cli::Failure(cli::ExitCode::io, fmt::format("{}: {}", name_, pcap_.geterr(handle_)));
  }

  std::uint64_t dropped() override {
    pcap_stat counts{};
    return pcap_.stats(handle_, &counts) == 0 ? counts.ps_drop : 0;
  }

 private:
  void start(const std::string& filter) {
    pcap_.set_snaplen(handle_, kSnapLength);
    pcap_.set_promisc(handle_, 1);
    pcap_.set_buffer_size(handle_, kBuffer);
    pcap_.set_timeout(handle_, static_cast<int>(kTimeout.count()));
    pcap_.set_tstamp_precision(handle_, PCAP_TSTAMP_PRECISION_NANO);
    if (const int status = pcap_.activate(handle_); status < 0) refuse(status);
    unit_ns_ = pcap_.get_tstamp_precision(handle_) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    const int kind = pcap_.datalink(handle_);
    // Raw IP is DLT_RAW in libpcap's calls, 12 on Linux, and 101 in files.
    link_ = kind == DLT_RAW ? file::LinkType::raw : static_cast<file::LinkType>(kind);
    const std::string standard = std::string(kFilter) + (kind == DLT_EN10MB ? kTaggedFilter : "");
    const std::string& wanted = filter.empty() ? standard : filter;
    bpf_program program{};
    if (pcap_.compile(handle_, &program, wanted.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
      throw cli::Failure(cli::ExitCode::usage,
                         fmt::format("--capture-filter: {} (pcap-filter(7))", pcap_.geterr(handle_)));
    }
    const int set = pcap_.setfilter(handle_, &program);
    pcap_.freecode(&program);
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    if (set != 0 || pcap_.setnonblock(handle_, 1, reason.data()) != 0)
      throw cli::Failure(cli::ExitCode::io, fmt::format("{}: {}", name_, pcap_.geterr(handle_)));
    fd_ = pcap_.get_selectable_fd(handle_);
    if (fd_ < 0)
      throw cli::Failure(cli::ExitCode::unavailable, fmt::format("{}: cannot be waited for", name_));
  }

  [[noreturn]] void refuse(int status) {
    if (status == PCAP_ERROR_PERM_DENIED || status == PCAP_ERROR_PROMISC_PERM_DENIED) {
      throw cli::Failure(cli::ExitCode::no_permission,
                         fmt::format("{}: capturing needs rights: run as root, or once: sudo setcap "
                                     "cap_net_raw,cap_net_admin=ep \"$(command -v talky-rtpdump)\"",
                                     name_));
    }
    if (status == PCAP_ERROR_NO_SUCH_DEVICE) {
      throw cli::Failure(cli::ExitCode::no_input,
                         fmt::format("{}: no such interface; there are: {}", name_, interfaces()));
    }
    const std::string detail = pcap_.geterr(handle_);
    throw cli::Failure(cli::ExitCode::unavailable,
                       fmt::format("{}: {}", name_, detail.empty() ? pcap_.statustostr(status) : detail));
  }

  std::string interfaces() const {
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    pcap_if_t* all = nullptr;
    if (pcap_.findalldevs(&all, reason.data()) != 0) return "none";
    std::string names;
    for (const pcap_if_t* one = all; one != nullptr; one = one->next) {
      if ((one->flags & PCAP_IF_UP) != 0) names += fmt::format("{}{}", names.empty() ? "" : " ", one->name);
    }
    pcap_.freealldevs(all);
    return names.empty() ? "none" : names;
  }

  Pcap pcap_;
  std::string name_;
  pcap_t* handle_ = nullptr;
  file::LinkType link_ = file::LinkType::ethernet;
  std::int64_t unit_ns_ = 1000;
  int fd_ = -1;
};

} // namespace

std::unique_ptr<InterfaceCapture> InterfaceCapture::open(const std::string& name, const std::string& filter) {
  return std::make_unique<Capture>(name, filter);
}

} // namespace talky::rtpdump
