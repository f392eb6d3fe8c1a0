talky_fuzz(audiosocket DEPENDS ipc)
