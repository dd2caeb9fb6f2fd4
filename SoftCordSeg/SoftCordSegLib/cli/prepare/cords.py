"""Where the cord is: from a mask drawn by hand where the data set has one, else from our model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...progress import Progress
from ...provenance import generated_by, model_of, now
from ..tools import Tools
from .inputs import Source
from .kept import VOXELS, voxels_sha256

if TYPE_CHECKING:
    from ...volume import Volume


@dataclass(frozen=True, eq=False)
class Mask:
    """An initial mask of the cord.

    Attributes:
        volume: uint8, 0 and 1, on the image's grid; of a drawn one whatever its file holds.
        record: for its sidecar.
        drawn: the file that it is a copy of; None where a model made it.
    """

    volume: Volume
    record: dict[str, Any]
    drawn: Path | None = None


class Cords:
    """Finds cords.

    Args:
        tools: with the engine.
        open_bundle: the model, opened when first needed.
        device: of the network.
        threshold: of the soft mask, from which on a voxel is cord.
    """

    def __init__(self, tools: Tools, open_bundle: Callable[[], Any], device: str, threshold: float):
        self._tools, self._open_bundle, self._device, self._threshold = (
            tools,
            open_bundle,
            device,
            threshold,
        )

    def for_motion(
        self, source: Source, mean: Volume, progress: Progress
    ) -> tuple[Volume | None, tuple[str, ...]]:
        """The cord in the uncorrected mean, on any grid; None, and a sentence, where none is
        found.
        """
        from ...volume import read_nifti

        if source.mask is not None:
            return read_nifti(source.mask), ()
        found = self._tools.segment(
            mean, self._open_bundle(), box=None, progress=progress, device=self._device
        )
        if found.found:
            return found.volume, ()
        return None, (
            (
                f"{source.contrast}: no cord was found in the mean before correction, so motion was"
                " measured in whole slices."
            ),
        )

    def mask_of(
        self, source: Source, image: Volume, progress: Progress
    ) -> tuple[Mask | None, tuple[str, ...]]:
        """The initial mask; None, and a sentence, where no cord is found.

        Raises:
            InputError: the mask that was drawn cannot be read, or the image cannot hold a cord.
        """
        import numpy as np

        from ...volume import read_nifti

        if source.mask is not None:
            drawn = read_nifti(source.mask)
            grid = (
                ""
                if drawn.grid.same_as(image.grid)
                else ", which lies on another grid than the image"
            )
            record = self._record(
                drawn, Description="Copy of a mask of the data set.", Source=source.mask.name
            )
            said = (
                f"{source.contrast}: the mask '{source.mask.name}' of the data set is taken{grid}."
            )
            return Mask(drawn, record, source.mask), (said,)
        bundle = self._open_bundle()
        found = self._tools.segment(image, bundle, box=None, progress=progress, device=self._device)
        binary = (found.volume.data >= self._threshold).astype(np.uint8)
        if not binary.any():
            return None, (
                (
                    f"{source.contrast} has no mask: {found.message} Draw one, or leave this"
                    " contrast out."
                ),
            )
        mask = found.volume.with_data(binary)
        record = self._record(
            mask,
            SpatialReference="orig",
            Source=f"{source.name}.nii.gz",
            Model=model_of(bundle),
            Threshold=self._threshold,
            Message=found.message,
            Notes=list(getattr(found, "notes", ())),
        )
        return Mask(mask, record), ()

    @staticmethod
    def _record(mask: Volume, **facts: Any) -> dict[str, Any]:
        """For the sidecar; by the digest in it a later run knows whether somebody has corrected the
        mask since.
        """
        command = {"Name": "softcord prepare"}
        return {
            "GeneratedBy": generated_by(),
            **facts,
            VOXELS: voxels_sha256(mask),
            "Command": command,
            "Date": now(),
        }
