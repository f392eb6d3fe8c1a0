talky_fuzz(rtp DEPENDS rtp)
talky_fuzz(rtcp DEPENDS rtp)
