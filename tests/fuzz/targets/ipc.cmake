talky_fuzz(audiosocket DEPENDS ipc)
talky_fuzz(browser_json DEPENDS ipc)
talky_fuzz(foreign_json DEPENDS ipc)
