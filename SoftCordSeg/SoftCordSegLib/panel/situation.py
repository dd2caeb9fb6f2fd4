"""The state that the panel shows: the chosen image, its nodes in the scene, and why it cannot be
segmented.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field

from slicer.i18n import tr as _


@dataclass
class Situation:
    """Read again from the scene at every change.

    Attributes:
        image: the chosen volume node, or None.
        reason: why it cannot be segmented; empty where it can.
        study: ``scene.study.Study`` of the image; None without image or packages.
        missing: names of packages that are not installed.
        busy: True while the network works.
    """

    image: object = None
    reason: str = ""
    study: object = None
    missing: list[str] = field(default_factory=list)
    busy: bool = False

    @property
    def view(self):
        """The segment at the threshold, ``scene.threshold_view.ThresholdView``; None where
        there is no mask.
        """
        return self.study.view if self.study is not None and self.study.soft is not None else None

    @property
    def why_no_mask(self) -> str:
        """Why controls of the mask cannot be used; empty where they can."""
        if self.busy:
            return _("Wait for the segmentation, or cancel it.")
        return "" if self.view is not None else _("Segment the volume first.")


def situation_of(image, busy: bool, missing: list[str]) -> Situation:
    """The state for an image.

    Args:
        image: the chosen node; one that is not in the scene any more counts as None.
        busy: the network works.
        missing: see :class:`Situation`.
    """
    if image is not None and image.GetScene() is None:
        image = None
    study = None
    if image is not None and importlib.util.find_spec("nibabel") is not None:
        from ..scene.study import study_of

        study = study_of(image)
    return Situation(image, reason_not_to_segment(image), study, missing, busy)


def reason_not_to_segment(image) -> str:
    """Why this node cannot be segmented; empty if it can."""
    if image is None:
        return _("Choose an MR volume first.")
    if image.GetImageData() is None:
        return _("This volume has no voxels. Choose another one.")
    if image.GetImageData().GetNumberOfScalarComponents() != 1:
        return _("This volume is in colour. Choose an MR volume.")
    if is_soft_mask(image):
        return _("This volume is a soft mask already. Choose the MR volume.")
    return ""


def is_soft_mask(node) -> bool:
    """True for a mask made by the panel, also where its image was deleted."""
    from ..scene.links import IMAGE, linked
    from .saving import run_of

    return linked(node, IMAGE) is not None or run_of(node) is not None


def volumes_to_segment(scene) -> list:
    """The scalar volumes of a scene that are images, not masks, and are shown in selectors."""
    nodes = (
        scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
        for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"))
    )
    return [
        node
        for node in nodes
        if node.GetClassName() == "vtkMRMLScalarVolumeNode"
        and not node.GetHideFromEditors()
        and not reason_not_to_segment(node)
    ]


def studies_of(scene) -> list:
    """The studies of all images of a scene that have a mask."""
    from ..scene.study import study_of

    studies = (study_of(image) for image in volumes_to_segment(scene))
    return [study for study in studies if study.soft is not None]


def frame_of_sequence(node) -> tuple[str, int, int] | None:
    """(name of the sequence, number of the shown frame from 1, how many) where a volume is the
    shown frame of a sequence.
    """
    from ..scene.sequence_frames import browser_of

    browser = browser_of(node)
    if browser is None:
        return None
    sequence = browser.GetSequenceNode(node)
    frame = browser.GetSelectedItemNumber() + 1
    return sequence.GetName(), frame, sequence.GetNumberOfDataNodes()
