talky_fuzz(spool DEPENDS store)
