talky_fuzz(http_text DEPENDS net)
