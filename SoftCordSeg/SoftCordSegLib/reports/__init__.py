"""Floor 4: what a reader looks at: HTML pages and figures.

Pages are Jinja2 templates in ``templates``, with their styles and scripts; each page is one file
that needs no network. Importing this package loads neither Jinja2 nor matplotlib.
"""
