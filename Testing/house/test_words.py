"""Names and words: one name a file, plain English, no command-line option below the command line,
and no error message that is parsed.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "SoftCordSeg" / "SoftCordSegLib"

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "CHANGELOG.md"]
PAGES += sorted([*(REPOSITORY / "docs").rglob("*.md"), *LIBRARY.parent.rglob("Resources/**/*.md")])

# Fewer are a file.
MIN_FILES_IN_FOLDER = 4

# Names of classes and files that say nothing to a newcomer.
VAGUE_NAMES = {"done", "how", "kept", "named", "place", "tools"}

# Words that have a plain one in the glossary: participants, asks, preprocessing.
PRIVATE_WORDS = {"asked", "ingest", "ingested", "nobody", "people", "person", "told", "whoever"}

# The same in sentences; 'asked' and 'told' are plain English there.
PRIVATE_PHRASES = re.compile(
    r"\b(nobody|whoever|told and asked|ingest(ed|s)?|people)\b", re.IGNORECASE
)

# An option of the command line: '--perlevel', '-o OUT'.
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")

# Methods that look into a text.
PARSING = {"endswith", "find", "partition", "replace", "rpartition", "split", "startswith", "strip"}


def modules(folder: Path = LIBRARY) -> list[Path]:
    """The Python files of the library, sorted."""
    return sorted(folder.rglob("*.py"))


def repeated_names(library: Path) -> dict[str, list[str]]:
    """Names that more than one file has, and those files; ``__init__`` is no name."""
    count = Counter(path.name for path in modules(library))
    return {
        name: [
            path.relative_to(library).as_posix() for path in modules(library) if path.name == name
        ]
        for name, number in count.items()
        if number > 1 and name != "__init__.py"
    }


def small_folders(library: Path) -> list[str]:
    """Folders of the library with fewer files than a folder is worth; folders in it count."""
    found = []
    for folder in sorted({path.parent for path in modules(library)} - {library}):
        files = [
            path for path in folder.iterdir() if path.name not in ("__init__.py", "__pycache__")
        ]
        if len(files) < MIN_FILES_IN_FOLDER:
            found.append(folder.relative_to(library).as_posix())
    return found


def words_of(identifier: str) -> set[str]:
    """'readPersonName' and 'read_person_name' have the words read, person and name."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier)
    return {word for word in spaced.lower().split("_") if word}


def defined_names(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of all that a source defines: classes, functions, arguments, variables."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def private_names(path: Path) -> list[str]:
    """Names in a file, its own included, that use a private word."""
    source = path.read_text(encoding="utf-8")
    found = (
        [f"{path.name}: the file's name"]
        if words_of(path.stem) & (PRIVATE_WORDS | VAGUE_NAMES)
        else []
    )
    for line, name in defined_names(source):
        vague = name[:1].isupper() and name.lower() in VAGUE_NAMES
        if vague or words_of(name) & PRIVATE_WORDS:
            found.append(f"{path.name}:{line}: {name}")
    return found


def private_phrases(source: str) -> list[str]:
    """Private words in the comments, docstrings and messages of a source."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            found += [
                f"{token.start[0]}: {match.group()}"
                for match in PRIVATE_PHRASES.finditer(token.string)
            ]
    return found


def named_options(source: str) -> list[str]:
    """Options of a command line in the strings of a source, docstrings included."""
    return [
        f"{node.lineno}: {option}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for option in OPTION.findall(node.value)
    ]


def parsed_errors(source: str) -> list[int]:
    """Lines that look into an exception's text: ``str(error).split(…)``, ``… in str(error)``."""
    lines = set()
    for handler in ast.walk(ast.parse(source)):
        if not (isinstance(handler, ast.ExceptHandler) and handler.name):
            continue
        for node in ast.walk(handler):
            if isinstance(node, ast.Attribute) and node.attr in PARSING:
                looked_into = [node.value]
            elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
                looked_into = node.comparators
            else:
                continue
            if any(_is_text_of(one, handler.name) for one in looked_into):
                lines.add(node.lineno)
    return sorted(lines)


def _is_text_of(node: ast.AST, error: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "str"
        and bool(node.args)
        and getattr(node.args[0], "id", "") == error
    )


def test_no_two_files_have_one_name():
    assert repeated_names(LIBRARY) == {}


def test_a_folder_has_files_enough():
    assert small_folders(LIBRARY) == []


def test_names_are_plain():
    assert [found for path in modules() for found in private_names(path)] == []


def test_sentences_are_plain():
    found = {
        path.relative_to(LIBRARY).as_posix(): phrases
        for path in modules()
        if (phrases := private_phrases(path.read_text(encoding="utf-8")))
    }

    assert found == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_the_documentation_is_plain(page):
    assert PRIVATE_PHRASES.findall(page.read_text(encoding="utf-8")) == []


def test_no_room_below_the_command_line_names_an_option():
    found = {
        path.relative_to(LIBRARY).as_posix(): options
        for path in modules()
        if path.relative_to(LIBRARY).parts[0] != "cli"
        and (options := named_options(path.read_text(encoding="utf-8")))
    }

    assert found == {}


def test_no_error_message_is_parsed():
    found = {
        path.relative_to(LIBRARY).as_posix(): lines
        for path in modules()
        if (lines := parsed_errors(path.read_text(encoding="utf-8")))
    }

    assert found == {}


def test_what_is_looked_for_is_recognised(tmp_path):
    for name in ("a/run.py", "b/run.py", "c/one.py", "c/two.py", "c/three.py", "c/four.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "kept.py").write_text(
        "class How: pass\ndef ask(people): toldThem = 1\nplace = 2\n", encoding="utf-8"
    )

    assert repeated_names(tmp_path) == {"run.py": ["a/run.py", "b/run.py"]}
    assert small_folders(tmp_path) == ["a", "b"]
    assert private_names(tmp_path / "kept.py") == [
        "kept.py: the file's name",
        "kept.py:1: How",
        "kept.py:2: people",
        "kept.py:2: toldThem",
    ]
    assert private_phrases("x = 1  # Nobody knows\ny = 'whoever asks'\n") == [
        "1: Nobody",
        "2: whoever",
    ]
    assert named_options("raise InputError('Give one with --model.')") == ["1: --model"]
    assert named_options("a = 'x--y'\nb = '---'\nc = '-- not'") == []
    assert parsed_errors(
        "try:\n    f()\nexcept E as error:\n    if 'no' in str(error): raise\n"
        "    g(str(error).partition(': ')[2])\n    h(f'{error}')"
    ) == [4, 5]
