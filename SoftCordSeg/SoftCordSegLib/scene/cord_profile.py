"""The area along the cord as plain arrays, each slice at its place in the world: what the profile
and the corner of the axial view show.

Numbers come from the study's slice table, so that what is seen in the views is what the table
says.  The interval is measured with it: the area within the contours at .75 and at .25 of the
slice, turned upright and refined to 0.1 mm like the slice whose area is summed (see
``morphometry.area``), so that all three areas have the same correction for the cord's angle.  A
mask without a table (of another contrast, say) gets its areas by the quick measurement that
follows the brush.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..bids import participant_of
from ..errors import InputError
from ..morphometry import LiveArea
from ..segmentation import abrupt_ends
from ..volume import Volume
from .edit_nodes import correction_of
from .links import IMAGE, PREDICTION, linked
from .measure_tables import AREA, LEVEL, POSITION, SLICE, table_column
from .volume_nodes import array_of, grid_of

# A mask whose highest level this is ends at the brainstem, as it should.
_BRAINSTEM = ("C1", "top of C1")
# Slices from which an end can be seen; segmentation looks at 24 mm.
_NEAR_END = 60
# Areas before and after correction that differ by less are drawn once, mm².
_SAME_AREA = 0.5


@dataclass(frozen=True)
class Break:
    """A place where the mask ends inside the image, or is interrupted.

    Attributes:
        position_mm: (x, y, z) of the last slice before it, world RAS+.
        again_mm: where it begins again; None where it ends.
        upper: of an end: towards the head.
        sure: False for an upper end that may be that of the cord: no discs say that it is not at
            the brainstem.
    """

    position_mm: tuple[float, float, float]
    again_mm: tuple[float, float, float] | None = None
    upper: bool = False
    sure: bool = True


@dataclass(frozen=True, eq=False)
class AreaProfile:
    """The measured slices of a mask, from the lowest to the highest.

    Attributes:
        slices: (n,) numbers from the lowest slice of the image, from 0.
        positions_mm: (n, 3) the cord's middle in each, world RAS+, mm, transforms included.
        area: (n,) mm².
        area_low, area_high: (n,) mm² within the contours at .75 and at .25; NaN where not measured.
        diameter_ap, diameter_rl: (n,) mm; NaN where not measured.
        levels: (n,) names of vertebral levels, "" where there is none.
        predicted: (n,) mm², the area before correction, in slices where that is another one; NaN
            elsewhere.
        breaks: where the mask ends inside the image or is interrupted.
    """

    slices: np.ndarray
    positions_mm: np.ndarray
    area: np.ndarray
    area_low: np.ndarray
    area_high: np.ndarray
    diameter_ap: np.ndarray
    diameter_rl: np.ndarray
    levels: tuple[str, ...]
    predicted: np.ndarray
    breaks: tuple[Break, ...] = ()

    def __len__(self) -> int:
        return len(self.slices)

    @property
    def pieces(self) -> list[slice]:
        """The rows without a missing slice between them."""
        starts = np.flatnonzero(np.diff(self.slices) > 1) + 1
        edges = [0, *starts.tolist(), len(self)]
        return [slice(a, b) for a, b in zip(edges, edges[1:]) if b > a]

    def row_at(self, origin_mm, normal) -> int | None:
        """The row of the slice that a plane cuts.

        Args:
            origin_mm: (3,) a point of the plane; of several places the one nearest to it counts.
            normal: (3,) the plane's normal, of any length.

        Returns:
            The row whose middle is nearest to the plane; None where the cord does not reach it.
        """
        if not len(self):
            return None
        normal = np.asarray(normal, float) / np.linalg.norm(normal)
        offsets = (self.positions_mm - np.asarray(origin_mm, float)) @ normal
        reach = 0.5 * self._steps(normal) + 1e-3
        near = np.flatnonzero(np.abs(offsets) <= reach)
        if not len(near):
            return None
        away = np.linalg.norm(self.positions_mm[near] - np.asarray(origin_mm, float), axis=1)
        # First the slice in the plane; where the cord bends through it twice, the one in view.
        sideways = np.sqrt(np.maximum(away**2 - offsets[near] ** 2, 0.0))
        in_view = near[sideways <= sideways.min() + 10.0]
        return int(in_view[np.abs(offsets[in_view]).argmin()])

    def row_near(self, heights: np.ndarray, height: float) -> int | None:
        """The row whose height is nearest; ``heights`` (n,) in any unit."""
        return int(np.abs(heights - height).argmin()) if len(self) else None

    def _steps(self, normal: np.ndarray) -> np.ndarray:
        """(n,) distance of each slice to its neighbours along a normal, mm."""
        if len(self) < 2:
            return np.full(len(self), 1.0)
        across = np.abs(np.diff(self.positions_mm, axis=0) @ normal) / np.diff(self.slices)
        return np.maximum(np.append(across, across[-1]), np.append(across[0], across))


@dataclass
class ProfileReader:
    """Reads the profiles of studies; remembers what takes long until its voxels change."""

    _areas: dict = field(default_factory=dict, repr=False)
    _abrupt: dict = field(default_factory=dict, repr=False)

    def profile(self, study) -> AreaProfile | None:
        """The profile of a study: from its slice table where there is one, else measured quickly.

        Args:
            study: ``scene.study.Study``.

        Returns:
            None where there is no mask, or an empty one.
        """
        if study is None or study.soft is None:
            return None
        if study.slice_table is not None and study.slice_table.GetNumberOfRows() > 0:
            return self._complete(study, _from_table(study.slice_table))
        return self.quick_profile(study)

    def profile_of_other(self, study) -> AreaProfile | None:
        """The same for a study that is not the chosen one: its table counts only where it is newer
        than its mask, for tables of other studies are not kept up to date.
        """
        table, soft = study.slice_table, study.soft
        if table is None or soft is None or table.GetMTime() < soft.GetImageData().GetMTime():
            return self.quick_profile(study)
        return self.profile(study)

    def quick_profile(self, study) -> AreaProfile | None:
        """The same without the table: areas alone, always those of the mask as it is now."""
        if study.soft is None:
            return None
        live = self._measured(study.soft, array_of(study.soft), study.soft)
        if live is None:
            return None
        kept = np.isfinite(live.areas)
        missing = np.full(int(kept.sum()), np.nan)
        return self._complete(
            study,
            AreaProfile(
                live.slices[kept],
                live.centres_mm[kept],
                live.areas[kept],
                *[missing] * 4,
                ("",) * int(kept.sum()),
                missing,
            ),
        )

    def _complete(self, study, read: AreaProfile) -> AreaProfile:
        breaks = (*_gaps(read), *self._ends(study, read))
        return replace(read, predicted=self._predicted(study.soft, read), breaks=breaks)

    def _ends(self, study, read: AreaProfile) -> list[Break]:
        """Ends inside the image, without those at the brainstem."""
        top = next((level for level in reversed(read.levels) if level), "")
        return [
            Break(end.position_mm, None, end.upper, bool(top) or not end.upper)
            for end in self._abrupt_ends(study, read)
            if not (end.upper and top in _BRAINSTEM)
        ]

    def _abrupt_ends(self, study, read: AreaProfile) -> tuple:
        soft, image = study.soft, study.image
        try:
            grid = grid_of(soft)
            around = None
            if image.GetImageData() is not None and grid_of(image).same_as(grid):
                around = Volume(array_of(image), grid.affine)
        except InputError:
            return ()
        # It takes longer than a brush stroke may: only where something near an end has changed.
        near = np.concatenate([read.area[:_NEAR_END], read.area[-_NEAR_END:], read.slices[[0, -1]]])
        stamp = (near.tobytes(), grid.affine.tobytes(), image.GetID())
        known = self._abrupt.get(soft.GetID())
        if known is None or known[0] != stamp:
            known = (stamp, abrupt_ends(Volume(array_of(soft), grid.affine), around))
            self._abrupt[soft.GetID()] = known
        return known[1]

    def _predicted(self, soft, read: AreaProfile) -> np.ndarray:
        predicted = np.full(len(read), np.nan)
        state = correction_of(soft)
        if state is None or not state.edits.any():
            return predicted
        live = self._measured(soft, state.p0, linked(soft, PREDICTION))
        if live is not None:
            at = np.searchsorted(live.slices, read.slices)
            known = at < len(live.slices)
            known[known] &= live.slices[at[known]] == read.slices[known]
            predicted[known] = live.areas[at[known]]
            predicted[np.abs(predicted - read.area) < _SAME_AREA] = np.nan
        return predicted

    def _measured(self, soft, values: np.ndarray, node) -> LiveArea | None:
        """Areas of voxels on the soft mask's grid, of which ``node`` tells when they change."""
        try:
            grid = grid_of(soft)
        except InputError:
            return None  # a transform that bends
        stamp = (node.GetImageData().GetMTime(), grid.affine.tobytes())
        known = self._areas.get(node.GetID())
        if known is None or known[0] != stamp:
            try:
                known = (stamp, LiveArea(Volume(values, grid.affine)))
            except InputError:
                known = (stamp, None)  # empty, or cord in one slice only
            self._areas[node.GetID()] = known
            self._forget_removed(node.GetScene())
        return known[1]

    def _forget_removed(self, scene) -> None:
        """What is remembered of masks holds their voxels: those of removed nodes go."""
        for kept in (self._areas, self._abrupt):
            for identity in [one for one in kept if scene.GetNodeByID(one) is None]:
                del kept[identity]


