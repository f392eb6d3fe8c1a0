talky_fuzz(sipd_requests DEPENDS sipd_parts)
