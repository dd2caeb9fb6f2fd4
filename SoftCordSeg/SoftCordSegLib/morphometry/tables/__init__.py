"""Numbers for a reader: means over levels and ranges, the spread over contrasts, and tables."""
