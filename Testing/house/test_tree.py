"""What every file of the repository must keep to."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

# The repository itself must stay below 100 MB for the Extensions Index; one file is never above
# this.
MAX_FILE_MIB = 16
MAX_MODULE_LINES = 600
MAX_FUNCTION_LINES = 70

# Absolute paths of the machine that somebody worked on; put together here so that this file does
# not hold one.
MACHINE_PATH = re.compile(
    r"(?<![\w.~:/-])(?:/(?:"
    + "|".join(["work", "root", "home", "Users", "mnt", "scratch"])
    + r")/\w|[A-Z]:\\+Users\\)"
)


def files() -> list[Path]:
    """What git has, and what it would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    if answer.returncode:
        pytest.skip("this is not a git checkout")
    return [
        path
        for path in (REPOSITORY / name for name in answer.stdout.splitlines())
        if path.is_file()
    ]


def machine_paths(text: str) -> list[str]:
    return [match.group() for match in MACHINE_PATH.finditer(text)]


def long_functions(source: str) -> list[str]:
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    return [
        f"{node.name} ({node.end_lineno - node.lineno} lines)"
        for node in functions
        if node.end_lineno - node.lineno > MAX_FUNCTION_LINES
    ]


def minimum_python(*paths: Path) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        "-c",
        "import vermin; vermin.main()",
        "--target=3.9-",
        "--violations",
        "--no-tips",
        "--no-parse-comments",
    ]
    return subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, check=False, encoding="utf-8"
    )


def test_only_the_module_itself_lies_directly_in_its_folder():
    assert [path.name for path in (REPOSITORY / "SoftCordSeg").glob("*.py")] == [
        "SoftCordSeg.py"
    ], "Slicer takes every .py there for a module"


def test_no_file_holds_a_path_of_a_machine():
    found = {}
    for path in files():
        try:
            paths = machine_paths(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
        if paths:
            found[str(path.relative_to(REPOSITORY))] = paths

    assert found == {}


def test_a_machine_path_is_recognised():
    inside = "/".join(["", "home", "anna", "data"])
    windows = "\\".join(["C:", "Users", "anna"])
    relative = "/".join(["..", "work", "file"])

    assert machine_paths(f"read('{inside}')")
    assert machine_paths(f"read('{windows}')")
    assert not machine_paths(f"https://example.org/home/page and {relative} and a/root/b")


def test_no_file_is_too_large():
    large = [
        str(path.relative_to(REPOSITORY))
        for path in files()
        if path.stat().st_size > MAX_FILE_MIB << 20
    ]

    assert large == []


def test_modules_and_functions_stay_small():
    found = []
    for path in files():
        if path.suffix == ".py":
            source = path.read_text(encoding="utf-8")
            lines = source.count("\n")
            complaints = [f"{lines} lines"] if lines > MAX_MODULE_LINES else []
            found += [
                f"{path.relative_to(REPOSITORY)}: {complaint}"
                for complaint in complaints + long_functions(source)
            ]

    assert found == []


def test_a_long_function_is_recognised():
    body = "    x = 1\n" * (MAX_FUNCTION_LINES + 1)

    assert long_functions("def f():\n" + body) == [f"f ({MAX_FUNCTION_LINES + 1} lines)"]


def test_the_tests_have_the_rooms_of_the_library():
    library = REPOSITORY / "SoftCordSeg" / "SoftCordSegLib"
    rooms = {path.parent.name for path in library.glob("*/__init__.py")}
    tested = {path.parent.name for path in (REPOSITORY / "Testing").glob("*/test_*.py")}

    assert rooms - tested == set()
    assert tested - rooms == {"floor0", "house", "module", "recipes"}


def test_the_library_runs_on_the_oldest_python():
    answer = minimum_python(REPOSITORY / "SoftCordSeg")

    assert answer.returncode == 0, (
        f"Slicer 5.8 brings Python 3.9, and this needs a newer one:\n{answer.stdout}"
    )


@pytest.mark.parametrize("source", ["zip([1], [2], strict=True)", "match 1:\n    case _: pass"])
def test_newer_python_is_recognised(tmp_path, source):
    (tmp_path / "newer.py").write_text(source, encoding="utf-8")

    assert minimum_python(tmp_path / "newer.py").returncode == 1
