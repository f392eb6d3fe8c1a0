talky_fuzz(voice_text DEPENDS voice)
