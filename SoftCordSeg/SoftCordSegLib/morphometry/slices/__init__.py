"""The cord cut into slices: the stack, the centreline through it, and slices at right angles to it
on a fine grid.
"""
