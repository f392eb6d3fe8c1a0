talky_fuzz(http_text DEPENDS http)
