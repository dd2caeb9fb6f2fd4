"""The entry for the Extensions Index says what CMakeLists.txt says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

# What version 1.0.2 of the index's schema asks for and allows; any other key is refused there.
REQUIRED = {"$schema", "category", "scm_url"}
ALLOWED = {
    "scm_revision",
    "scm_type",
    "build_dependencies",
    "build_subdirectory",
    "enabled",
    "tier",
    "dicom_support_rule",
}


@pytest.fixture(scope="module")
def cmake() -> str:
    return (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def entry(cmake) -> dict:
    """The entry of the project's name: the index takes the file's name for the extension's."""
    name = re.search(r"^project\((\w+)\)", cmake, re.MULTILINE).group(1)
    return json.loads((REPOSITORY / f"{name}.json").read_text(encoding="utf-8"))


def setting(cmake: str, name: str) -> str:
    return re.search(rf'^set\({name} "([^"]*)"\)', cmake, re.MULTILINE).group(1)


def test_the_entry_keeps_to_the_schema(entry):
    assert set(entry) >= REQUIRED
    assert set(entry) <= REQUIRED | ALLOWED
    assert entry["$schema"].endswith("/slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert entry["category"] == "Segmentation"
    assert entry["tier"] in range(1, 6)


def test_the_entry_names_the_repository_of_the_homepage(entry, cmake):
    assert entry["scm_url"] == setting(cmake, "EXTENSION_HOMEPAGE") + ".git"


def test_the_entry_needs_the_extensions_that_the_build_needs(entry, cmake):
    assert entry["build_dependencies"] == setting(cmake, "EXTENSION_DEPENDS").split()


def test_the_entry_is_built_from_the_branch_that_the_pictures_are_taken_from(entry, cmake):
    assert f"/{entry['scm_revision']}/" in setting(cmake, "EXTENSION_ICONURL")


def test_icon_and_pictures_are_in_the_repository(entry, cmake):
    addresses = [
        setting(cmake, "EXTENSION_ICONURL"),
        *setting(cmake, "EXTENSION_SCREENSHOTURLS").split(),
    ]

    for address in addresses:
        assert (REPOSITORY / address.partition(f"/{entry['scm_revision']}/")[2]).is_file(), address


def test_the_entry_is_built_where_the_project_is(entry):
    assert (REPOSITORY / entry["build_subdirectory"] / "CMakeLists.txt").is_file()
