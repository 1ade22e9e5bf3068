"""Personal data out of free text, before it is logged, exported or shown to a model."""
