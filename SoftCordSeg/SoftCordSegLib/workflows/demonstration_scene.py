"""A study of the demonstration as a Slicer scene: saved as ``.mrb``, and drawn in real slice and 3D
views without a screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bids import stem_of

if TYPE_CHECKING:
    import numpy as np

    from ..reports.demo_page import DemoStudy
    from ..scene.offscreen import OffscreenSlicer

Draw = Callable[..., dict[str, bytes]]

PICTURE_PIXELS = (560, 560)
_AXIAL_WIDTH_MM = 70.0


def with_views(study: DemoStudy, folder: Path, draw: Draw | None = None) -> DemoStudy:
    """The study with its scene, saved into ``folder``, and pictures of it; what cannot be done here
    is said in its remarks, not raised.

    Args:
        study: what to show.
        folder: where the ``.mrb`` goes.
        draw: makes the pictures; :func:`draw_views` where None.

    Raises:
        OutputError: the bundle cannot be written (no folder, full disk).
    """
    from ..scene import SlicerMissing, offscreen
    from ..scene.offscreen import GraphicsMissing
    from ..scene.scene_files import save_scene

    try:
        app = offscreen.start()
    except SlicerMissing as error:
        return replace(
            study,
            view_remarks=(f"No scene and no pictures: {error.sentence} {error.hint}".rstrip(),),
        )
    try:
        nodes = _fill(app, study)
        bundle = folder / f"{stem_of(study.path)}.mrb"
        save_scene(app.scene, bundle)
        try:
            pictures = (draw or draw_views)(app, study, nodes)
            return replace(study, scene=bundle, pictures=tuple(pictures.items()))
        except GraphicsMissing as error:
            return replace(
                study,
                scene=bundle,
                view_remarks=(f"No pictures: {error.sentence} {error.hint}".rstrip(),),
            )
    finally:
        app.close()


def _fill(app: OffscreenSlicer, study: DemoStudy) -> dict[str, Any]:
    """Image, soft mask, segment, discs, box, table and plot, placed in the subject hierarchy."""
    from ..scene.contours import contours_of, show_contours
    from ..scene.disc_points import add_discs
    from ..scene.hierarchy import place_result
    from ..scene.measure_tables import (
        add_area_chart,
        add_area_series,
        add_slice_table,
        add_summary_table,
    )
    from ..scene.render import set_window_level
    from ..scene.soft_mask_node import add_soft_mask
    from ..scene.threshold_view import add_threshold_view
    from ..scene.volume_nodes import add_volume

    scene = app.scene
    image = add_volume(scene, study.image, stem_of(study.path))
    set_window_level(image)
    soft = add_soft_mask(scene, image, study.mask)
    results = [soft]
    view = None
    if study.shape is not None:
        view = add_threshold_view(scene, soft)
        show_contours(view, in_3d=True)
        table = add_slice_table(scene, soft, study.shape)
        series = add_area_series(scene, table)
        results += [
            view.node,
            *contours_of(soft).values(),
            table,
            series,
            add_area_chart(scene, [series]),
        ]
        if study.levels is not None:
            results.append(add_summary_table(scene, soft, study.shape, study.levels))
    if study.discs:
        results.append(add_discs(scene, image, study.discs))
    for node in results:
        place_result(node, image)
    return {"image": image, "soft": soft}


def draw_views(app: OffscreenSlicer, study: DemoStudy, nodes: dict[str, Any]) -> dict[str, bytes]:
    """PNG bytes of three slice views through the cord, and of the cord in 3D.

    Raises:
        GraphicsMissing: nothing here can draw without a screen.
    """
    from ..scene.render import ORIENTATIONS, SliceView, ThreeDView, png_bytes

    middle, extent = _cord_extent(study)
    pictures = {}
    for orientation in ORIENTATIONS:
        with SliceView(app, orientation, PICTURE_PIXELS) as view:
            view.show(nodes["image"])
            view.zoom(_AXIAL_WIDTH_MM if orientation == "Axial" else extent)
            view.jump_to(middle)
            pictures[orientation] = png_bytes(view.render())
    if study.shape is not None:
        with ThreeDView(app, PICTURE_PIXELS, background=(0.0, 0.0, 0.0)) as view:
            view.look_from("R")
            view.render()
            view.look_from("R")
            pictures["3D"] = png_bytes(view.render())
    return pictures


def _cord_extent(study: DemoStudy) -> tuple[np.ndarray, float]:
    """The cord's middle (mm, RAS), on the cord itself, and how many millimetres a view needs to
    hold its whole length.
    """
    import numpy as np

    grid = study.image.grid
    if study.shape is None:
        return grid.to_world((np.array(grid.shape) - 1) / 2), float(
            (grid.spacing * grid.shape).max()
        )
    centres = study.shape.centres_mm[np.isfinite(study.shape.columns["area"])]
    middle = centres[len(centres) // 2]
    return middle, max(1.15 * float(np.ptp(centres[:, 2])), _AXIAL_WIDTH_MM)
