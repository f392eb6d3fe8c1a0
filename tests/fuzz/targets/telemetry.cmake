talky_fuzz(hep DEPENDS telemetry)
