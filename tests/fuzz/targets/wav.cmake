talky_fuzz(wav_header DEPENDS file)
