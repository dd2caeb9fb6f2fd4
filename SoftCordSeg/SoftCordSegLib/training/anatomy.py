"""Anatomies to make images from: the PAM50 template, and real cord shapes of the spine-generic
subjects.

Everything lies in a straightened frame: axis 0 to the Left, axis 1 to the Anterior, axis 2 to the
Superior (nibabel LAS, SCT-RPI), with the cord's centre at (0, 0) in every axial plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..volume import Grid, Volume, read_nifti, reorient, resample

# Rows of the near-field map.
BONE, DISC, T2W = 0, 1, 2
# Rows of the cord map.
CORD, GREY, EDGE, CANAL = 0, 1, 2, 3
# Signed distances are kept that far, mm.
_EDGE_REACH_MM = 3.0

_CORD_SPACING = np.array([0.5, 0.5, 1.0])
_NEAR_SPACING = np.array([1.0, 1.0, 1.0])
_HALF_WIDTH_MM = 35.0


@dataclass(frozen=True)
class CordShape:
    """One cord and its canal, straightened.

    Attributes:
        name: where it comes from.
        maps: (4, i, j, k) float32 on ``spacing``: fractions in [0, 1] of cord and grey matter, the
            in-plane distance to the cord's edge (mm, positive inside, at most 3), and the fraction
            of canal (cord included).
        spacing: mm.
        bottom: z of the first slice, mm in the frame of the template (0 at the template's lowest
            slice).
        whole: True where the lower end is the conus; False where the shape is a piece cut out of a
            longer cord.
    """

    name: str
    maps: np.ndarray
    spacing: np.ndarray
    bottom: float
    whole: bool


@dataclass(frozen=True)
class Anatomy:
    """All that synthesis draws from.

    Attributes:
        cords: the shapes; the first is PAM50's.
        near: (3, i, j, k) float32: bone, disc (fractions) and T2w intensity (0 to 1) around the
            canal, 1 mm, template frame.
        height: of the template, mm.
    """

    cords: tuple[CordShape, ...]
    near: np.ndarray
    height: float


def data_files(data: Path) -> list[Path]:
    """The files that :func:`load_anatomy` reads, for the record of a training run."""
    template = [
        data / "template" / f"PAM50_{name}.nii.gz"
        for name in ("cord", "csf", "gm", "spine", "small_t2", "small_cord")
    ]
    template += [
        data / "template" / f"PAM50_{name}.nii.gz" for name in ("label_disc", "small_label_disc")
    ]
    shapes = sorted((data / "labels" / "spine-generic").glob("*_T2w_*seg-manual.nii.gz"))
    return template + shapes


def load_anatomy(data: Path) -> Anatomy:
    """Read PAM50 and the spine-generic masks below ``data``.

    Raises:
        InputError: a file is missing.
    """
    missing = [path for path in data_files(data) if not path.exists()]
    if missing or len(data_files(data)) < 9:
        raise InputError(
            f"The training anatomy is not complete (missing:"
            f" '{missing[0] if missing else 'labels/spine-generic'}').",
            path=data,
            hint="Give a folder with template/PAM50_*.nii.gz and"
            " labels/spine-generic/*_seg-manual.nii.gz.",
        )
    template = {name: _template(data, name) for name in ("cord", "csf", "gm", "spine")}
    pam50 = _pam50_cord(template)
    subjects = []
    for path in sorted((data / "labels" / "spine-generic").glob("*_T2w_seg-manual.nii.gz")):
        csf = path.with_name(path.name.replace("_seg-manual", "_csfseg-manual"))
        subjects.append(_subject_cord(path, csf, pam50))
    near = _near_field(template, data)
    return Anatomy((pam50, *subjects), near, height=template["cord"].shape[2] * 0.5)


def _template(data: Path, name: str) -> Volume:
    return reorient(read_nifti(data / "template" / f"PAM50_{name}.nii.gz"), "LAS")


def _centred_grid(spacing: np.ndarray, height: float) -> tuple[tuple[int, int, int], np.ndarray]:
    """Shape, and the millimetres of the first voxel, of a straightened frame of the given
    height.
    """
    half = int(_HALF_WIDTH_MM / spacing[0])
    return (2 * half + 1, 2 * half + 1, int(height / spacing[2])), np.array(
        [-half * spacing[0], -half * spacing[1], 0.0]
    )


def _pam50_cord(template: dict[str, Volume]) -> CordShape:
    cord = template["cord"].data.astype(np.float32)
    canal = np.maximum(cord, template["csf"].data)
    canal = ndimage.binary_closing(
        canal > 0, ndimage.generate_binary_structure(3, 1), iterations=2
    ).astype(np.float32)
    grey = template["gm"].data.astype(np.float32)
    edge = np.stack(
        [_distance_to_edge(plane > 0.5, 0.5) for plane in np.moveaxis(cord, 2, 0)], axis=-1
    )
    # Averaging over 1 mm turns the 0.5 mm binary maps into the fractions of a 1 mm voxel.
    maps = [
        ndimage.uniform_filter(m, 2, mode="nearest")[:, :, ::2] for m in (cord, grey, edge, canal)
    ]
    centred = [_centre_slices(np.stack(maps))]
    return CordShape("PAM50", centred[0], _CORD_SPACING, bottom=0.0, whole=True)


def _distance_to_edge(plane: np.ndarray, spacing: float) -> np.ndarray:
    """Signed distance to the edge of a boolean plane, mm, positive inside; half a pixel lies
    between a pixel and the edge.
    """
    if not plane.any():
        return np.full(plane.shape, -_EDGE_REACH_MM, np.float32)
    inside, outside = ndimage.distance_transform_edt(plane), ndimage.distance_transform_edt(~plane)
    signed = np.where(plane, inside - 0.5, 0.5 - outside) * spacing
    return np.clip(signed, -_EDGE_REACH_MM, _EDGE_REACH_MM).astype(np.float32)


def _centre_slices(maps: np.ndarray) -> np.ndarray:
    """Shift each axial plane so that the cord (or, below it, the canal) lies in the middle."""
    middle = (np.array(maps.shape[1:3]) - 1) / 2
    result = np.zeros_like(maps)
    shift = np.zeros(2)
    for z in reversed(range(maps.shape[3])):
        plane = maps[CORD, :, :, z]
        if plane.sum() > 20:
            shift = middle - np.array(ndimage.center_of_mass(plane))
        for row in range(len(maps)):
            result[row, :, :, z] = ndimage.shift(maps[row, :, :, z], shift, order=1, mode="nearest")
    return result


def _subject_cord(cord_path: Path, csf_path: Path, pam50: CordShape) -> CordShape:
    """A real cord from its axial masks (5 mm slices): straightened, and interpolated between slices
    by signed distance.
    """
    cord, csf = (reorient(read_nifti(path), "LAS") for path in (cord_path, csf_path))
    slices = np.flatnonzero(cord.data.any(axis=(0, 1)) & csf.data.any(axis=(0, 1)))
    step = cord.spacing[2]
    half = int(_HALF_WIDTH_MM / 0.5)
    planes = {CORD: [], CANAL: []}
    for z in slices:
        centre = ndimage.center_of_mass(cord.data[:, :, z])
        canal = ndimage.binary_closing(
            (cord.data[:, :, z] > 0) | (csf.data[:, :, z] > 0), iterations=2
        )
        for row, plane in ((CORD, cord.data[:, :, z] > 0), (CANAL, canal)):
            signed = ndimage.distance_transform_edt(plane) - ndimage.distance_transform_edt(~plane)
            grid = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
            scale = 0.5 / cord.spacing[0]
            where = [grid[0] * scale + centre[0], grid[1] * scale + centre[1]]
            planes[row].append(
                ndimage.map_coordinates(signed, where, order=1, mode="nearest") / scale
            )
    height = int((len(slices) - 1) * step)
    at = np.arange(height) / step
    maps = np.zeros((4, 2 * half + 1, 2 * half + 1, height), np.float32)
    for row, stack in planes.items():
        below = np.minimum(at.astype(int), len(stack) - 2)
        weight = (at - below).astype(np.float32)
        stack = np.stack(stack, axis=-1)
        signed = stack[..., below] * (1 - weight) + stack[..., below + 1] * weight
        # Half a millimetre is a voxel here: the edge of a 1 mm voxel's fraction runs over two of
        # them.
        maps[row] = np.clip(signed / 2 + 0.5, 0, 1)
        if row == CORD:
            maps[EDGE] = np.clip(signed / 2, -_EDGE_REACH_MM, _EDGE_REACH_MM)
    # The neck of the template, from C2 down, is where these axial stacks were taken.
    bottom = pam50.maps.shape[3] - 25.0 - height
    maps[GREY] = _fit_grey_matter(maps[CORD], pam50, bottom)
    return CordShape(cord_path.name.split("_")[0], maps, _CORD_SPACING, bottom, whole=False)


def _fit_grey_matter(cord: np.ndarray, pam50: CordShape, bottom: float) -> np.ndarray:
    """PAM50's grey matter stretched, plane by plane, into another cord's outline."""
    grey = np.zeros_like(cord)
    middle = (np.array(cord.shape[:2]) - 1) / 2
    template_middle = (np.array(pam50.maps.shape[1:3]) - 1) / 2
    for z in range(cord.shape[2]):
        source = int(np.clip(bottom + z, 0, pam50.maps.shape[3] - 1))
        ratio = _extent(pam50.maps[CORD, :, :, source]) / _extent(cord[:, :, z])
        grey[:, :, z] = ndimage.affine_transform(
            pam50.maps[GREY, :, :, source],
            ratio,
            template_middle - ratio * middle,
            output_shape=cord.shape[:2],
            order=1,
        )
    return np.minimum(grey, cord)


def _extent(plane: np.ndarray) -> np.ndarray:
    """Root-mean-square widths of a plane along its two axes, voxels."""
    weights = plane / max(plane.sum(), 1e-6)
    middle = (np.array(plane.shape) - 1) / 2
    i, j = np.indices(plane.shape)
    return np.sqrt(
        [
            max((weights * (i - middle[0]) ** 2).sum(), 0.1),
            max((weights * (j - middle[1]) ** 2).sum(), 0.1),
        ]
    )


def _near_field(template: dict[str, Volume], data: Path) -> np.ndarray:
    """Bone, discs and T2w intensity around the canal on 1 mm, in the template's frame."""
    canal = ndimage.binary_closing((template["cord"].data + template["csf"].data) > 0, iterations=2)
    bone = (template["spine"].data > 0) & ~ndimage.binary_dilation(canal, iterations=1)
    # A disc is what separates one vertebral body from the next: a gap of at most 12 mm along the
    # column, in front of the canal.
    middle = template["cord"].shape[1] // 2
    column = ndimage.binary_closing(np.pad(bone, ((0, 0), (0, 0), (30, 30))), np.ones((1, 1, 25)))[
        :, :, 30:-30
    ]
    disc = column & ~bone & ~canal
    disc[:, : middle + 8] = False
    shape, _ = _centred_grid(_NEAR_SPACING, template["cord"].shape[2] * 0.5)
    near = np.zeros((3, *shape), np.float32)
    for row, mask in ((BONE, bone), (DISC, disc)):
        fraction = ndimage.uniform_filter(mask.astype(np.float32), 2, mode="nearest")[::2, ::2, ::2]
        near[row] = fraction[: shape[0], : shape[1], : shape[2]]
    near[T2W] = _t2w_in_template_frame(data, shape)
    return near


def _t2w_in_template_frame(data: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """The small template's T2w image, brought to the frame of the large one by their disc labels; 0
    to 1.
    """
    image, small_discs, discs = (
        _template(data, name) for name in ("small_t2", "small_label_disc", "label_disc")
    )
    heights = {}
    for source, scale, row in ((small_discs, 2.0, 0), (discs, 0.5, 1)):
        for voxel in np.argwhere(source.data > 0):
            heights.setdefault(int(source.data[tuple(voxel)]), {})[row] = voxel[2] * scale
    pairs = np.array([(h[1], h[0]) for h in heights.values() if len(h) == 2])
    slope, offset = np.polyfit(pairs[:, 0], pairs[:, 1], 1)
    centre = ndimage.center_of_mass(_template(data, "small_cord").data)
    affine = np.diag([1.0, 1.0, slope / 2.0, 1.0])
    affine[:3, 3] = [centre[0] - shape[0] // 2, centre[1] - shape[1] // 2, offset / 2.0]
    # Both grids are spoken of in voxels of the small template here.
    sampled = resample(Volume(image.data, np.eye(4)), Grid(shape, affine), order=1)
    return np.clip(sampled.data / np.percentile(image.data, 99.8), 0, 1)