def same_participant(image, other) -> bool:
    """Whether two volumes are of one participant: by their names ("sub-01_T2w"), or in one folder
    of a patient in the subject hierarchy.
    """
    names = [participant_of(node.GetName()) for node in (image, other)]
    if all(names):
        return names[0] == names[1]
    patients = [_patient_of(node) for node in (image, other)]
    return patients[0] is not None and patients[0] == patients[1]


def studies_of_participant(study) -> list:
    """The other studies in the scene that have a mask and are of the same participant, in the
    scene's order.
    """
    from .study import study_of

    scene = study.image.GetScene()
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
    images: list = []
    for node in nodes:
        image = linked(node, IMAGE)
        if image is not None and image is not study.image and image not in images:
            images.append(image)
    images = [image for image in images if same_participant(study.image, image)]
    return [other for other in map(study_of, images) if other.soft is not None]


def _patient_of(node) -> int | None:
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    if item == hierarchy.GetInvalidItemID():
        return None
    patient = hierarchy.GetItemAncestorAtLevel(item, "Patient")
    return None if patient == hierarchy.GetInvalidItemID() else patient


def _from_table(table) -> AreaProfile:
    slices = table_column(table, SLICE)
    order = np.argsort(slices, kind="stable")
    positions = np.column_stack([table_column(table, axis) for axis in POSITION])
    levels = table_column(table, LEVEL)
    numbers = [
        table_column(table, name)[order]
        for name in (AREA, "area_low", "area_high", "diameter_AP", "diameter_RL")
    ]
    return AreaProfile(
        slices[order].astype(int),
        positions[order],
        *numbers,
        tuple(str(levels[n]) for n in order),
        np.full(len(slices), np.nan),
    )


def _gaps(profile: AreaProfile) -> tuple[Break, ...]:
    positions = profile.positions_mm
    return tuple(
        Break(tuple(positions[piece.stop - 1].tolist()), tuple(positions[piece.stop].tolist()))
        for piece in profile.pieces[:-1]
    )
