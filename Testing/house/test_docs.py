"""The documentation: links lead somewhere, commands have the options that are shown, every room has
its page. No network is needed: addresses elsewhere are not looked at.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import docstring_roles
import floors_diagram
import pytest
import typer

from house.floors import FLOORS
from SoftCordSegLib.cli.app import app

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "SoftCordSeg" / "SoftCordSegLib"
DOCS = REPOSITORY / "docs"
PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md"), *REPOSITORY.glob("recipes/**/*.md")])

# Files of the repository that are linked from the web site.
ON_THE_WEB = "https://github.com/SoftCordSeg/SoftCordSeg/blob/main/"

# Rooms without a page: their interfaces are the panel and the command line themselves.
FRONTS = {"panel", "cli"}

MAX_PICTURE_BYTES = 200_000

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.MULTILINE)


def links(text: str) -> list[str]:
    """Targets of the links and pictures of a page, those in code left out."""
    return LINK.findall(CODE.sub("", FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs both make them."""
    found = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "").lower()).strip()
        found.add(re.sub(r"\s+", "-", plain))
    return found


def broken_links(page: Path, text: str) -> list[str]:
    """Links to files that are missing, or to headings that a file does not have."""
    broken = []
    for link in links(text):
        path, _, anchor = unquote(link).partition("#")
        if path.startswith(ON_THE_WEB):
            target = REPOSITORY / path[len(ON_THE_WEB) :]
        elif re.match(r"[a-z]+:", path):
            continue
        else:
            target = page.parent / path if path else page
        if not target.exists() or (
            anchor
            and target.suffix == ".md"
            and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    return broken


def shown_commands(text: str) -> Iterator[list[str]]:
    """The words of each ``softcord`` command in the shell blocks of a page."""
    for language, body in FENCE.findall(text):
        if language == "sh":
            for line in body.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0].endswith("softcord"):
                    yield words[1:]


def unknown_options(words: list[str]) -> list[str]:
    """Commands and options among ``words`` that ``softcord`` does not have."""
    command = typer.main.get_command(app)
    words = list(words)
    # Groups have commands, commands have none.
    while words and not words[0].startswith("-") and getattr(command, "commands", None):
        name = words.pop(0)
        if name not in command.commands:
            return [name]
        command = command.commands[name]
    known = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"-h", "--help"}
    return [
        word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere_and_commands_exist(page):
    text = page.read_text(encoding="utf-8")

    assert broken_links(page, text) == []
    assert {
        shlex.join(words): unknown
        for words in shown_commands(text)
        if (unknown := unknown_options(words))
    } == {}


def test_every_command_has_a_guide():
    command = typer.main.get_command(app)
    guides = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "how-to").glob("*.md"))

    assert [name for name in command.commands if f"softcord {name}" not in guides] == []


def test_every_room_has_a_page_of_reference():
    rooms = {path.name for path in LIBRARY.iterdir() if path.name in FLOORS} - FRONTS
    pages = {page.stem for page in (DOCS / "reference").glob("*.md")}

    assert rooms - pages == set()


def test_every_name_in_the_reference_exists():
    missing = []
    for page in (DOCS / "reference").glob("*.md"):
        for name in re.findall(r"^::: (\S+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            path = LIBRARY.parent.joinpath(*name.split("."))
            if not (path.is_dir() or path.with_suffix(".py").is_file()):
                missing.append(name)

    assert missing == []


def test_the_design_names_files_and_functions_that_exist():
    design = (DOCS / "design.md").read_text(encoding="utf-8")
    folders = (LIBRARY, LIBRARY.parent)
    named = re.findall(r"`([\w/]+\.py)`(?: \| `(\w+)`)?", design)
    missing = []
    for name, function in named:
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path is None or (
            function
            and not re.search(rf"(def|class) {function}\b", path.read_text(encoding="utf-8"))
        ):
            missing.append((name, function))

    assert len(named) > 20
    assert missing == []


def test_every_page_is_in_the_navigation():
    navigation = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}

    assert {page for page in pages if page not in navigation} == set()
    assert set(re.findall(r"([\w/-]+\.md)", navigation)) - pages == set()


def test_the_picture_of_the_floors_is_up_to_date():
    picture = floors_diagram.drawing(floors_diagram.floors(LIBRARY))

    assert floors_diagram.PICTURE.read_text(encoding="utf-8") == picture, (
        "run 'python Utilities/floors_diagram.py'"
    )


def test_docstrings_become_markdown():
    docstring = "See :class:`~.panel.Panel` and ``x``::\n\n    y\n\n::\n\n    slice[::2]\n"

    assert docstring_roles.as_markdown(docstring) == (
        "See `Panel` and ``x``:\n\n    y\n\n\n\n    slice[::2]\n"
    )


def test_pictures_are_small():
    pictures = [*DOCS.rglob("*.png"), REPOSITORY / "Screenshots" / "segmentation.png"]

    assert [path.name for path in pictures if path.stat().st_size > MAX_PICTURE_BYTES] == []


def test_what_is_looked_for_is_recognised(tmp_path):
    page = tmp_path / "page.md"
    other = "# A *first* `thing`\n\n```sh\n# no heading\n```\n"
    (tmp_path / "other.md").write_text(other, encoding="utf-8")
    text = (
        "[a](other.md) [b](none.md) ![c](other.md#a-first-thing) [d](other.md#no-heading)\n"
        "[e](#here) `[f](none.md)` [g](https://example.org/x)\n# Here\n"
        f"[h]({ON_THE_WEB}README.md) [i]({ON_THE_WEB}none.md)\n"
    )
    page.write_text(text, encoding="utf-8")

    assert broken_links(page, text) == ["none.md", "other.md#no-heading", f"{ON_THE_WEB}none.md"]
    assert unknown_options(["segment", "a.nii", "-o", "out", "--no-such=1", "--box", "-1,2"]) == [
        "--no-such=1"
    ]
    assert unknown_options(["nonsense"]) == ["nonsense"]
    assert list(shown_commands("```sh\nsoftcord a -b  # c\nls\n```\n```\nsoftcord d\n```\n")) == [
        ["a", "-b"]
    ]
