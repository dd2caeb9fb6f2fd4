"""The Slicer module: only the classes that Slicer requires of a scripted module.  The work is done
in SoftCordSegLib.

Slicer calls methods in camelCase; our own are in snake_case.  Packages that Slicer lacks are
imported only when something is segmented, after asking.

Annotations are not postponed here (no ``from __future__``): those of the parameter node are read
while the module is loaded.
"""

import tempfile
import time
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.panel.measuring import Rows
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.scene.mask_style import Style
from SoftCordSegLib.workflows import segment_images

# The sections of the panel, from top to bottom; each has its own file in Resources/UI.
_SECTIONS = (
    "ReviewSection",
    "RunSection",
    "MaskSection",
    "CorrectSection",
    "LevelsSection",
    "MeasureSection",
    "SaveSection",
    "TeachSection",
)


class SoftCordSeg(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = "SoftCordSeg"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["SoftCordSeg contributors"]
        self.parent.helpText = _(
            "Segments the spinal cord in an MR volume of any contrast as a soft mask: a value from"
            " 0 to 1 in every voxel, so that voxels cut by the cord's surface keep their share. "
            " Choose a volume and press Segment; the slider then sets from which soft value on a"
            " voxel belongs to the segment.  Results are for research, not for diagnosis."
        )
        self.parent.acknowledgementText = _(
            "The method is that of Bédard, Enamundram et al., Towards contrast-agnostic soft"
            " segmentation of the spinal cord, Medical Image Analysis 101, 103473 (2025).  Please"
            " cite it."
        )
        slicer.app.connect("startupCompleted()", _register)


def _register():
    """What Slicer offers before the module is opened: the sample data, and the layouts."""
    from SoftCordSegLib.panel.own_layouts import register_own_layouts
    from SoftCordSegLib.panel.sample_data import register_sample_data

    register_sample_data()
    register_own_layouts()


@parameterNodeWrapper
class SoftCordSegParameterNode:
    """The choices for a study, saved with the scene.

    image - the volume to segment
    onlyInBox - segment only the inside of the box
    boxShown - show the box
    style - how the mask is drawn
    surfaceShown - the surface in the 3D view
    editsShown - the voxels that were added and removed by hand
    paintSoftOnly - painting changes only voxels with some predicted cord
    firstDisc - the name of the first disc that is clicked
    rows, levels - of the table of measures
    followCord - the axial view keeps the cord in its middle
    squareToCord - the axial view is at right angles to the cord
    """

    image: slicer.vtkMRMLScalarVolumeNode
    onlyInBox: bool = False
    boxShown: bool = False
    style: Style = Style.Contours
    surfaceShown: bool = True
    editsShown: bool = False
    paintSoftOnly: bool = False
    firstDisc: str = "C2/C3"
    rows: Rows = Rows.C2C3
    levels: str = ""
    followCord: bool = True
    squareToCord: bool = False


class SoftCordSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel: ties the sections in ``SoftCordSegLib.panel`` to Slicer's life cycle."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self._parameters = None
        self._gui_tag = None
        self._loaded_image = None

    def setup(self):
        from SoftCordSegLib.panel.panel import make_panel

        ScriptedLoadableModuleWidget.setup(self)
        self.logic = SoftCordSegLogic()
        widget = slicer.util.loadUI(self.resourcePath("UI/SoftCordSeg.ui"))
        self.layout.addWidget(widget)
        sections = slicer.util.childWidgetVariables(widget).cordSections
        parts = [slicer.util.loadUI(self.resourcePath(f"UI/{name}.ui")) for name in _SECTIONS]
        for part in parts:
            sections.layout().addWidget(part)
        self.ui = slicer.util.childWidgetVariables(widget)
        for part in (widget, *parts):
            part.setMRMLScene(slicer.mrmlScene)
        self.panel = make_panel(self.ui, slicer.mrmlScene, self.logic, self, self.parent)
        self.addObserver(
            slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.on_scene_start_close
        )
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.on_scene_end_close)
        self.addObserver(
            slicer.mrmlScene, slicer.mrmlScene.StartImportEvent, self.on_scene_start_import
        )
        self.addObserver(
            slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.on_scene_end_import
        )
        self.addObserver(
            slicer.mrmlScene, slicer.mrmlScene.EndBatchProcessEvent, self.on_scene_end_batch
        )
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self.on_node_removed)
        self.bind_parameter_node()

    def enter(self):
        self.bind_parameter_node()
        self.panel.enter()

    def exit(self):
        self.panel.exit()

    def cleanup(self):
        self.unbind_parameter_node()
        self.panel.close()
        self.removeObservers()

    def on_scene_start_close(self, _caller=None, _event=None):
        self.panel.worker.cancel()
        self.unbind_parameter_node()

    def on_scene_end_close(self, _caller=None, _event=None):
        if self.parent.isVisible():
            self.bind_parameter_node()
        self.panel.refresh()

    def on_scene_start_import(self, _caller=None, _event=None):
        # During an import the selector chooses the first node, and would replace the saved choice.
        self.unbind_parameter_node()

    def on_scene_end_import(self, _caller=None, _event=None):
        self.bind_parameter_node()
        # Bound before the import has finished: the parameters are read again.
        self._parameters.Modified()
        self._loaded_image = self._parameters.image
        self.panel.refresh()

    def on_scene_end_batch(self, _caller=None, _event=None):
        # The selector may have been filled only now, and have chosen its first volume.
        image, self._loaded_image = self._loaded_image, None
        if image is not None and image.GetScene() is not None and self._parameters is not None:
            self._parameters.image = image

    def on_node_removed(self, _caller=None, _event=None):
        # The user may delete the parameter node itself, for example in the module Data.
        if self._parameters is not None and self._parameters.parameterNode.GetScene() is None:
            self.unbind_parameter_node()
            if not slicer.mrmlScene.IsBatchProcessing():
                self.bind_parameter_node()

    def bind_parameter_node(self):
        """Bind the controls to the scene's parameter node, which is made if missing."""
        from SoftCordSegLib.panel.platforms import connect_gui

        parameters = self.logic.getParameterNode()
        if (
            self._parameters is None
            or self._parameters.parameterNode is not parameters.parameterNode
        ):
            self.unbind_parameter_node()
            self._parameters = self.panel.parameters = parameters
            self._gui_tag = connect_gui(parameters, self.ui)
            self.addObserver(parameters.parameterNode, "ModifiedEvent", self.on_parameters_changed)
        if self._parameters.image is None:
            self._parameters.image = self.logic.first_image(slicer.mrmlScene)
        self.panel.refresh()

    def unbind_parameter_node(self):
        """Unbind the controls."""
        if self._parameters is None:
            return
        self._parameters.disconnectGui(self._gui_tag)
        self.removeObserver(
            self._parameters.parameterNode, "ModifiedEvent", self.on_parameters_changed
        )
        self._parameters = self.panel.parameters = None

    def on_parameters_changed(self, _caller=None, _event=None):
        self.panel.refresh()


