"""How training patches are scaled under each input contract.

``volume.intensities`` defines the contracts, :mod:`.input_contract` chooses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..volume import Volume, resample
from ..volume.intensities import Intensities, Scaling, around_cord, near_cord, without_padding
from .pairs import normalised

if TYPE_CHECKING:
    from .real import OpenCase

# The program's mask on the coarse grid begins at this soft value.
_LOCATED = 0.25
# A jitter never leaves less than this part of a range.
_LEAST_RANGE = 0.2


class PatchScaling(Protocol):
    """Scales the patches of one network; ``resampling`` are options by which cases are brought to
    its grid.
    """

    resampling: dict[str, Any]

    def prepared(self, case: OpenCase, cord: Volume | None = None) -> OpenCase:
        """A case with all that only its whole image can tell.

        Args:
            case: nibabel LAS, not cut yet.
            cord: where its cord is, on its grid; the label where None.
        """

    def real(
        self,
        rng: np.random.Generator,
        image: np.ndarray,
        label: np.ndarray,
        known: np.ndarray,
        own: bool,
    ) -> np.ndarray:
        """A patch of a case as the network sees it, float32 in [-3, 3].

        Args:
            rng: random numbers.
            image: (i, j, k), the range of the whole case brought to 0 to 1.
            label: (i, j, k) in [0, 1].
            known: (i, j, k) bool, False beyond the field of view.
            own: True while that range is still the image's own, False once its contrast was
                changed.
        """

    def synthetic(
        self, rng: np.random.Generator, image: np.ndarray, label: np.ndarray, known: np.ndarray
    ) -> np.ndarray:
        """A made-up patch of any range likewise."""


class WholeImage:
    """The contract *whole_image*: of a patch, which is a part only, the percentiles are guessed."""

    def __init__(self):
        self.resampling: dict[str, Any] = {}

    def prepared(self, case: OpenCase, cord: Volume | None = None) -> OpenCase:
        """The case as it is."""
        return case

    def real(
        self,
        rng: np.random.Generator,
        image: np.ndarray,
        label: np.ndarray,
        known: np.ndarray,
        own: bool,
    ) -> np.ndarray:
        """By the patch's percentiles, or by a wider range."""
        # The program scales an image by its whole field of view, of which a patch knows only a
        # part.
        if rng.random() < 0.5:
            return normalised(image)
        low, high = np.percentile(image, (1, 99))
        reach = max(high - low, 1e-6)
        low, high = low - rng.uniform(0, 0.15) * reach, high + rng.uniform(0, 0.8) * reach
        return np.clip((image - low) * (2 / (high - low)) - 1, -3, 3).astype(np.float32)

    def synthetic(
        self, rng: np.random.Generator, image: np.ndarray, label: np.ndarray, known: np.ndarray
    ) -> np.ndarray:
        """By the patch's percentiles."""
        return normalised(image)


@dataclass(frozen=True)
class AroundCord:
    """The contract *around_cord*, with the case's own label as the located cord, and a jitter: the
    program's mask is another.

    Attributes:
        spacing: mm, isotropic, of the network's grid; a network on a grid as coarse as the
            locator's is a locator.
        coarse_mm: of the locator's grid.
    """

    spacing: float
    coarse_mm: float

    @property
    def resampling(self) -> dict[str, Any]:
        """The locator's grid is averaged, the segmenter's is sampled by the usual spline."""
        return {"order": 1, "antialias": True} if self._is_locator else {}

    def prepared(self, case: OpenCase, cord: Volume | None = None) -> OpenCase:
        """The case without padding, and the scaling of its whole image."""
        if case.scaling is not None:
            return case
        image = without_padding(case.image)
        coarse = self._coarse(image)
        seen = around_cord(image, coarse)
        scaling = self._scaling(seen, self._located(cord or case.label, coarse))

        # The voxels are those of the case, only fewer.
        def cut(volume: Volume | None) -> Volume | None:
            return (
                volume
                if volume is None or volume.shape == image.shape
                else resample(volume, image.grid, order=0)
            )

        return replace(
            case, image=image, label=cut(case.label), weight=cut(case.weight), scaling=scaling
        )

    def real(
        self,
        rng: np.random.Generator,
        image: np.ndarray,
        label: np.ndarray,
        known: np.ndarray,
        own: bool,
    ) -> np.ndarray:
        """By the case's range, or once that has changed by the range about the cord within the
        patch.
        """
        if own:
            return self._jittered(rng, Scaling(0.0, 1.0), guessed=False)(image)
        return self.synthetic(rng, image, label, known)

    def synthetic(
        self, rng: np.random.Generator, image: np.ndarray, label: np.ndarray, known: np.ndarray
    ) -> np.ndarray:
        """By the range about the cord within the patch."""
        patch = Volume(np.asarray(image, np.float32), np.diag([self.spacing] * 3 + [1.0]))
        coarse = self._coarse(patch)
        seen = around_cord(patch, coarse)
        if not known.all():
            inside = seen.with_image & (
                self._coarse(patch.with_data(known.astype(np.float32))).data > 0.5
            )
            seen = replace(seen, with_image=inside) if inside.any() else seen
        located = self._located(patch.with_data(label), coarse)
        region = None if located.any() else _any_box(rng, coarse.shape)
        return self._jittered(rng, self._scaling(seen, located, region), guessed=True)(image)

    @property
    def _is_locator(self) -> bool:
        return self.spacing > 0.99 * self.coarse_mm

    def _coarse(self, image: Volume) -> Volume:
        return resample(image, image.grid.with_spacing(self.coarse_mm), order=1, antialias=True)

    def _located(self, label: Volume, coarse: Volume) -> np.ndarray:
        return resample(label, coarse.grid, order=1, antialias=True).data > _LOCATED

    def _scaling(
        self, seen: Intensities, located: np.ndarray, region: np.ndarray | None = None
    ) -> Scaling:
        if self._is_locator:
            return seen.for_locator()
        return seen.for_segmenter(
            near_cord(located, float(seen.coarse.spacing[0])) if region is None else region
        )

    def _jittered(self, rng: np.random.Generator, scaling: Scaling, guessed: bool) -> Scaling:
        """As in :func:`.generator.scaling.scale_patches`."""
        from .generator.batch_recipe import BatchRecipe

        spread = BatchRecipe.contract_jitter * (3.0 if rng.random() < 0.15 else 1.0)
        low, high = rng.standard_normal(2) * spread
        if guessed and self._is_locator and rng.random() < 0.5:
            # The whole image may hold what is darker or brighter than all of this patch.
            low, high = low - rng.uniform(0, 0.15), high + rng.uniform(0, 0.8)
        reach = scaling.high - scaling.low
        bottom = scaling.low + low * reach
        return Scaling(bottom, max(scaling.high + high * reach, bottom + _LEAST_RANGE * reach))


def _any_box(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Where there is no cord, any part of an image may have been taken for one: all of it or a box,
    bool.
    """
    region = np.zeros(shape, bool)
    if rng.random() < 0.5:
        return ~region
    sizes = [max(round(n * rng.uniform(0.4, 1.0)), 1) for n in shape]
    starts = [int(rng.integers(n - size + 1)) for n, size in zip(shape, sizes)]
    region[tuple(slice(a, a + size) for a, size in zip(starts, sizes))] = True
    return region
