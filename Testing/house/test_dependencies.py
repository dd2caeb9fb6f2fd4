"""What the library imports is what pyproject.toml and the module's requirements.txt declare."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from house.floors import PACKAGE, imports

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "SoftCordSeg" / PACKAGE

# Distributions whose packages have other names.
PACKAGES = {
    "Jinja2": {"jinja2", "markupsafe"},
    "PyYAML": {"yaml"},
    "scikit-image": {"skimage"},
    "slicer-core": {"slicer", "vtk", "vtkmodules"},
}

# Slicer brings these, or its PyTorch extension does.
IN_SLICER = {
    "numpy",
    "scipy",
    "highdicom",
    "pydicom",
    "torch",
    "vtk",
    "vtkmodules",
    "slicer",
    "qt",
    "ctk",
    "PyTorchUtils",
    "SampleData",
}


def third_party(files: Iterable[Path]) -> set[str]:
    """Top-level third-party packages that files of the library import."""
    found = {
        name.split(".")[0]
        for path in files
        for _, name in imports(
            path.read_text(encoding="utf-8"), _dotted(path), path.stem == "__init__"
        )
    }
    return found - set(sys.stdlib_module_names) - {PACKAGE}


def packages(requirements: list[str]) -> set[str]:
    """The packages that a list of requirements brings."""
    names = {re.split(r"[<>=!~;\[ ]", requirement)[0] for requirement in requirements}
    return set().union(*(PACKAGES.get(name, {name}) for name in names))


def declared(section: str) -> list[str]:
    """The requirements in one list of pyproject.toml (read plainly: Python 3.9 and 3.10 have no
    tomllib).
    """
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    body = re.search(rf"^{section} = \[(.*?)\]\n", text, re.MULTILINE | re.DOTALL).group(1)
    return re.findall(r'"([^"]+)"', body)


def test_every_imported_package_is_declared():
    known = set().union(
        *(
            packages(declared(extra))
            for extra in ("dependencies", "training", "evaluation", "cluster", "dicom", "scene")
        )
    )

    assert (
        third_party(LIBRARY.rglob("*.py")) - known - {"qt", "ctk", "PyTorchUtils", "SampleData"}
        == set()
    )


def test_every_declared_package_is_imported():
    assert packages(declared("dependencies")) - third_party(LIBRARY.rglob("*.py")) == set()


def used_by_the_module() -> list[Path]:
    """The files of the library that the panel can load inside Slicer, directly or not."""
    files = {_dotted(path): path for path in LIBRARY.rglob("*.py")}
    module = (LIBRARY.parent / "SoftCordSeg.py").read_text(encoding="utf-8")
    waiting = [name for name in files if name.split(".")[1:2] in (["panel"], ["scene"])]
    waiting += [
        one
        for _, taken in imports(module, "SoftCordSeg", is_package=False)
        for one in (taken, taken.rpartition(".")[0])
        if one in files
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        source = files[name].read_text(encoding="utf-8")
        for _, taken in imports(source, name, files[name].stem == "__init__"):
            # Either a module, or a name out of one.
            waiting += [one for one in (taken, taken.rpartition(".")[0]) if one in files]
    return [files[name] for name in sorted(found)]


def _dotted(path: Path) -> str:
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join([PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)])


def test_what_slicer_lacks_is_in_the_requirements_of_the_module():
    lines = (
        (REPOSITORY / "SoftCordSeg" / "Resources" / "requirements.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    requirements = [line for line in lines if line and not line.startswith("#")]

    # matplotlib draws figures for the shell; inside Slicer, Slicer draws.  dcm2niix converts DICOM
    # for the shell; Slicer reads it.
    lacking = third_party(used_by_the_module()) - IN_SLICER - {"matplotlib", "dcm2niix"}
    assert lacking == packages(requirements)
    assert not [line for line in requirements if "==" in line], (
        "exact pins quarrel with other extensions"
    )


def test_what_dicom_needs_in_slicer_is_what_the_extra_names():
    lines = (
        (REPOSITORY / "SoftCordSeg" / "Resources" / "requirements-dicom.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    named = {line for line in lines if line and not line.startswith("#")}

    # dcm2niix converts DICOM for the shell; Slicer reads it.
    extra = {one.split(";")[0].strip() for one in declared("dicom")}
    assert named == {one for one in extra if not one.startswith("dcm2niix")}


def test_the_lock_file_pins_everything_that_is_declared():
    locks = ("requirements-lock.txt", "requirements-torch.txt")
    lines = [
        line
        for name in locks
        for line in (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
    ]
    pinned = {
        line.split("==")[0] for line in lines if re.match(r"[A-Za-z0-9_.-]+==[^ ]+( \\)?$", line)
    }
    sections = (
        "dependencies",
        "training",
        "evaluation",
        "cluster",
        "dicom",
        "docs",
        "scene",
        "test",
    )
    names = {re.split("[>=[]", one)[0] for section in sections for one in declared(section)}

    assert "torch" in names
    assert names - pinned == set()


def test_every_locked_version_has_its_sha256_and_torch_alone_its_own_index():
    text = (REPOSITORY / "requirements-lock.txt").read_text(encoding="utf-8")
    entries = re.findall(
        r"^([A-Za-z0-9_.-]+)==\S+((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$", text, re.M
    )
    assert len(entries) == len(re.findall("==", text)) > 90
    assert [name for name, hashes in entries if not hashes] == []
    assert "torch" not in [name for name, _ in entries]

    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert "--require-hashes" in next(line for line in installs if "requirements-lock" in line)
    assert [line for line in installs if "index-url" in line] == [
        line for line in installs if "requirements-torch.txt" in line
    ]
