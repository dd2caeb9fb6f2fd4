"""Our sample data in Slicer's module Sample Data: a real neck that came with the module, and the
phantom, which is computed.  Nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..resources import resources_folder
from .platforms import install_missing_packages

CATEGORY = "SoftCordSeg"
SAMPLE = "sub-sample_T2w"
_CONTRASTS = ("T2w", "T1w", "DWI")


def register_sample_data() -> None:
    """Add the neck and the phantom's contrasts to the module Sample Data."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName="SpinalCordT2w",
        uris="",
        fileNames=f"{SAMPLE}.nii.gz",
        nodeNames=SAMPLE,
        customDownloader=lambda source: load_sample(),
        thumbnailFileName=str(_thumbnail("SpinalCordT2w")),
    )
    for contrast in _CONTRASTS:
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=f"SpinalCordPhantom{contrast}",
            # Not used, but without them Slicer refuses the source.
            uris="",
            fileNames=f"sub-phantom_{contrast}.nii.gz",
            nodeNames=f"sub-phantom_{contrast}",
            customDownloader=lambda source, contrast=contrast: load_phantom(contrast),
            thumbnailFileName=str(_thumbnail("SpinalCordPhantom")),
        )


def load_sample():
    """The neck, as a new volume that is shown in the views; needs no package.

    Returns:
        ``vtkMRMLScalarVolumeNode``.

    Raises:
        InputError: the file is missing.
    """
    path = resources_folder() / "Samples" / f"{SAMPLE}.nii.gz"
    node = slicer.modules.volumes.logic().AddArchetypeVolume(str(path), SAMPLE)
    if node is None:
        raise InputError("The sample is missing.", path=path, hint=_("Install SoftCordSeg again."))
    application = slicer.app.applicationLogic()
    application.GetSelectionNode().SetActiveVolumeID(node.GetID())
    application.PropagateVolumeSelection()
    return node


def load_phantom(contrast: str):
    """The digital neck in one contrast, as a new volume that is shown in the views.

    Returns:
        ``vtkMRMLScalarVolumeNode``.
    """
    with slicer.util.tryWithErrorDisplay(_("The phantom could not be made."), waitCursor=True):
        install_missing_packages(resources_folder() / "requirements.txt")
        from ..phantom import make_phantom
        from ..scene.soft_mask_node import show_in_slice_views
        from ..scene.volume_nodes import add_volume

        phantom = make_phantom(contrast)
        node = add_volume(slicer.mrmlScene, phantom.image, f"sub-phantom_{contrast}")
        show_in_slice_views(slicer.mrmlScene, node)
        slicer.util.resetSliceViews()
        return node


def _thumbnail(name: str) -> Path:
    return resources_folder() / "Icons" / f"{name}.png"
