"""Phantoms that several tests look at: each contrast is painted once in a run."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import pytest

from SoftCordSegLib.phantom import Phantom, make_phantom


@contextlib.contextmanager
def phantoms_are_known() -> Iterator[None]:
    """Whoever asks the library for a phantom, without wishes of his own, gets a known one."""

    def known(contrast: str, *, progress: object = None) -> Phantom:
        return known_phantom(contrast)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("SoftCordSegLib.phantom.make_phantom", known)
        yield


@functools.cache
def known_phantom(contrast: str) -> Phantom:
    """The phantom of a contrast; its arrays are read-only, for it is shared."""
    phantom = make_phantom(contrast)
    for volume in (phantom.image, phantom.truth):
        volume.data.flags.writeable = False
    return phantom
