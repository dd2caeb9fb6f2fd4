"""Write the file lists of the module's CMakeLists.txt from the tree: Slicer packages only what is
listed there.
"""

from __future__ import annotations

import re
from pathlib import Path

MODULE = Path(__file__).resolve().parent.parent / "SoftCordSeg"


def scripts(module: Path) -> list[str]:
    """The Python files of the module and its library, relative to the module's folder."""
    return sorted(
        [
            "SoftCordSeg.py",
            *(
                path.relative_to(module).as_posix()
                for path in (module / "SoftCordSegLib").rglob("*.py")
            ),
        ]
    )


def resources(module: Path) -> list[str]:
    """Every file under ``Resources``, relative to the module's folder; hidden files are nobody's
    resource.
    """
    files = (
        path.relative_to(module) for path in (module / "Resources").rglob("*") if path.is_file()
    )
    return sorted(
        path.as_posix()
        for path in files
        if not any(part.startswith((".", "__pycache__")) for part in path.parts)
    )


def listed(text: str, variable: str) -> list[str]:
    """What ``set(variable …)`` lists in the CMake ``text``."""
    return _pattern(variable).search(text).group(2).split()


def rewritten(text: str, module: Path) -> str:
    """The CMake ``text`` with both lists as the tree has them."""
    for variable, files in (
        ("MODULE_PYTHON_SCRIPTS", scripts(module)),
        ("MODULE_PYTHON_RESOURCES", resources(module)),
    ):
        lines = "".join(f"  {name}\n" for name in files)
        text = _pattern(variable).sub(
            lambda match, lines=lines: f"{match.group(1)}\n{lines}{match.group(3)}", text
        )
    return text


def _pattern(variable: str) -> re.Pattern:
    return re.compile(rf"(^set\({variable})\n(.*?)(^  \))", re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    path = MODULE / "CMakeLists.txt"
    path.write_text(rewritten(path.read_text(encoding="utf-8"), MODULE), encoding="utf-8")
