"""The library's own files are found from the source tree and from an installed wheel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

import SoftCordSegLib
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.resources import resources_folder

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from a copy of what git has, as a release would be."""
    pytest.importorskip("setuptools", reason="building a wheel needs setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    ).stdout.splitlines()
    if not names:
        pytest.skip("this is not a git checkout")
    for name in names:
        source = REPOSITORY / name
        if source.is_file() and name.split("/")[0] in (
            "SoftCordSeg",
            "pyproject.toml",
            "setup.py",
            "LICENSE.txt",
            "README.md",
        ):
            target = folder / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(folder),
    ]
    answer = subprocess.run(
        [*command, str(folder / "source")],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert answer.returncode == 0, answer.stderr
    return next(folder.glob("*.whl"))


def test_resources_are_found_in_the_source_tree():
    assert resources_folder() == REPOSITORY / "SoftCordSeg" / "Resources"


def test_a_wheel_holds_the_whole_library_and_its_resources(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    module = REPOSITORY / "SoftCordSeg"
    library = {
        path.relative_to(module).as_posix()
        for path in (module / "SoftCordSegLib").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    resources = {
        f"SoftCordSegLib/{path.relative_to(module).as_posix()}"
        for path in (module / "Resources").rglob("*")
        if path.is_file()
    }

    assert "SoftCordSegLib/py.typed" in library
    assert library <= names
    assert resources
    assert resources <= names
    assert "SoftCordSeg.py" not in names


def test_resources_are_found_in_an_installed_wheel(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from SoftCordSegLib.resources import"
        " resources_folder; print(resources_folder())"
    )

    answer = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )

    assert Path(answer.stdout.strip()) == tmp_path / "SoftCordSegLib" / "Resources"


def test_citation_and_changelog_give_the_version_of_the_software():
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    cited = re.search(r"^version: (.+)$", citation, re.MULTILINE).group(1)
    released = re.search(r"^date-released: (.+)$", citation, re.MULTILINE).group(1)
    newest, date = re.search(r"^## \[?(\d[^] ]*)\]? - (.+)$", changelog, re.MULTILINE).groups()

    assert cited == newest == SoftCordSegLib.__version__
    assert released == date


def test_the_command_gives_the_versions_of_the_software_and_of_the_model():
    metadata = resources_folder() / "Models" / "compact" / "configs" / "metadata.json"
    model = json.loads(metadata.read_text(encoding="utf-8"))

    answer = CliRunner().invoke(app, ["--version"])

    assert answer.exit_code == 0
    assert answer.output.startswith(f"SoftCordSeg {SoftCordSegLib.__version__} ")
    assert f"{model['name']} {model['version']}\n" in answer.output


def test_slicer_packages_every_file_of_the_module():
    module = REPOSITORY / "SoftCordSeg"
    cmake = (module / "CMakeLists.txt").read_text(encoding="utf-8")
    blocks = re.findall(r"GLOB_RECURSE.*?CONFIGURE_DEPENDS(.*?)\)", cmake, re.DOTALL)
    patterns = re.findall(r'"([^"]+)"', " ".join(blocks))
    # GLOB_RECURSE matches the last part of a pattern in every folder below its first ones.
    found = {
        path for pattern in patterns for path in (module / pattern).parent.rglob(Path(pattern).name)
    }
    missing = [
        path.relative_to(module).as_posix()
        for path in module.rglob("*")
        if path.is_file() and path not in found and "__pycache__" not in path.parts
    ]

    assert sorted(name for name in missing if ".egg-info/" not in name) == ["CMakeLists.txt"]
