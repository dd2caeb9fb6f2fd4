"""A small image, a bundle and an engine that need no network, and the command itself."""

from __future__ import annotations

import contextlib
import csv
import hashlib
from types import SimpleNamespace
from unittest import mock

import numpy as np
from typer.testing import CliRunner

from SoftCordSegLib.cli.app import app
from SoftCordSegLib.network import Stage
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.segmentation.segment import check_image
from SoftCordSegLib.volume import Box, Volume, read_nifti, write_nifti
from SoftCordSegLib.workflows.data_set import data_set_case

_STAGE = Stage("none", (4, 8), ((1, 1, 1), (2, 2, 2)), 2.0, (32, 32, 32), 0.5, "clip")
A_BUNDLE = SimpleNamespace(
    name="a-model 1.2",
    metadata={"name": "a-model", "version": "1.2"},
    sha256={"models/segmenter.safetensors": "ab" * 32},
    plan=None,
    locator=None,
    stages=(_STAGE, _STAGE),
    needs_pytorch=False,
    prepare=lambda engine, stage=None, tile=None: None,
)


def soft_from_brightness(
    image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
):
    """Stands in for the network: the cord is where the image is bright, as :func:`a_neck` makes
    it.
    """
    check_image(image)
    for step in range(5):
        progress.check_cancelled()
        progress.report(step / 5, f"Tile {step}")
    soft = np.clip(image.data / 1000, 0, 1).astype(np.float32)
    found = box or Box(np.zeros(3), np.eye(3), np.full(3, 40.0))
    return SoftMask(image.with_data(soft), found, f"Spinal cord found ({device}).")


def nothing_found(
    image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
):
    return SoftMask(
        image.with_data(np.zeros(image.shape, np.float32)), None, "No spinal cord was found."
    )


@contextlib.contextmanager
def engine(segment, open_bundle=lambda model=None: A_BUNDLE):
    """``segment`` in place of the network, and a model that needs no file."""
    data_set_case._opened.cache_clear()
    with (
        mock.patch("SoftCordSegLib.segmentation.within_memory.segment", segment),
        mock.patch("SoftCordSegLib.network.store.open_bundle", open_bundle),
    ):
        try:
            yield
        finally:
            data_set_case._opened.cache_clear()


class Softcord:
    """Runs the command in this process, with an engine of the test's choice."""

    def __init__(self):
        self.segment, self.bundle = soft_from_brightness, A_BUNDLE

    def engine(self):
        """The engine and the model of the test's choice, in a ``with``."""
        return engine(self.segment, lambda model=None: self.bundle)

    def __call__(self, *arguments):
        with self.engine():
            return CliRunner().invoke(app, [str(argument) for argument in arguments])


def a_neck(radius_mm: float = 4.0, slices: int = 30) -> Volume:
    """A straight soft cylinder of brightness 1000 along z, 1 mm voxels, LAS."""
    i, j = np.meshgrid(np.arange(40), np.arange(40), indexing="ij")
    disc = np.clip(radius_mm + 0.5 - np.hypot(i - 19.5, j - 19.5), 0, 1)
    affine = np.diag([-1.0, 1, 1, 1])
    affine[:3, 3] = 19.5, -19.5, 0
    return Volume(np.repeat((1000 * disc)[:, :, None], slices, axis=2).astype(np.float32), affine)


def values(path):
    """The voxels of a file."""
    return read_nifti(path).data


def digest(path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names_in(folder) -> list[str]:
    """What lies in a folder, hidden files included; nothing where there is no folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def write_points(path, voxels: dict[int, tuple[int, int, int]], like: Volume | None = None):
    """A label image with single voxels, on the neck's grid or another one; its path."""
    like = a_neck() if like is None else like
    labels = np.zeros(like.shape, np.uint8)
    for value, voxel in voxels.items():
        labels[voxel] = value
    write_nifti(like.with_data(labels), path)
    return path


def rows_of(path) -> list[dict[str, str]]:
    """The rows of a table, by column."""
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
