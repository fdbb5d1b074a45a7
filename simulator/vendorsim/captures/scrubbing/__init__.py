"""Personal data out of captures: what is personal, what stands for it, and the proof that nothing of it is left."""
