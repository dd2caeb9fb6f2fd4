"""How packages that Slicer lacks are installed, in newer and older Slicers."""

from __future__ import annotations

import sys
import types

import pytest

from SoftCordSegLib.errors import SoftCordSegError


@pytest.fixture
def platforms(module):
    """The file with what differs between versions; imported once a Slicer is there."""
    from SoftCordSegLib.panel import platforms

    return platforms


@pytest.fixture
def requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# a comment\nnumpy>=1\nno-such-package-for-softcord>=2\n", encoding="utf-8")
    return path


def test_what_is_missing_is_found_without_importing(platforms, requirements):
    assert platforms.missing_packages(requirements) == ["no-such-package-for-softcord"]


@pytest.mark.parametrize("declined", [False, True])
def test_newer_slicers_install_packages_themselves(platforms, requirements, monkeypatch, declined):
    asked = []

    def pip_ensure(names, requester):
        asked.append((names, requester))
        if declined:
            raise RuntimeError("User declined package installation.")

    packaging = types.ModuleType("slicer.packaging")
    packaging.load_requirements = lambda path: path.read_text(encoding="utf-8").split()[-2:]
    packaging.pip_ensure = pip_ensure
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)

    if declined:
        with pytest.raises(SoftCordSegError, match="declined"):
            platforms.install_missing_packages(requirements)
    else:
        platforms.install_missing_packages(requirements)
    assert asked == [(["numpy>=1", "no-such-package-for-softcord>=2"], "SoftCordSeg")]


@pytest.mark.parametrize("agreed", [True, False])
def test_older_slicers_install_only_what_is_missing_and_only_after_asking(
    platforms, requirements, monkeypatch, slicer_host, agreed
):
    import slicer.util

    installed = []
    slicer_host.answers = [agreed]
    monkeypatch.setattr(slicer.util, "pip_install", installed.append)

    if agreed:
        platforms.install_missing_packages(requirements)
        assert installed == [["no-such-package-for-softcord>=2"]]
    else:
        with pytest.raises(SoftCordSegError, match="not installed"):
            platforms.install_missing_packages(requirements)
        assert installed == []
    assert "no-such-package-for-softcord" in slicer_host.asked[0]


def test_nothing_is_asked_where_nothing_is_missing(platforms, tmp_path, slicer_host):
    path = tmp_path / "requirements.txt"
    path.write_text("numpy>=1\n", encoding="utf-8")
    platforms.install_missing_packages(path)

    assert slicer_host.asked == []
