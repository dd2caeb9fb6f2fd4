"""Several volumes of one participant side by side: the same cord has one
area, whatever the contrast.
"""

from __future__ import annotations

from slicer.i18n import tr as _

from ..errors import InputError

_ATTRIBUTE = "SoftCordSeg.Comparison"
_LEVEL, _NUMBER, _MEAN, _SD, _CV = "Level", "VertLevel", "Mean", "SD", "CV"


def studies_to_compare(scene) -> list:
    """``scene.study.Study`` of every image that has a mask, in the scene's order."""
    from ..scene.study import study_of
    from .situation import volumes_to_segment

    return [study for study in map(study_of, volumes_to_segment(scene)) if study.soft is not None]


def compare(scene, discs: list):
    """Measure all masks by level, and put what they have in common into one table and one plot.

    Args:
        scene: the MRML scene.
        discs: ``DiscLabel``; for volumes that have no discs of their own: the same participant, in
            the same position.

    Returns:
        (table node, chart node, a sentence).

    Raises:
        InputError: fewer than two masks, no discs, or an empty mask.
    """
    from ..scene.disc_points import discs_of
    from ..workflows.csa_measure import CsaOptions
    from ..workflows.csa_tables import compare_summaries
    from .measuring import Rows, grouping_of, measure_study

    studies = studies_to_compare(scene)
    if len(studies) < 2:
        raise InputError(
            _("Only volumes with a mask can be compared, and there are fewer than two."),
            hint=_("Segment them first."),
        )
    summaries = {}
    for study in studies:
        own = discs_of(study.discs) if study.discs is not None else []
        if not (own or discs):
            raise InputError(
                _("Volumes are compared level by level, and no discs are marked."),
                hint=_("Mark the discs in one of them first."),
            )
        name = _unique(study.image.GetName(), summaries)
        summaries[name] = measure_study(
            study, CsaOptions(grouping=grouping_of(Rows.Level)), own or discs
        ).summary
    compared = compare_summaries(summaries, "", list(summaries))
    spreads = sorted(compared.spreads, key=lambda spread: spread.levels)
    _remove_earlier(scene)
    table = _add_table(scene, spreads, list(summaries))
    chart = _add_chart(scene, table, list(summaries))
    common = [
        spread.sd for spread in spreads if spread.sd == spread.sd
    ]  # NaN where one image alone shows the level
    words = _("Compared {count} volumes.").format(count=len(studies))
    if common:
        mean = sum(common) / len(common)
        words += " " + _(
            "The area differs by {sd:.1f} mm² (SD over volumes, mean of {levels} levels)."
        ).format(sd=mean, levels=len(common))
    return table, chart, words


def _unique(name: str, taken) -> str:
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name} {number}", number + 1
    return unique


def _add_table(scene, spreads, images: list[str]):
    from ..scene.measure_tables import Column, fill

    columns = [
        Column(_LEVEL, [spread.name for spread in spreads]),
        Column(
            _NUMBER,
            [int(spread.levels[0]) for spread in spreads],
            "",
            "Number of the level, C1 is 1",
        ),
        *(
            Column(
                image,
                [spread.values[image] for spread in spreads],
                "mm²",
                "Mean area in this volume",
            )
            for image in images
        ),
        Column(_MEAN, [spread.mean for spread in spreads], "mm²"),
        Column(_SD, [spread.sd for spread in spreads], "mm²", "Over the volumes"),
        Column(_CV, [spread.cv_percent for spread in spreads], "%", "SD over mean"),
    ]
    table = _marked(
        scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName("Area by volume"))
    )
    fill(table, columns)
    return table


def _add_chart(scene, table, images: list[str]):
    from ..scene.measure_tables import add_area_chart, add_area_series

    series = []
    for image in images:
        one = _marked(add_area_series(scene, table, image))
        one.SetXColumnName(_NUMBER)
        one.SetYColumnName(image)
        series.append(one)
    chart = _marked(add_area_chart(scene, series, _("Cross-sectional area by vertebral level")))
    chart.SetXAxisTitle(_("Vertebral level (C1 is 1)"))
    return chart


def _marked(node):
    node.SetAttribute(_ATTRIBUTE, "1")
    return node


def _remove_earlier(scene) -> None:
    for kind in ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode"):
        nodes = [
            scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))
        ]
        for node in nodes:
            if node.GetAttribute(_ATTRIBUTE):
                scene.RemoveNode(node)
