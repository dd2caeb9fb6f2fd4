"""Where along the cord a slice is: discs and their names, vertebral levels, distance from the PMJ,
the PAM50 template.
"""
