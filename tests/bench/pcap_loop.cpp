// The least that a program can do with a capture through libpcap: step over its frames and count them. What
// tests/bench/rtpdump measures talky-rtpdump against.
#include <pcap/pcap.h>

#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: pcap_loop FILE\n");
    return 64;
  }
  char reason[PCAP_ERRBUF_SIZE] = "";
  pcap_t* capture = pcap_open_offline(argv[1], reason);
  if (capture == nullptr) {
    std::fprintf(stderr, "pcap_loop: %s\n", reason);
    return 66;
  }
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  while (pcap_next_ex(capture, &header, &data) == 1) {
    ++frames;
    bytes += header->caplen;
  }
  pcap_close(capture);
  std::printf("%llu frames, %llu bytes\n", static_cast<unsigned long long>(frames),
              static_cast<unsigned long long>(bytes));
  return 0;
}
