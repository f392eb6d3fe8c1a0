talky_fuzz(pcap DEPENDS file)
talky_fuzz(rtpdump DEPENDS file)
talky_fuzz(compressed DEPENDS file)
