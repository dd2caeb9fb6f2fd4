"""Clicks at random, in any order, with nodes thrown away in between."""

from __future__ import annotations

import random

import numpy as np

from panel_actions import paint_voxels
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.scene_files import load_scene, save_scene
from SoftCordSegLib.scene.study import study_of

STEPS = 150


class Monkey:
    """Does something at random.

    Args:
        host, widget, app: the application, the module's widget, the scene's owner.
        a_volume: adds a volume.
        seed: of its choices.
    """

    def __init__(self, host, widget, app, a_volume, seed, folder):
        self.host, self.widget, self.app, self.a_volume, self.folder = (
            host,
            widget,
            app,
            a_volume,
            folder,
        )
        self.random = random.Random(seed)
        self.done: list[str] = []

    def step(self) -> None:
        """One action, noted in ``done``."""
        actions = (
            [self.click] * 10
            + [self.slide] * 3
            + [self.paint] * 3
            + [self.fold, self.choose, self.type_levels]
        )
        actions += [self.remove, self.add, self.leave, self.select_row]
        if self.random.random() < 0.05:
            actions = [self.close_scene, self.save_and_load, self.undo]
        action = self.random.choice(actions)
        self.done.append(action.__name__)
        self.host.answers = self.answer
        action()
        self.host.process_events()

    def answer(self, for_path: bool):
        """To a question, or the name of a file, new or known; sometimes none."""
        if not for_path:
            return self.random.random() < 0.5
        return self.random.choice(
            ["", str(self.folder), str(self.folder / "monkey.mrb"), str(self.folder / "new")]
        )

    def click(self) -> None:
        kinds = ("QPushButton", "QCheckBox", "QToolButton")
        # A menu stays open until something in it is chosen.
        buttons = [
            control
            for control in self.controls()
            if type(control).__name__ in kinds and control.name != "cordMenuButton"
        ]
        button = self.random.choice(buttons)
        self.done[-1] += f" {button.name}"
        button.click()

    def controls(self) -> list:
        return [
            control for name, control in vars(self.widget.ui).items() if name.startswith("cord")
        ]

    def slide(self) -> None:
        sliders = [
            control for control in self.controls() if type(control).__name__ == "ctkSliderWidget"
        ]
        self.random.choice(sliders).value = self.random.random()

    def choose(self) -> None:
        boxes = [
            control
            for control in self.controls()
            if type(control).__name__ == "QComboBox" and control.count
        ]
        box = self.random.choice(boxes)
        box.currentIndex = self.random.randrange(box.count)
        box._object.activated.emit(box.currentIndex)

    def fold(self) -> None:
        sections = [
            control
            for control in self.controls()
            if type(control).__name__ == "ctkCollapsibleButton"
        ]
        section = self.random.choice(sections)
        section.collapsed = not section.collapsed

    def type_levels(self) -> None:
        self.widget.ui.cordLevelsEdit.text = self.random.choice(["", "C2:C4", "nonsense", "3"])

    def select_row(self) -> None:
        table = self.widget.ui.cordTable._object
        if table.model().rowCount():
            table.selectRow(self.random.randrange(table.model().rowCount()))

    def paint(self) -> None:
        if self.widget.ui.cordEditor.segmentationNode() is None:
            return
        source = self.widget.ui.cordEditor.sourceVolumeNode()
        voxels = np.zeros(source.GetImageData().GetDimensions(), bool)
        start = [self.random.randrange(n - 3) for n in voxels.shape]
        voxels[tuple(slice(n, n + 3) for n in start)] = True
        paint_voxels(self.widget.ui, voxels, erase=self.random.random() < 0.4)

    def undo(self) -> None:
        self.random.choice([self.widget.ui.cordEditor.undo, self.widget.ui.cordEditor.redo])()

    def add(self) -> None:
        self.a_volume(f"neck {self.random.randrange(1000)}")

    def remove(self) -> None:
        kinds = (
            "vtkMRMLScalarVolumeNode",
            "vtkMRMLSegmentationNode",
            "vtkMRMLMarkupsNode",
            "vtkMRMLTableNode",
        )
        kinds += (
            "vtkMRMLPlotSeriesNode",
            "vtkMRMLSegmentEditorNode",
            "vtkMRMLScriptedModuleNode",
            "vtkMRMLDisplayNode",
        )
        kind = self.random.choice(kinds)
        nodes = [
            self.app.scene.GetNthNodeByClass(n, kind)
            for n in range(self.app.scene.GetNumberOfNodesByClass(kind))
        ]
        if nodes:
            node = self.random.choice(nodes)
            self.done[-1] += f" {node.GetID()}"
            self.app.scene.RemoveNode(node)

    def leave(self) -> None:
        self.widget.exit()
        self.widget.enter()

    def close_scene(self) -> None:
        self.app.scene.Clear(False)
        self.add()

    def save_and_load(self) -> None:
        save_scene(self.app.scene, self.folder / "own.mrb")
        load_scene(self.app.scene, self.folder / "own.mrb", clear=self.random.random() < 0.7)


def check_random_clicks(host, widget, app, a_volume, folder, seed: int) -> None:
    """Nothing goes wrong in so many steps that the user is not told of, and afterwards an image can
    be segmented and looked at.
    """
    monkey = Monkey(host, widget, app, a_volume, seed, folder)
    monkey.add()
    for _ in range(STEPS):
        monkey.step()
        assert host.slot_errors == [], "\n".join(monkey.done[-8:])

    if widget.panel.situation.image is None or widget.panel.situation.reason:
        widget.ui.cordImageSelector.setCurrentNode(a_volume("the last"))
    host.answers = [True]
    widget.ui.cordSegmentButton.click()
    study = study_of(widget.panel.situation.image)
    assert study.view is not None, widget.ui.cordRunStatus.text
    with SliceView(app, "Axial", (50, 50), name="Red") as view:
        view.render()
