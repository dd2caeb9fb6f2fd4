"""Axial slices with the outlines of the reference and of each method: what the numbers look
like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..colours import INK, REFERENCE_OUTLINE, rgb
from ..volume import Volume, reorient
from .figure_style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Half the edge of what is shown around the cord, mm.
_REACH_MM = 17.0


@dataclass(frozen=True, eq=False)
class Panel:
    """One image, shown in the middle slice of its cord.

    Attributes:
        title: as "sub-01, T2w".
        image: any orientation.
        masks: by method, on the same grid; a method may be absent.
        reference: on the same grid, or None.
    """

    title: str
    image: Volume
    masks: Mapping[str, Volume]
    reference: Volume | None = None


def panels_figure(
    panels: Sequence[Panel],
    methods: Sequence[str],
    colours: Mapping[str, str],
    threshold: float = 0.5,
) -> Figure:
    """A row an image, a column a method: radiological view, the patient's right on the left.

    Args:
        panels: the images.
        methods: the columns.
        colours: of the methods' outlines; the reference is a dashed yellow line.
        threshold: where soft masks are outlined.
    """
    size = 1.75
    figure, axes = new_figure(
        size * (len(methods) + 1) + 0.5, size * len(panels) + 0.75, len(panels), len(methods) + 1
    )
    for row, panel in enumerate(panels):
        own = axes[row * (len(methods) + 1) : (row + 1) * (len(methods) + 1)]
        view = _View.of(panel)
        for column, one in enumerate(own):
            method = methods[column - 1] if column else None
            view.draw(one)
            if column:
                if method in panel.masks:
                    view.outline(one, panel.masks[method], threshold, _light(colours[method]), "-")
                else:
                    one.annotate(
                        "no mask",
                        (0.5, 0.05),
                        xycoords="axes fraction",
                        ha="center",
                        color="white",
                        fontsize=9,
                    )
                if panel.reference is not None:
                    view.outline(one, panel.reference, threshold, REFERENCE_OUTLINE, "--")
            if row == 0:
                one.set_title(method or "image", fontsize=10, color=INK)
        own[0].set_ylabel(f"{panel.title}\nslice {view.number}", fontsize=9)
    if any(panel.reference is not None for panel in panels):
        figure.supxlabel(
            f"dashed yellow: reference · solid: method · both at {threshold:g} ·"
            f" {2 * _REACH_MM:.0f} mm wide",
            fontsize=9,
        )
    return figure


@dataclass(frozen=True, eq=False)
class _View:
    """A slice of an image, around its cord.

    Attributes:
        pixels: (i, j), i towards the patient's Left, j towards Anterior.
        spacing: mm of both.
        centre: (i, j) of the cord.
        number: of the slice.
    """

    pixels: np.ndarray
    spacing: np.ndarray
    centre: np.ndarray
    number: int

    @classmethod
    def of(cls, panel: Panel) -> _View:
        image = reorient(panel.image, "LAS")
        guides = [
            mask
            for mask in (panel.reference, *panel.masks.values())
            if mask is not None and (mask.data >= 0.5).any()
        ]
        centre, number = np.array(image.shape[:2]) / 2.0, image.shape[2] // 2
        if guides:
            guide = reorient(guides[0], "LAS").data >= 0.5
            filled = np.flatnonzero(guide.any(axis=(0, 1)))
            number = int(filled[len(filled) // 2])
            centre = np.argwhere(guide[:, :, number]).mean(axis=0)
        return cls(np.asarray(image.data[:, :, number], float), image.spacing[:2], centre, number)

    def draw(self, axes: Axes) -> None:
        """The image, its grey values between the 1st and 99.5th percentile of what is shown."""
        size = np.array(self.pixels.shape)
        edges = (
            (np.array([-0.5, -0.5]) - self.centre) * self.spacing,
            (size - 0.5 - self.centre) * self.spacing,
        )
        reach = np.ceil(_REACH_MM / self.spacing).astype(int)
        start = np.clip(np.round(self.centre).astype(int) - reach, 0, size - 1)
        stop = np.clip(np.round(self.centre).astype(int) + reach + 1, start + 1, size)
        low, high = np.percentile(self.pixels[start[0] : stop[0], start[1] : stop[1]], (1, 99.5))
        extent = (edges[0][0], edges[1][0], edges[0][1], edges[1][1])
        axes.imshow(
            self.pixels.T,
            cmap="gray",
            origin="lower",
            extent=extent,
            vmin=low,
            vmax=max(high, low + 1e-6),
            interpolation="nearest",
        )
        axes.set(
            xlim=(-_REACH_MM, _REACH_MM),
            ylim=(-_REACH_MM, _REACH_MM),
            xticks=[],
            yticks=[],
            facecolor="black",
        )
        axes.grid(False)
        axes.spines[:].set_visible(False)

    def outline(self, axes: Axes, mask: Volume, threshold: float, colour: str, line: str) -> None:
        """The contour of a mask in this slice; nothing where it is empty there."""
        values = np.asarray(reorient(mask, "LAS").data[:, :, self.number], float)
        if values.max() < threshold:
            return
        padded = np.pad(values, 1)  # so that a cord at the edge of the image has a closed outline
        x, y = (
            (np.arange(-1, n + 1) - c) * s
            for n, c, s in zip(values.shape, self.centre, self.spacing)
        )
        # A binary mask's voxels are drawn to half way between them, wherever it was cut.
        level = threshold if ((values > 0) & (values < 1)).any() else 0.5
        axes.contour(
            x, y, padded.T, levels=[level], colors=[colour], linewidths=1.3, linestyles=[line]
        )


def _light(colour: str) -> str:
    """The same hue, bright enough for a grey image."""
    import colorsys

    hue, lightness, saturation = colorsys.rgb_to_hls(*rgb(colour))
    parts = colorsys.hls_to_rgb(hue, max(lightness, 0.6), saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
