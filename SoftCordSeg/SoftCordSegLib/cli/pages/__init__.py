"""What our pages have in common: the shell around their parts, their look, and how a page of ours
is told from another.
"""

from .own import check_own_page
from .shell import data_uri, key_figures, page_html

__all__ = ["check_own_page", "data_uri", "key_figures", "page_html"]
