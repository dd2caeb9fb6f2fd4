"""Review of a data set: its cases, the raters' verdicts on them, how likely a mask is wrong,
agreement of raters, exchange with other tools' files.

No Slicer, no Qt, no terminal, no HTML here.  Everything of a review lies in the data set's folder
``derivatives/review``, also in a plain folder of images.
"""

from .case_order import ORDERS, Order, in_order, matching, seconds_left, shuffled
from .raters import rater_file, rater_name, rater_slug
from .review_cases import ReviewCase, find_review_cases
from .verdicts import Judgement, Verdict, VerdictStore, newest, read_verdicts, verdict_time

__all__ = [
    "ORDERS",
    "Judgement",
    "Order",
    "ReviewCase",
    "Verdict",
    "VerdictStore",
    "find_review_cases",
    "in_order",
    "matching",
    "newest",
    "rater_file",
    "rater_name",
    "rater_slug",
    "read_verdicts",
    "seconds_left",
    "shuffled",
    "verdict_time",
]
