talky_fuzz(sound_containers DEPENDS file)
talky_fuzz(sound_file DEPENDS file)
talky_fuzz(sound_pipe DEPENDS file)
talky_fuzz(codec DEPENDS codec)
