"""The shell of a page: one file that needs nothing else, no network and no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from .style import STYLE


def beginning(title: str) -> str:
    """How a page of this title begins; by it a command knows its own page again."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta'
        f' charset="utf-8"><title>{escape(title)}</title>'
    )


def page_html(title: str, parts: Sequence[str], style: str = "") -> str:
    """A whole page.

    Args:
        title: plain text.
        parts: of the page, HTML, one below the other.
        style: what the page needs beside our common style, CSS.
    """
    return (
        f'{beginning(title)}<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="generator" content="SoftCordSeg"><style>{STYLE}{style}</style></head>\n'
        f"<body><main>\n{''.join(parts)}\n</main></body></html>\n"
    )


def key_figures(terms: Sequence[tuple[str, str]]) -> str:
    """The large numbers under a page's heading, from (name, value), plain text."""
    figures = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in terms
    )
    return f'<dl class="figures">{figures}</dl>'


def data_uri(content: bytes, mime: str = "image/png") -> str:
    """A picture as the address of itself, so that it travels within the page."""
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"
