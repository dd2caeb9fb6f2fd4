"""Disc labels as files: beside a mask, in every format, and as they were placed."""
