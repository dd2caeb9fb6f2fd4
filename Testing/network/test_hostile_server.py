"""Behaviours of download servers; 'make stress' tries all of them, and several times."""

from __future__ import annotations

import pytest

from SoftCordSegLib.network import download
from stress.hostile_models import bundle, zipped
from stress.hostile_server import BEHAVIOURS, attempt, serving

SOME = (
    *("a page to sign in", "half, of another version", "a superscript length", "206 unasked"),
    *("redirects to no address", "redirects to a file here", "a chunk that is no number"),
    *("one byte at a time", "compressed", "an empty file", "a length of terabytes"),
)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return zipped(bundle(folder / "in"), folder / "file.zip").read_bytes()


@pytest.mark.parametrize("name", SOME)
def test_after_any_behaviour_the_release_can_be_installed(tmp_path, monkeypatch, content, name):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "_TIMEOUT_S", 0.3)
    with serving(content) as site:
        first, last = attempt(site, name, tmp_path)
    assert first != "installed"
    assert last == "installed"


def test_there_are_more_than_forty():
    assert len(BEHAVIOURS) > 40
