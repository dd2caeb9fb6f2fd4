"""PNG files of a few colours or of greys, and letters to draw into them, straight from arrays.

A page over a data set needs two pictures a case; a plotting library takes several times as long for
them, and its files are several times as large.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..colours import rgb

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3
# Rows are stored as they are, or as differences from the row above.
_AS_IS, _FROM_ABOVE = 0, 2
_COMPRESSION = 6


def grey_png(pixels: np.ndarray) -> bytes:
    """A PNG file of greys.

    Args:
        pixels: (rows, columns) uint8, 0 black.
    """
    above = np.vstack([np.zeros_like(pixels[:1]), pixels[:-1]])
    return _png(pixels - above, _GREY, _FROM_ABOVE)


def palette_png(pixels: np.ndarray, colours: Sequence[tuple[str, float]]) -> bytes:
    """A PNG file of at most 256 colours.

    Args:
        pixels: (rows, columns) uint8, indices into ``colours``.
        colours: (``#rrggbb``, opacity in [0, 1]).
    """
    channels = [round(255 * part) for colour, _ in colours for part in rgb(colour)]
    opacities = bytes(round(255 * opacity) for _, opacity in colours)
    tables = _chunk(b"PLTE", bytes(channels)) + _chunk(b"tRNS", opacities)
    return _png(pixels, _PALETTE, _AS_IS, tables)


@lru_cache(maxsize=512)
def letters(text: str, height: float) -> np.ndarray:
    """A line of text as opacities.

    Args:
        text: without line breaks.
        height: of the letters' em square, pixels.

    Returns:
        (rows, columns) uint8, 255 where a letter covers the pixel; no wider than the text.
    """
    drawn = [_glyph(character, height) for character in text]
    if not drawn:
        return np.zeros((1, 0), np.uint8)
    top = max(above for _, above, _, _ in drawn)
    bottom = max(len(pixels) - above for pixels, above, _, _ in drawn)
    starts = np.cumsum([0, *(step for _, _, _, step in drawn)]).astype(int)
    line = np.zeros((top + bottom, starts[-1] + round(height)), np.uint8)
    for start, (pixels, above, left, _) in zip(starts, drawn):
        rows, columns = pixels.shape
        at = max(start + left, 0)
        part = line[top - above : top - above + rows, at : at + columns]
        np.maximum(part, pixels[:, : part.shape[1]], out=part)
    return line[:, : starts[-1]]


@lru_cache(maxsize=256)
def _glyph(character: str, height: float) -> tuple[np.ndarray, int, int, int]:
    """Opacities of a character, its rows above the base line, its columns from the pen, and how far
    the pen moves on.
    """
    font = _font(height)
    glyph = font.load_char(ord(character))
    # 26.6 fixed point, as FreeType has it.
    left, _, _, top = (part / 64 for part in glyph.bbox)
    step = round(glyph.linearHoriAdvance / 65536)
    font.set_text(character, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    pixels = np.array(font.get_image(), np.uint8)
    if pixels.size == 0 or character.isspace():
        return np.zeros((1, 0), np.uint8), 1, 0, step
    return pixels, int(np.ceil(top)), int(np.floor(left)), step


@lru_cache(maxsize=4)
def _font(height: float):
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    font = FT2Font(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf")
    font.set_size(height, 72)
    return font


def _png(rows: np.ndarray, kind: int, filter_: int, tables: bytes = b"") -> bytes:
    height, width = rows.shape
    lines = np.empty((height, width + 1), np.uint8)
    lines[:, 0], lines[:, 1:] = filter_, rows
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", header),
            tables,
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), _COMPRESSION)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