class SoftCordSegLogic(ScriptedLoadableModuleLogic):
    """Ties the library's segmentation to the scene; usable from scripts without the panel.

    Args:
        engine: (``VolumeRequest``, ``Progress``) -> ``SoftMask``; the network where None.
    """

    def __init__(self, engine=None):
        ScriptedLoadableModuleLogic.__init__(self)
        self.engine = engine or segment_images.segment_volume

    def getParameterNode(self):
        return SoftCordSegParameterNode(super().getParameterNode())

    def models(self):
        """The folders of the models that came with the module, the recommended one first."""
        from SoftCordSegLib.network import shipped_bundles

        return shipped_bundles()

    def check_model(self, folder):
        """Raise a ModelError where a folder contains no usable model."""
        from SoftCordSegLib.network import load_bundle

        load_bundle(folder)

    def first_image(self, scene):
        """The first volume of the scene that can be segmented; None where there is none."""
        from SoftCordSegLib.panel.situation import volumes_to_segment

        return next(iter(volumes_to_segment(scene)), None)

    def segment(self, image, progress=None, model=None, device="auto"):
        """Segment the cord in a volume node, and wait for it; for scripts.

        Returns:
            (study, message): ``scene.study.Study`` with the nodes made, and a sentence;
            ``study.soft`` is None where no cord was found.

        Raises:
            SoftCordSegError: the volume cannot be used.
            Cancelled: through ``progress``; nothing was added to the scene.
        """
        request = self.request(image, model, device, only_in_box=False)
        mask = self.engine(request, progress or Progress())
        return self.accept(image, request, mask), mask.message

    def request(self, image, model, device, only_in_box):
        """The image and options for the network; a copy of everything, so that the scene may
        change meanwhile.

        Raises:
            SoftCordSegError: the volume, or the box, cannot be used.
        """
        from SoftCordSegLib.panel.situation import reason_not_to_segment
        from SoftCordSegLib.scene.box_node import box_of, boxes_of
        from SoftCordSegLib.scene.volume_nodes import volume_of

        reason = reason_not_to_segment(image)
        if reason:
            raise SoftCordSegError(reason)
        boxes = boxes_of(image) if only_in_box else []
        options = segment_images.SegmentOptions(
            box=box_of(boxes[-1]) if boxes else None, device=device
        )
        return segment_images.VolumeRequest(volume_of(image), model, options)

    def accept(self, image, request, mask):
        """Put a mask into the scene, with the corrections applied to it; nothing changes where no
        cord was found.
        """
        from SoftCordSegLib.panel.saving import remember_run
        from SoftCordSegLib.scene.study import set_segmentation, study_of

        if not mask.found:
            return study_of(image)
        study = set_segmentation(image, mask.volume, mask.box)
        remember_run(study.soft, image, request, mask)
        return study

    def measure(self, image, options=None, symmetry=False):
        """Measure the mask of an image as ``softcord csa`` does; for scripts.

        Args:
            options: ``workflows.csa_measure.CsaOptions``: rows, distances from the pontomedullary
                junction (a point PMJ among the discs), slices of the PAM50 template, …
            symmetry: measure quadrants and left-right symmetry too.

        Returns:
            ``workflows.csa_measure.Measured``.

        Raises:
            InputError: no mask, or levels or the junction needed but not marked.
        """
        from SoftCordSegLib.panel.measuring import measure_study
        from SoftCordSegLib.scene.study import study_of
        from SoftCordSegLib.workflows.csa_measure import CsaOptions

        study = study_of(image)
        if study.soft is None:
            raise InputError("This volume has no mask.", hint="Segment it first.")
        return measure_study(study, options or CsaOptions(), symmetry=symmetry)

    def has_edits(self, image) -> bool:
        """Whether the mask of an image was corrected by hand."""
        from SoftCordSegLib.scene.soft_edits import has_edits
        from SoftCordSegLib.scene.study import study_of

        study = study_of(image)
        return study.soft is not None and has_edits(study.soft)

    def add_whole_box(self, image):
        """A box around the middle half of an image, for the user to move."""
        from SoftCordSegLib.scene.box_node import add_box
        from SoftCordSegLib.scene.hierarchy import place_result
        from SoftCordSegLib.scene.volume_nodes import grid_of
        from SoftCordSegLib.volume import Box

        whole = Box.of_grid(grid_of(image))
        box = add_box(
            image.GetScene(), image, Box(whole.center_mm, whole.axes, whole.size_mm * 0.5)
        )
        place_result(box, image)
        return box


