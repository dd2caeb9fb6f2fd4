"""A bundle is whole or not there, whenever the program ends."""

from __future__ import annotations

import os

import pytest

from SoftCordSegLib.errors import OutputError
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.training.finetune.bundle_places import (
    BUNDLE,
    PREVIOUS,
    REJECTED,
    clear_aside,
    put,
    write_aside,
)


def aside(out, parent, version):
    return write_aside(
        out,
        parent,
        {**parent.metadata, "version": version},
        parent.network(parent.segmenter).state_dict(),
    )


def versions(out) -> dict[str, str]:
    return {path.name: load_bundle(path).metadata["version"] for path in out.iterdir()}


def test_each_bundle_displaces_the_one_before(parent, tmp_path):
    for version in ("1", "2", "3"):
        put(aside(tmp_path, parent, version), tmp_path, BUNDLE)
    put(aside(tmp_path, parent, "4"), tmp_path, REJECTED)
    put(aside(tmp_path, parent, "5"), tmp_path, REJECTED)
    assert versions(tmp_path) == {BUNDLE: "3", PREVIOUS: "2", REJECTED: "5"}


def test_a_licence_goes_along_and_precision_stays(parent, tmp_path):
    home = write_aside(
        tmp_path / "home", parent, parent.metadata, parent.network(parent.segmenter).state_dict()
    )
    (home.folder / "LICENSE.txt").write_text("free", encoding="utf-8")
    child = aside(tmp_path / "out", home, "2")
    assert (child.folder / "LICENSE.txt").read_text(encoding="utf-8") == "free"
    assert child.sha256 == parent.sha256


@pytest.mark.parametrize("renames", [1, 2, 3])
def test_killed_between_renames_nothing_is_lost(parent, tmp_path, monkeypatch, renames):
    put(aside(tmp_path, parent, "1"), tmp_path, BUNDLE)
    new = aside(tmp_path, parent, "2")
    real, done = os.rename, []

    def rename(source, target):
        done.append(target)
        if len(done) == renames:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        put(new, tmp_path, BUNDLE)
    monkeypatch.undo()
    clear_aside(tmp_path)
    assert versions(tmp_path) == ({BUNDLE: "2", PREVIOUS: "1"} if renames == 3 else {BUNDLE: "1"})


def test_what_cannot_be_renamed_is_said_and_the_old_one_stays(parent, tmp_path, monkeypatch):
    put(aside(tmp_path, parent, "1"), tmp_path, BUNDLE)
    new = aside(tmp_path, parent, "2")
    real = os.rename

    def rename(source, target):
        if source == new.folder:
            raise PermissionError(13, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OutputError, match="could not be replaced .Permission denied."):
        put(new, tmp_path, BUNDLE)
    assert versions(tmp_path) == {BUNDLE: "1"}
