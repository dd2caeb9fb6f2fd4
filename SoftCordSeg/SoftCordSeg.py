"""The Slicer module: what Slicer asks of a scripted module, and nothing else.  The work is done in SoftCordSegLib.

Slicer calls methods in camelCase; everything that is ours is in snake_case.  The packages that Slicer does not bring are
imported only when something is segmented, after asking.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from SoftCordSegLib.errors import Cancelled, ModelError, SoftCordSegError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.resources import resources_folder


class SoftCordSeg(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = "SoftCordSeg"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["SoftCordSeg contributors"]
        self.parent.helpText = _(
            "Outlines the spinal cord in an MR volume of any contrast as a soft mask: a value from 0 to 1 in every voxel, so "
            "that voxels cut by the cord's surface keep their share.  Choose a volume and press Segment; the slider then sets "
            "from which soft value on a voxel belongs to the segment.  Results are for research, not for diagnosis."
        )
        self.parent.acknowledgementText = _(
            "The method is that of Bédard, Enamundram et al., Towards contrast-agnostic soft segmentation of the spinal cord, "
            "Medical Image Analysis 101, 103473 (2025).  Please cite it."
        )


class SoftCordSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel.  It keeps no state of its own: what belongs to an image is read from the scene's links."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._view = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = SoftCordSegLogic()
        panel = slicer.util.loadUI(self.resourcePath("UI/SoftCordSeg.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.ui.cordImageSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.on_image_changed)
        self.ui.cordSegmentButton.connect("clicked(bool)", self.on_segment)
        self.ui.cordThresholdSlider.connect("valueChanged(double)", self.on_threshold_changed)
        # A scene that is loaded brings its masks after its images, and the selector tells of the images only.
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.on_scene_changed)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.on_scene_changed)
        self.refresh()

    def enter(self):
        self.refresh()

    def cleanup(self):
        self.removeObservers()

    def on_image_changed(self, _node=None):
        self.ui.cordMessageLabel.text = ""
        self.refresh()

    def on_scene_changed(self, _caller=None, _event=None):
        self.refresh()

    def refresh(self):
        """Show what belongs to the chosen image, and why a control cannot be used."""
        image_node = self.ui.cordImageSelector.currentNode()
        reason = self.logic.reason_not_to_segment(image_node)
        self.ui.cordSegmentButton.enabled = not reason
        self.ui.cordSegmentButton.toolTip = reason or _("Outline the spinal cord in this volume.")
        self._view = self.logic.view_of(image_node)
        self.ui.cordThresholdSlider.enabled = self._view is not None
        if self._view is None:
            self.ui.cordThresholdSlider.toolTip = _("Segment the volume first.")
        else:
            self.ui.cordThresholdSlider.toolTip = _("Voxels with at least this soft value belong to the segment.")
            self.ui.cordThresholdSlider.value = self._view.threshold

    def on_segment(self, _checked=False):
        image_node = self.ui.cordImageSelector.currentNode()
        with slicer.util.tryWithErrorDisplay(_("The spinal cord could not be segmented.")):
            install_missing_packages(resources_folder() / "requirements.txt")
            self.ui.cordMessageLabel.text = self._segment_with_dialog(image_node)
            self.refresh()

    def on_threshold_changed(self, value):
        if self._view is None or self._view.node.GetScene() is None:
            self.refresh()
            return
        # The slider rounds, and tells of the values that we give it too.
        if abs(self._view.threshold - value) < 0.5 * self.ui.cordThresholdSlider.singleStep:
            return
        with slicer.util.tryWithErrorDisplay(_("The threshold could not be changed.")):
            self._view.update(value)

    def _segment_with_dialog(self, image_node) -> str:
        """Segment behind a modal dialog with a Cancel button; the sentence on the outcome."""
        dialog = slicer.util.createProgressDialog(windowTitle="SoftCordSeg", labelText=_("Loading"), autoClose=False)

        def report(fraction, message):
            dialog.labelText = message
            dialog.value = round(100 * fraction)
            slicer.app.processEvents()

        try:
            return self.logic.segment(image_node, Progress(report, lambda: dialog.wasCanceled)).message
        except Cancelled:
            return _("Stopped. Nothing was changed.")
        finally:
            dialog.close()


class Outcome(NamedTuple):
    """What a run left in the scene; both nodes are None where no cord was found.

    Attributes:
        soft_node: scalar volume node, float32 in [0, 1], on the image's grid.
        view: keeps the segment "Spinal cord" equal to soft mask >= threshold (``view.update(threshold)``).
        message: one sentence.
    """

    soft_node: object
    view: object
    message: str


class SoftCordSegLogic(ScriptedLoadableModuleLogic):
    """Ties the library's segmentation to the scene; usable from scripts without the panel.

    Args:
        engine: (Volume, Progress) -> SoftMask; the first shipped model where None.
    """

    def __init__(self, engine=None):
        ScriptedLoadableModuleLogic.__init__(self)
        self._engine = engine or segment_with_shipped_model

    def reason_not_to_segment(self, image_node) -> str:
        """Why this node cannot be segmented; empty if it can."""
        if image_node is None:
            return _("Choose an MR volume first.")
        if image_node.GetImageData() is None:
            return _("This volume has no voxels. Choose another one.")
        if self._is_soft_mask(image_node):
            return _("This volume is a soft mask already. Choose the MR volume.")
        return ""

    def segment(self, image_node, progress: Progress | None = None) -> Outcome:
        """Outline the cord in a volume node; each run makes nodes of its own, so that no earlier result is lost.

        Raises:
            SoftCordSegError: the volume cannot be used, or was deleted meanwhile.
            Cancelled: through ``progress``; nothing was added to the scene.
        """
        reason = self.reason_not_to_segment(image_node)
        if reason:
            raise SoftCordSegError(reason)
        from SoftCordSegLib.scene.hierarchy import place_result
        from SoftCordSegLib.scene.soft_mask import add_soft_mask, show_in_slice_views
        from SoftCordSegLib.scene.threshold_view import add_threshold_view
        from SoftCordSegLib.scene.volumes import volume_of

        scene = image_node.GetScene()
        mask = self._engine(volume_of(image_node), progress or Progress())
        # Events are handled during a run, so the scene may have been closed under it.
        if image_node.GetScene() is None:
            raise SoftCordSegError(_("The volume was deleted while it was being segmented. Nothing was added."))
        if not mask.found:
            return Outcome(None, None, mask.message)
        soft_node = add_soft_mask(scene, image_node, mask.volume)
        view = add_threshold_view(scene, soft_node)
        place_result(soft_node, image_node)
        place_result(view.node, image_node)
        show_in_slice_views(scene, image_node, soft_node)
        return Outcome(soft_node, view, mask.message)

    def view_of(self, image_node):
        """The threshold view of the newest soft mask of an image; None if there is none."""
        if image_node is None or image_node.GetScene() is None:
            return None
        if importlib.util.find_spec("nibabel") is None:
            return None  # the library's packages come with the first run
        from SoftCordSegLib.scene.soft_mask import soft_masks_of
        from SoftCordSegLib.scene.threshold_view import threshold_views_of

        views = [view for soft_node in soft_masks_of(image_node) for view in threshold_views_of(soft_node)]
        return views[-1] if views else None

    def _is_soft_mask(self, node) -> bool:
        from SoftCordSegLib.scene.links import IMAGE, linked

        return linked(node, IMAGE) is not None


def segment_with_shipped_model(volume, progress: Progress):
    """The engine of the panel: the recommended model that comes with the module.

    Raises:
        ModelError: no model, or a damaged one.
    """
    from SoftCordSegLib.network import load_bundle, shipped_bundles
    from SoftCordSegLib.segmentation import segment

    bundles = shipped_bundles()
    if not bundles:
        raise ModelError(_("No model comes with this installation. Install the extension again."))
    return segment(volume, load_bundle(bundles[0]), progress=progress)


def install_missing_packages(requirements: Path) -> None:
    """Install what the library needs and Slicer lacks, after asking.  On the main thread only.

    Args:
        requirements: the file that names the packages; torch is left to the PyTorch extension.

    Raises:
        SoftCordSegError: the PyTorch extension is missing, or the user declined.
        RuntimeError: the user declined (Slicer 5.11 and later), or pip failed.
    """
    if importlib.util.find_spec("torch") is None:
        _install_torch()
    try:
        from slicer.packaging import load_requirements, pip_ensure
    except ImportError:  # Slicer before 5.11
        _install_with_pip(requirements)
    else:
        pip_ensure(load_requirements(requirements), requester="SoftCordSeg")


def _install_torch() -> None:
    try:
        import PyTorchUtils
    except ImportError as error:
        raise SoftCordSegError(
            _("The PyTorch extension is missing. Install 'PyTorch' in the Extensions Manager, restart Slicer, and try again.")
        ) from error
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True) is None:
        raise SoftCordSegError(_("PyTorch was not installed, and nothing can be segmented without it."))


def _install_with_pip(requirements: Path) -> None:
    lines = [line.strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    missing = [line for line in lines if line and not line.startswith("#") and not _is_installed(line)]
    if not missing:
        return
    if not slicer.util.confirmOkCancelDisplay(
        _("SoftCordSeg needs these packages: {names}. Install them now?").format(names=", ".join(missing))
    ):
        raise SoftCordSegError(_("The packages were not installed, and nothing can be segmented without them."))
    slicer.util.pip_install(missing)


def _is_installed(requirement: str) -> bool:
    try:
        importlib.metadata.version(re.split(r"[<>=!~;\[ ]", requirement)[0])
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


class SoftCordSegTest(ScriptedLoadableModuleTest):
    """The self-test behind "Reload and Test": the whole way on a digital phantom whose cord is known."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_the_cord_of_a_phantom_is_found()

    def test_the_cord_of_a_phantom_is_found(self):
        from SoftCordSegLib.phantom import make_phantom
        from SoftCordSegLib.scene.volumes import add_volume, array_of, values_on, volume_of

        self.delayDisplay("Making the phantom")
        phantom = make_phantom("T2w")
        image_node = add_volume(slicer.mrmlScene, phantom.image, "Phantom")

        self.delayDisplay("Segmenting it")
        outcome = SoftCordSegLogic().segment(image_node)

        self.assertIsNotNone(outcome.soft_node, outcome.message)
        soft = array_of(outcome.soft_node)
        truth = values_on(phantom.truth, volume_of(image_node).grid)
        overlap = 2 * ((soft >= 0.5) & (truth >= 0.5)).sum() / ((soft >= 0.5).sum() + (truth >= 0.5).sum())
        self.assertGreater(overlap, 0.8)
        voxels = [self._voxels_at(outcome.view, threshold) for threshold in (0.2, 0.5, 0.8)]
        self.assertEqual(voxels, [int((soft >= threshold).sum()) for threshold in (0.2, 0.5, 0.8)])
        self.delayDisplay("The cord was found")

    def _voxels_at(self, view, threshold: float) -> int:
        from SoftCordSegLib.scene.threshold_view import SEGMENT_ID

        view.update(threshold)
        return int((slicer.util.arrayFromSegmentInternalBinaryLabelmap(view.node, SEGMENT_ID) > 0).sum())
