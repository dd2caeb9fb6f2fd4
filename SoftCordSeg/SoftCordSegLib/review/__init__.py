"""Floor 3: review of a data set: cases, verdicts, doubt, agreement of raters, exchange with other
tools' files.
"""