class SoftCordSegTest(ScriptedLoadableModuleTest):
    """The self-test behind "Reload and Test": the whole way on a digital phantom whose cord is
    known.
    """

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_the_cord_of_a_phantom_is_found()
        self.setUp()
        self.test_the_whole_way_through_the_panel()

    def test_the_cord_of_a_phantom_is_found(self):
        from SoftCordSegLib.scene.volume_nodes import array_of, values_on, volume_of

        phantom, image = self._open_phantom()
        self.delayDisplay("Segmenting the phantom")
        study, message = SoftCordSegLogic().segment(image)

        self.assertIsNotNone(study.soft, message)
        soft = array_of(study.soft)
        truth = values_on(phantom.truth, volume_of(image).grid)
        overlap = (
            2
            * ((soft >= 0.5) & (truth >= 0.5)).sum()
            / ((soft >= 0.5).sum() + (truth >= 0.5).sum())
        )
        self.assertGreater(overlap, 0.8)
        voxels = [self._voxels_at(study.view, threshold) for threshold in (0.2, 0.5, 0.8)]
        self.assertEqual(voxels, [int((soft >= threshold).sum()) for threshold in (0.2, 0.5, 0.8)])
        self.delayDisplay("The cord was found")

    def test_the_whole_way_through_the_panel(self):
        from SoftCordSegLib.scene.scene_files import load_scene, save_scene
        from SoftCordSegLib.scene.study import set_disc_labels, study_of

        slicer.util.selectModule("SoftCordSeg")
        widget = slicer.util.getModuleWidget("SoftCordSeg")
        widget.bind_parameter_node()  # the module may be hidden in a run without a window
        panel, ui = widget.panel, widget.ui
        phantom, image = self._open_phantom()
        panel.parameters.image = image

        self.delayDisplay("Pressing Segment")
        ui.cordSegmentButton.click()
        self.assertIsNotNone(study_of(image).soft, ui.cordRunStatus.text)
        ui.cordThresholdSlider.value = 0.3
        self.assertEqual(study_of(image).view.threshold, 0.3)
        self._correct_and_take_back(panel, image)

        self.delayDisplay("Measuring")
        set_disc_labels(image, phantom.discs)
        panel.parameters.rows = Rows.Level
        self._wait_until(lambda: study_of(image).summary_table is not None)
        table = study_of(image).summary_table
        self.assertIsNotNone(table, ui.cordMeasureStatus.text)
        rows = table.GetNumberOfRows()
        area = table.GetTable().GetColumnByName("MEAN(area)").GetValue(rows // 2)
        self.assertTrue(40 < area < 120, f"{area} mm2 is no cord")

        self.delayDisplay("Saving, closing and opening the scene")
        with tempfile.TemporaryDirectory() as folder:
            save_scene(slicer.mrmlScene, Path(folder) / "study.mrb")
            slicer.mrmlScene.Clear()
            self.assertFalse(ui.cordThresholdSlider.enabled)
            load_scene(slicer.mrmlScene, Path(folder) / "study.mrb")
        self.assertEqual(panel.parameters.image.GetName(), "Phantom")
        self.assertEqual(ui.cordThresholdSlider.value, 0.3)
        self.assertEqual(study_of(panel.parameters.image).summary_table.GetNumberOfRows(), rows)
        self.delayDisplay("The whole way works")

    def _wait_until(self, happened, seconds=30):
        for _number in range(seconds * 50):
            if happened():
                return
            slicer.app.processEvents()
            time.sleep(0.02)

    def _correct_and_take_back(self, panel, image):
        from SoftCordSegLib.scene.study import study_of
        from SoftCordSegLib.scene.threshold_view import SEGMENT_ID
        from SoftCordSegLib.scene.volume_nodes import array_of

        self.delayDisplay("Correcting by hand")
        study = study_of(image)
        before = array_of(study.soft).copy()
        segment = slicer.util.arrayFromSegmentBinaryLabelmap(
            study.view.node, SEGMENT_ID, study.soft
        ).copy()
        filled = segment.nonzero()[0]
        segment[(filled.min() + filled.max()) // 2] = 0
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            segment, study.view.node, SEGMENT_ID, study.soft
        )

        self.assertTrue(panel.edits.has_edits)
        soft = array_of(study.soft).transpose(2, 1, 0)
        self.assertTrue(
            ((soft >= 0.3) == (segment > 0)).all(), "the corrected mask is not what was painted"
        )
        panel.ui.cordRevertAllButton.click()
        self.assertTrue(
            (array_of(study.soft) == before).all(),
            "taking everything back does not give the prediction",
        )

    def _open_phantom(self):
        from SoftCordSegLib.phantom import make_phantom
        from SoftCordSegLib.scene.volume_nodes import add_volume

        self.delayDisplay("Making the phantom")
        phantom = make_phantom("T2w")
        return phantom, add_volume(slicer.mrmlScene, phantom.image, "Phantom")

    def _voxels_at(self, view, threshold):
        from SoftCordSegLib.scene.threshold_view import SEGMENT_ID

        view.update(threshold)
        return int(
            (slicer.util.arrayFromSegmentInternalBinaryLabelmap(view.node, SEGMENT_ID) > 0).sum()
        )
