talky_fuzz(sdp DEPENDS sdp)
