talky_fuzz(voice_text DEPENDS flow language voice)
