"""Phantoms that several tests look at: each contrast is painted once in a run."""

from __future__ import annotations

import functools

from SoftCordSegLib.phantom import Phantom, make_phantom


@functools.cache
def known_phantom(contrast: str) -> Phantom:
    """The phantom of a contrast; its arrays are read-only, for it is shared."""
    phantom = make_phantom(contrast)
    for volume in (phantom.image, phantom.truth):
        volume.data.flags.writeable = False
    return phantom
