talky_fuzz(sound_containers DEPENDS file)
talky_fuzz(codec DEPENDS codec)
