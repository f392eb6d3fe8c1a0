// A capture through everything that talky-rtpdump understands of one: SIP, SDP, RTP, RTCP, audio, the
// reports; and the same bytes as an expression.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "capture/analysis.hpp"
#include "file/pcap.hpp"
#include "rtpdump/filter.hpp"
#include "rtpdump/report/report.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace talky;
  using namespace talky::rtpdump;
  const Bytes bytes = std::as_bytes(std::span(data, size));
  if (const auto filter = Filter::parse(as_text(bytes)); !filter && filter.error().offset > size)
    std::abort();
  auto reader = file::PcapReader::open(file::Input::memory(bytes));
  if (!reader) return 0;
  capture::Analysis analysis(capture::AnalysisOptions{true, false});
  file::Dissector dissector;
  for (;;) {
    const auto frame = reader->next();
    if (!frame || !*frame) break;
    if (const auto segment = dissector.dissect(**frame)) analysis.add(*segment);
  }
  (void)stream_table(analysis, true);
  (void)stream_csv(analysis);
  (void)call_table(analysis);
  (void)digit_csv(analysis);
  (void)rtcp_csv(analysis);
  for (const capture::Call& call : analysis.calls.calls())
    (void)call_ladder(analysis, call.call_id);
  return 0;
}
