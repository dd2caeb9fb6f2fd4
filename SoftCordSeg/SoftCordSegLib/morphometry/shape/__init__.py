"""The shape of the cord slice by slice: areas, diameters, angles, symmetry; measured once, or live
during an edit.
"""
