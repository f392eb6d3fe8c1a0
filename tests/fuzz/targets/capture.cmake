talky_fuzz(capture_foreign DEPENDS capture)
