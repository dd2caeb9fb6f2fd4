"""The table in the panel: the few columns that fit and are asked for; the full tables are in the
scene and in the CSV.
"""

from __future__ import annotations

import math

import slicer

from .measuring import Rows

_TAG = "SoftCordSegShown"
# Heading -> column of the slice table, and of the summary table.
_OF_SLICES = (
    ("Slice", "Slice"),
    ("Level", "Level"),
    ("Area mm²", "area"),
    ("AP mm", "diameter_AP"),
    ("RL mm", "diameter_RL"),
)
_OF_SUMMARY = (
    ("Level", "LevelName"),
    ("Slices", "Slice (I->S)"),
    ("Area mm²", "MEAN(area)"),
    ("± SD", "STD(area)"),
    ("AP mm", "MEAN(diameter_AP)"),
    ("RL mm", "MEAN(diameter_RL)"),
)


def show_short(scene, table, rows: Rows):
    """Fill the panel's table from a full one.

    Args:
        scene: the MRML scene.
        table: slice or summary table node.
        rows: which of the two it is: ``Rows.Slice`` for the slice table.

    Returns:
        ``vtkMRMLTableNode``, hidden from selectors and not saved with the scene; row n is row n of
        ``table``.
    """
    from ..scene.measure_tables import Column, fill

    columns = []
    for heading, name in _OF_SLICES if rows is Rows.Slice else _OF_SUMMARY:
        column = table.GetTable().GetColumnByName(name)
        texts = (
            [_text(column.GetValue(n)) for n in range(column.GetNumberOfValues())]
            if column is not None
            else []
        )
        if any(texts):
            columns.append(Column(heading, texts))
    node = _node(scene)
    fill(node, columns)
    return node


def remove_short(scene) -> None:
    """Remove the panel's table, where there is one."""
    node = scene.GetSingletonNode(_TAG, "vtkMRMLTableNode")
    if node is not None:
        scene.RemoveNode(node)


def _node(scene):
    node = scene.GetSingletonNode(_TAG, "vtkMRMLTableNode")
    if node is None:
        node = slicer.vtkMRMLTableNode()
        node.SetSingletonTag(_TAG)
        node.SetName("SoftCordSeg shown table")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node = scene.AddNode(node)
    return node


def _text(value) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.1f}"
    return str(value)
