"""Which input contract a training follows: that of the bundle it goes on from, and of the bundle it
makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError
from ..network import AROUND_CORD, WHOLE_IMAGE
from .patch_scaling import AroundCord, PatchScaling, WholeImage
from .starts import open_bundle

if TYPE_CHECKING:
    from ..network import ModelBundle
    from .config.schema import TrainConfig

# Of the locator's grid, where nothing else is said.
_COARSE_MM = 2.0


@dataclass(frozen=True)
class InputContract:
    """How both networks of a bundle see an image.

    Attributes:
        intensities: one of ``network.INTENSITIES``.
        coarse_mm: of the locator's isotropic grid.
    """

    intensities: str = WHOLE_IMAGE
    coarse_mm: float = _COARSE_MM

    @classmethod
    def of_bundle(cls, bundle: ModelBundle) -> InputContract:
        """That of a bundle of locator and segmenter."""
        return cls(bundle.intensities, bundle.locator.spacing_mm)

    def patches(self, spacing: float) -> PatchScaling:
        """How patches of a network on a grid of ``spacing`` mm are scaled."""
        return (
            AroundCord(spacing, self.coarse_mm) if self.intensities == AROUND_CORD else WholeImage()
        )


def contract_of(config: TrainConfig) -> InputContract:
    """The contract of a configuration: what its bundle says, else that of the bundles it goes on
    from, else *whole_image*.

    Raises:
        InputError: they differ; networks that saw images one way cannot be run another way.
        ModelError: one of the bundles cannot be read.
    """
    settings = config.bundle
    if settings is not None and settings.pipeline == "centre_crop":
        return InputContract()
    names = [
        network.start.bundle
        for network in config.networks.values()
        if network.start and network.start.bundle
    ]
    names += (
        [name for name in (settings.parent, settings.mean_with) if name]
        if settings is not None
        else []
    )
    # Bundles of other authors' ways name no contract of ours.
    bundles = {
        name: bundle
        for name, bundle in ((name, open_bundle(name)) for name in dict.fromkeys(names))
        if bundle.plan is None
    }
    found = {name: bundle.intensities for name, bundle in bundles.items()}
    wanted = (settings.intensities if settings is not None else None) or next(
        iter(found.values()), WHOLE_IMAGE
    )
    for name, intensities in found.items():
        if intensities != wanted:
            raise InputError(
                f"In '{config.name}': the bundle '{name}' scales intensities by {intensities}, but"
                f" the bundle that is to be made by {wanted}. Begin with bundles of one contract,"
                " and leave bundle.intensities out or set it to theirs."
            )
    if "locator" in config.networks:
        return InputContract(wanted, config.networks["locator"].spacing_mm)
    parent = bundles.get(settings.parent) if settings is not None else None
    return InputContract(wanted, parent.locator.spacing_mm if parent is not None else _COARSE_MM)
