"""Whole data sets: cases, plans, runs by several processes and machines, the group level."""
