"""What patches are made of: shares and probabilities, as plain numbers that are kept with a
training run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from ...errors import InputError


@dataclass(frozen=True)
class BatchRecipe:
    """What to make. Every number that ends a line below with "p" is the probability for one patch;
    0 leaves the step out.

    Attributes:
        shape: voxels of a patch, axes to the Left, Anterior, Superior.
        other_shapes: further ones, by turns: fields of view of other proportions.
        spacing: mm, isotropic.
        pooled: voxels of which the mean is taken along each axis in the end: a patch has
            ``shape / pooled`` voxels of ``spacing * pooled`` mm then.
        echoes: how often each patch is used (:class:`..batch.EchoedBatches`); more than once only
            without twins.
        contract: "around_cord" or "whole": how intensities are scaled at the end.
        spline: order by which the program brings slices to the working grid.
        real: share of real images; the rest is synthetic.
        twins: share of a batch that is made as pairs of one geometry in two appearances.
        poses: of real images, the shares that are left as the program samples them, moved a little,
            and moved fully.
        real_elastic: p of a real patch that is moved to be pulled and pressed smoothly too, by
            parts of its own size; the label goes along.
        about_cord: p of a real patch to lie around the cord, else anywhere in the image.
        registered: p of a real pair of twins to be two registered contrasts, where there are any.
        real_cropped, cropped: p of the field of view to end inside the patch, for real and
            synthetic images.

        aim_spread: how far from the centre the cord may be, as a part of the half width along each
            axis.
        without_cord: p of no cord.
        neck: p to aim at the neck, else anywhere along the spine; where no end of the cord is aimed
            at.
        rim_mm: least and most that the visible edge lies outside the label: in PAM50 the mask lies
            0.2 to 0.5 mm inside the edge that its own T2w image shows, as masks drawn by hand do
            (pia, partial volume with fluid).
        stem_mm: how far above the template (the top of C1) the brainstem still counts as cord;
            beyond it, it is unknown.
        conus, sac, brainstem: p to aim at the lower tip, at the sac below it (no cord), at the
            upper end.
        clear_stem: p of a brainstem that widens into the pons, which is no cord, at a place that
            can be seen.
        enlargement: p of a lumbar enlargement other than the template's.
        bent, tilted: p of a curved spine (to 60° over 64 mm, to 75° in all), and of one tilted by
            up to 60°.
        lumbosacral: p of a lumbar spine with its lordosis, and of a sacrum that turns backwards.
        displaced: p of a cord at the back or at a side of its canal.
        compression, thin: p of flattening at some levels, and of a calibre down to half of the
            usual.
        syrinx, lesions, haemorrhage: p inside the cord.
        inflow, flow_voids, roots: p of fluid brighter or darker along the cord, of dark flow, of
            roots that hang together.
        abdomen, metal: p of organs and gas in front of the spine, and of an implant or clip beside
            the cord.
        known_sequence: p of the intensities of a known sequence; else any.
        mp2rage, psir, swi, ct: p of these (before the other sequences are drawn).

        distortion, dropout: p of echo-planar distortion along Anterior-Posterior, and of lost
            signal near discs and air.
        slices: p of slices thicker than a voxel; thick_slices: p, of these, of 8 to 17 mm;
            resampled: p, of these, to be brought to finer voxels linearly, as by somebody before.
        signal_loss, coil, bias, blur, gibbs, ghosts, noise: p of a coil that ends, of one at the
            back, of a smooth bias, and so on.
        real_bias, real_blur, real_noise: p of the same, weaker, on real images.
        coarse: p of an image, synthetic or real, whose resolution is low in the plane of its slices
            (large voxels, a slow echo-planar readout): each axis on its own, mostly.
        coarse_mm: least and most standard deviation of that blur.
        real_slices: p of a real image to be cut into slices of 2 to 10 mm, of those whose own
            voxels are at most 1.5 mm long there.
        real_distortion, real_dropout: p of the two errors of echo-planar images on real images.
        gamma, curves, random_network, new_contrast: p of a change of all intensities: by a power;
            by a random curve; by a shallow network of random weights; by classes and cells in each
            of which y = μ + α (x − mean). Synthetic images get the latter three half as often.
        contract_jitter: standard deviation of the ends of the intensity range, as a part of it.
    """

    shape: tuple[int, int, int]
    spacing: float
    contract: str
    spline: int = 2
    other_shapes: tuple[tuple[int, int, int], ...] = ()
    pooled: int = 1
    echoes: int = 1
    real: float = 0.5
    twins: float = 0.0
    poses: tuple[float, float, float] = (0.3, 0.3, 0.4)
    real_elastic: float = 0.0
    about_cord: float = 0.85
    registered: float = 0.5
    real_cropped: float = 0.1
    cropped: float = 0.3

    aim_spread: tuple[float, float, float] = (0.5, 0.5, 0.5)
    without_cord: float = 0.06
    neck: float = 0.55
    rim_mm: tuple[float, float] = (0.2, 0.6)
    stem_mm: float = 12.0
    conus: float = 0.10
    sac: float = 0.05
    brainstem: float = 0.10
    clear_stem: float = 0.5
    enlargement: float = 0.5
    bent: float = 0.15
    tilted: float = 0.08
    lumbosacral: float = 0.75
    displaced: float = 0.15
    compression: float = 0.25
    thin: float = 0.05
    syrinx: float = 0.03
    lesions: float = 0.25
    haemorrhage: float = 0.02
    inflow: float = 0.4
    flow_voids: float = 0.15
    roots: float = 0.8
    abdomen: float = 0.3
    metal: float = 0.03
    known_sequence: float = 0.55
    mp2rage: float = 0.04
    psir: float = 0.03
    swi: float = 0.03
    ct: float = 0.02

    distortion: float = 0.12
    dropout: float = 0.08
    slices: float = 0.65
    thick_slices: float = 0.08
    resampled: float = 0.25
    signal_loss: float = 0.1
    coil: float = 0.3
    bias: float = 0.7
    blur: float = 0.7
    coarse: float = 0.0
    coarse_mm: tuple[float, float] = (0.4, 1.2)
    gibbs: float = 0.12
    ghosts: float = 0.12
    noise: float = 0.95
    real_bias: float = 0.4
    real_blur: float = 0.15
    real_noise: float = 0.4
    real_slices: float = 0.35
    real_distortion: float = 0.1
    real_dropout: float = 0.05
    gamma: float = 0.4
    curves: float = 0.2
    random_network: float = 0.1
    new_contrast: float = 0.3
    contract_jitter: float = 0.05

    def __post_init__(self):
        if (
            self.contract not in ("around_cord", "whole")
            or len(self.shape) != 3
            or self.spline not in (1, 2)
        ):
            raise InputError(
                "A recipe of patches has three sizes, a contract 'around_cord' or 'whole' and a"
                f" spline of order 1 or 2, not {self.shape}, {self.contract!r} and {self.spline}.",
                hint="Correct them.",
            )
        for shape in self.shapes:
            if len(shape) != 3 or any(n % (2 * self.pooled) for n in shape):
                raise InputError(
                    f"A patch of {shape} has an odd number of voxels.",
                    hint="Give even sizes; where voxels are pooled, an even number of those.",
                )

        if self.echoes < 1 or (self.echoes > 1 and self.twins > 0):
            raise InputError(
                f"Patches are used {self.echoes} times, with {self.twins:g} of them twins.",
                hint="Set echoes to at least 1, and to 1 where there are twins.",
            )

    @property
    def shapes(self) -> tuple[tuple[int, int, int], ...]:
        """All sizes of patches."""
        return (self.shape, *self.other_shapes)

    def plain(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> BatchRecipe:
        """The inverse of :meth:`plain`, lists of JSON included.

        Raises:
            InputError: a name that no recipe has, or a value that cannot be.
        """
        unknown = set(plain) - {one.name for one in fields(cls)}
        if unknown:
            raise InputError(
                f"A recipe of patches has no '{sorted(unknown)[0]}'.",
                hint="Correct the name or leave it out.",
            )
        return cls(**{name: _tuples(value) for name, value in plain.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


SEGMENTER = BatchRecipe((48, 64, 64), 1.0, "around_cord")
LOCATOR = BatchRecipe(
    (64, 64, 48),
    2.0,
    "whole",
    spline=1,
    poses=(0.2, 0.3, 0.5),
    about_cord=0.75,
    cropped=0.6,
    real_cropped=0.3,
    aim_spread=(0.6, 0.6, 0.6),
    without_cord=0.10,
)
