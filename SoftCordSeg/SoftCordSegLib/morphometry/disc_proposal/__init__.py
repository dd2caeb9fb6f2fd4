"""Discs found from the image and the mask: the spine straightened, places that look like discs, and
the names that fit.
"""
