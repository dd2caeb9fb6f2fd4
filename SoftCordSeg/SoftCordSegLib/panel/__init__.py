"""Floor 4: the panel in Slicer, section by section, and the thread that works for it."""
