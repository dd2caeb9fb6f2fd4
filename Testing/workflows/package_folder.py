"""A small data set of real files for packages: a soft mask of ours, one of another program,
discs.
"""

from __future__ import annotations

import json
import shutil
import zipfile

import nibabel
import numpy as np

from SoftCordSegLib.bids import (
    Kind,
    derivative_folder,
    hashed_writers,
    label_name,
    merged,
    read_sidecar,
    segmentation_sidecar,
    session_of,
    sidecar_path,
    with_correction,
)
from SoftCordSegLib.correction import edits_from, merge
from SoftCordSegLib.files import write_together
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box, Volume, read_nifti, write_nifti

OURS, OTHERS, BARE = (
    "sub-01/anat/sub-01_T2w",
    "sub-02/ses-1/anat/sub-02_ses-1_T1w",
    "sub-03/anat/sub-03_T2w",
)
KEYS = (OURS, OTHERS, BARE)
SHAPE = (18, 20, 12)
AFFINE = np.diag([0.8, 0.8, 2.0, 1.0])


def tube(radius_mm=4.0, shift_mm=0.0):
    """A cord along k as shares of voxels, float32."""
    i, j = np.meshgrid(*(np.arange(n) * 0.8 for n in SHAPE[:2]), indexing="ij")
    distance = np.hypot(i - 7 - shift_mm, j - 8)
    plane = np.clip(radius_mm - distance + 0.5, 0, 1)
    return np.repeat(plane[..., None], SHAPE[2], axis=2).astype(np.float32)


def make_data(root):
    """Three images: with a mask of ours, with one of another program, without one."""
    rng = np.random.default_rng(3)
    for key in KEYS:
        image = root / f"{key}.nii.gz"
        write_nifti(Volume(rng.integers(0, 900, SHAPE).astype(np.int16), AFFINE), image)
    write_ours(root, OURS, tube())
    other = path_of(root, OTHERS, Kind.BINARY_MASK, "other")
    write_nifti(Volume((tube() > 0.5).astype(np.uint8), AFFINE), other)
    content = {"GeneratedBy": [{"Name": "spinalcordtoolbox: sct_deepseg -i /lab/data/x.nii.gz"}]}
    sidecar_path(other).write_text(json.dumps(content), encoding="utf-8")
    discs = np.zeros(SHAPE, np.uint8)
    discs[9, 15, 9], discs[9, 15, 3] = 3, 4
    path = path_of(root, OURS, Kind.DISCS)
    write_nifti(Volume(discs, AFFINE), path)
    return root


def path_of(root, key, kind, pipeline="labels"):
    name = key.rpartition("/")[2]
    folder = derivative_folder(root, pipeline, session_of(name), "anat")
    return folder / label_name(name, kind)


def write_ours(root, key, values, binary=True):
    """A soft mask and its cut with their sidecar, as ``softcord segment`` writes them."""
    soft, cut = (path_of(root, key, kind) for kind in (Kind.SOFT_MASK, Kind.BINARY_MASK))
    volume = Volume(values, AFFINE)
    mask = SoftMask(volume, Box.of_grid(volume.grid), "Spinal cord found.", device="cpu")
    content = segmentation_sidecar(mask, None, f"{key}.nii.gz", threshold=0.5)
    masks = {soft: lambda path: write_nifti(volume, path, np.float32)}
    if binary:
        at = volume.with_data((values >= 0.5).astype(np.uint8))
        masks[cut] = lambda path: write_nifti(at, path)
    write_together(hashed_writers(masks, sidecar_path(soft), content))


def paint(values):
    """What a hand does: two slices a voxel wider, three without their left half."""
    segment = values >= 0.5
    segment[:, :, 2:4] |= np.roll(segment, 1, axis=0)[:, :, 2:4]
    segment[:9, :, 7:10] = False
    return segment


def correct_as_the_panel(root, key, author="Bo", hand=None):
    """Save a correction as the panel does: mask, cut, map of edits, sidecar."""
    soft, cut, edit_map = (
        path_of(root, key, kind) for kind in (Kind.SOFT_MASK, Kind.BINARY_MASK, Kind.EDIT_MAP)
    )
    volume = read_nifti(soft)
    p0 = np.ascontiguousarray(volume.data, np.float32)
    edits = edits_from((hand or paint)(p0), p0, np.zeros(p0.shape, np.int8), 0.5)
    after = merge(p0, edits, 0.5, [float(x) for x in volume.spacing])
    content = with_correction(
        read_sidecar(sidecar_path(soft)), author, int((edits > 0).sum()), int((edits < 0).sum())
    )
    masks = {
        soft: lambda path: write_nifti(volume.with_data(after), path, np.float32),
        cut: lambda path: write_nifti(volume.with_data((after >= 0.5).astype(np.uint8)), path),
        edit_map: lambda path: write_nifti(volume.with_data(edits), path),
    }
    content = merged(read_sidecar(sidecar_path(soft)), content)
    write_together(hashed_writers(masks, sidecar_path(soft), content))
    return after, edits


def rewrite(path, change):
    """Change the voxels of a file as another program does, sidecars left alone."""
    image = nibabel.load(path)
    data = change(np.asarray(image.dataobj).copy())
    new = nibabel.Nifti1Image(data.astype(image.get_data_dtype()), image.affine)
    new.header["descrip"] = b"ITK-SNAP of Smith^John"
    nibabel.save(new, path)


def unpacked(package, folder):
    """The folder that a colleague works in."""
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def contents(root):
    """Every file of a data set but those of the review itself."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "review" not in path.relative_to(root).parts
    }


def zipped(folder, path, top=""):
    """The folder packed again by any program, with the folder around it where ``top`` says so."""
    base = shutil.make_archive(str(path.with_suffix("")), "zip", folder) if not top else None
    if base is None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for one in sorted(folder.rglob("*")):
                archive.write(one, f"{top}/{one.relative_to(folder).as_posix()}")
    return path
