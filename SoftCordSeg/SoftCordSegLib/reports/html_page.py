"""HTML pages from Jinja2 templates: each page is one file that needs no network.

Everything that is put into a template is escaped. The templates, with their styles (``.css``) and
scripts (``.js``), lie in ``templates`` beside this file. Jinja2 is imported when a page is made.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from .. import __version__, colours
from ..errors import OptionError

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).resolve().parent / "templates"
_GENERATOR = '<meta name="generator" content="SoftCordSeg">'
# The title and the generator of a page stand within its first characters.
_HEAD_CHARACTERS = 600
ABSENT = "–"


def page_html(template: str, folder: Path = TEMPLATES, **values: object) -> str:
    """A whole page.

    Args:
        template: file name.
        folder: where it lies; it may extend and import our own templates.
        values: what the template shows; text is escaped.
    """
    return _environment(folder).get_template(template).render(values)


def link_to(file: str | PurePath, anchor: str = "") -> str:
    """The address of a file for a link of a page.

    Every character that means something in an address is written by its number, and the ``./``
    keeps a name such as "javascript:x" a name.

    Args:
        file: relative to the page.
        anchor: id of the part of that page.
    """
    name = file.as_posix() if isinstance(file, PurePath) else file
    address = f"./{quote(name, errors='surrogateescape')}"
    return f"{address}#{quote(anchor, errors='surrogateescape')}" if anchor else address


def data_uri(content: bytes, mime: str = "image/png") -> str:
    """A picture as the address of itself, so that it is part of the page."""
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def policy_with_pictures() -> Markup:
    """The policy of a page that shows pictures from files beside it, for ``policy``."""
    from markupsafe import Markup

    return Markup(_policy("data: 'self' file:"))


def check_own_page(path: Path, title: str) -> None:
    """Refuse to replace a file that is not a page with this title.

    Raises:
        OptionError: something else has the name of the page.
    """
    if (path.exists() or path.is_symlink()) and not _is_own_page(path, title):
        raise OptionError(
            "This file is not a page that this command wrote, and would be overwritten.",
            path=path,
            hint="Choose another folder.",
        )


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table; a dash where it is not known."""
    return ABSENT if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign; without where it rounds to nothing."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def listed(names: list[str]) -> str:
    """As "T1w, T2w and DWI"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is_own_page(path: Path, title: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            head = stream.read(_HEAD_CHARACTERS)
    except OSError:  # a folder, or not readable
        return False
    return f"<title>{title}</title>" in head and _GENERATOR in head


@lru_cache(maxsize=4)
def _environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        number=number, signed=signed, listed=listed, data_uri=data_uri, is_word=_is_word
    )
    environment.globals.update(
        # Styles and scripts are our own files: they are not escaped.
        file=lambda name: Markup(_own_file(name)),
        policy=Markup(_policy()),
        palette=Markup(_palette()),
        version=__version__,
        absent=ABSENT,
    )
    return environment


def _own_file(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _policy(pictures: str = "data:") -> str:
    """The Content-Security-Policy of every page: nothing is fetched from a network, and no script
    runs but our own, each known by its digest as it stands between the marks.

    Args:
        pictures: where they may come from.
    """
    scripts = " ".join(
        f"'sha256-{_digest(f'{chr(10)}{_own_file(path.name)}{chr(10)}')}'"
        for path in sorted(TEMPLATES.glob("*.js"))
    )
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline';"
        f" img-src {pictures}; frame-src 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _is_word(text: object) -> bool:
    """Words stand on the left and may be broken, numbers on the right."""
    return str(text)[:1].isalpha()


def _palette() -> str:
    """The colours of pages as CSS variables."""
    verdicts = {f"verdict-{name}": colour for name, colour in colours.VERDICTS.items()}
    outlines = {"soft-outline": colours.SOFT_OUTLINE, "mask-outline": colours.MASK_OUTLINE}
    outlines.update(mask=colours.MASKS[0], marked=colours.SKY)
    light = _variables({**colours.LIGHT_PAGE, **verdicts, **outlines})
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        "@media (prefers-color-scheme: dark) "
        f"{{ :root {{ {_variables(colours.DARK_PAGE)} }} }}\n"
    )


def _variables(values: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in values.items())
