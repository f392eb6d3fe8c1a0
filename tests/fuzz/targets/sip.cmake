talky_fuzz(sip_message DEPENDS sip)
talky_fuzz(sip_framer DEPENDS sip)
talky_fuzz(sip_digest DEPENDS sip)
