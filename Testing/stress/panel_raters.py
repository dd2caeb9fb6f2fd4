"""Raters at the panel's tab *Review*, each a process of its own, who work with clicks and keys.

A rater knows the truth: the masks that are to be corrected are painted right, and what is to be
said of the others is given.  Everything that was answered is said on stdout, a JSON list a line, so
that whoever kills the process knows what must be on the disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

LETTERS = {"pass": "P", "fail": "F", "artefact": "A", "to correct": "C"}
_LONGEST_S = 3600.0


def panel_rater(dataset: Path, rater: str, **task: Any) -> subprocess.Popen[str]:
    """Start a rater.

    Args:
        dataset: folder of the data set.
        rater: name.
        task: ``teach``, a number of steps, to teach the model, keep it and segment the rest again;
            else the rater reads: ``truths``, a folder; ``count`` of verdicts after which it is
            enough; ``correct``, keys of masks that are painted right; ``doubtful``, of these the
            keys for which "to correct" stays the verdict; ``answers``, verdicts by key, "pass"
            where nothing is given; ``stroke_in_hand``, the number of the correction in the middle
            of which the rater waits to be killed; ``judge``, whether the masks are judged
            first; ``reading``, the number of the reading in its list; ``touch``, how many of the
            first masks get one voxel more.
    """
    content = json.dumps({"dataset": str(dataset), "rater": rater, **task})
    return subprocess.Popen(
        [sys.executable, "-m", "stress.panel_raters", content],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def said_by(rater: subprocess.Popen[str], until: str = "") -> list[list[Any]]:
    """What a rater has said: to the end, or to the first word ``until``."""
    assert rater.stdout is not None
    said = []
    for line in rater.stdout:
        if line.startswith("[") and line.endswith("\n"):
            said.append(json.loads(line))
            if said[-1][0] == until:
                break
    return said


def say(word: str, *what: Any) -> None:
    """A line on stdout."""
    print(json.dumps([word, *what]), flush=True)


class PanelRater:
    """A rater in this process.

    Args:
        host: ``host.application.HostSlicer``.
        task: see :func:`panel_rater`.
    """

    def __init__(self, host, task: dict[str, Any]):
        self.host, self.task = host, task
        self.widget = host.open_panel(host.load_module())
        self.ui, self.panel = self.widget.ui, self.widget.panel
        self.desk = self.panel.desk
        self.view = host.views.sliceWidget("Red").sliceView().VTKWidget()
        self._touched = self._corrected = 0

    def open(self) -> None:
        """The data set, by the controls of the tab."""
        host, ui, task = self.host, self.ui, self.task
        host.click(ui.cordReviewTab)
        host.answers = [task["dataset"]]
        host.click(ui.cordReviewFolderButton)
        ui.cordRaterEdit.text = task["rater"]
        ui.cordReadingCombo.currentIndex = task.get("reading", 0)
        host.click(ui.cordReviewStartButton)
        if task.get("judge"):
            host.click(ui.cordDataSetSection, (60, 10))
            host.click(ui.cordJudgeButton)
            self._click_first_open()
        say("listed", self.desk.order(), [row.case.key for row in self.rows if not row.is_broken])

    @property
    def rows(self) -> list:
        """Of the session."""
        return self.desk.session.rows

    def read(self) -> None:
        """Verdicts by keys, along the list, until it is enough."""
        while True:
            key = self.desk.row.case.key
            say("at", key)
            if key in self.task.get("correct", ()) and not self._is_right(key):
                self._correct(key)
                say("judged", key)
            elif self.desk.row.is_open:
                if self._touched < self.task.get("touch", 0):
                    self._touch()
                answer = self.task.get("answers", {}).get(key, "pass")
                if not (answer == "to correct" and self.ui.cordToCorrectButton.checked):
                    self.press(LETTERS[answer])
                self.press("Alt+7")
                self._close_correct()
                say("judged", key)
            if self.desk.session.done >= self.task.get("count", _LONGEST_S):
                break
            self.press("N")
            if self.desk.row.case.key == key:
                break
        say("status", self.ui.cordCasesStatus.text)

    def teach(self) -> None:
        """Teach, keep the model, segment the rest again and replace the masks."""
        from SoftCordSegLib.workflows.review import teach_model

        ui, host = self.ui, self.host
        teach_model.TeachOptions = partial(teach_model.TeachOptions, steps=self.task["teach"])
        ui.cordTeachSection.collapsed = False
        say("teach", ui.cordTeachStatus.text)
        host.click(ui.cordTeachButton)
        self._wait_for(ui.cordTeachDiscardButton, ui.cordTeachButton)
        say("taught", ui.cordTeachStatus.text, ui.cordTeachReport.text)
        if not ui.cordTeachKeepButton.visible:
            return
        ui.cordTeachNameEdit.text = "ours"
        host.click(ui.cordTeachKeepButton)
        say("kept", ui.cordTeachStatus.text)
        host.click(ui.cordRestButton)
        self._wait_for(ui.cordRestReplaceButton, ui.cordRestButton)
        say("proposed", ui.cordTeachStatus.text, ui.cordRestDrift.text)
        host.click(ui.cordRestReplaceButton)
        say("replaced", ui.cordTeachStatus.text)

    def press(self, key: str) -> None:
        """While a view has the focus."""
        self.host.press(self.view, key)

    def close(self) -> None:
        """As when Slicer is ended properly."""
        self.desk.saver.finish()
        self.host.close_panel(self.widget)
        assert not self.host.unseen_errors, self.host.unseen_errors

    def _wait_for(self, *buttons) -> None:
        """Until one of them can be clicked."""
        from PySide6.QtTest import QTest

        end = time.monotonic() + _LONGEST_S
        while not any(button.visible and button.enabled for button in buttons):
            assert time.monotonic() < end, self.ui.cordTeachStatus.text
            QTest.qWait(200)

    def _click_first_open(self) -> None:
        from host.pythonqt import unwrap

        known = {row.case.key: row for row in self.rows}
        at = next(n for n, key in enumerate(self.desk.order()) if known[key].is_open)
        table = unwrap(self.ui.cordCaseTable)
        table.scrollToItem(table.item(at, 0))
        place = table.visualItemRect(table.item(at, 0)).center()
        self.host.click(table.viewport(), (place.x(), place.y()))

    def _soft(self):
        from SoftCordSegLib.scene.volume_nodes import volume_of

        return volume_of(self.panel.situation.study.soft)

    def _truth(self, key: str) -> np.ndarray:
        from SoftCordSegLib.scene.volume_nodes import values_on
        from SoftCordSegLib.volume import read_nifti

        truth = read_nifti(Path(self.task["truths"]) / f"{Path(key).name}.nii.gz")
        return values_on(truth, self._soft().grid) >= 0.5

    def _is_right(self, key: str) -> bool:
        return bool(((self._soft().data >= 0.5) == self._truth(key)).all())

    def _correct(self, key: str) -> None:
        """Paint what is missing, erase what is too much."""
        from panel_actions import paint_voxels

        if self.ui.cordToCorrectButton.checked:  # its key would take the verdict back
            self.host.click(self.ui.cordCorrectSection, (60, 10))
        else:
            self.press("C")
            self.press("Alt+9")
        truth, there = self._truth(key), self._soft().data >= 0.5
        paint_voxels(self.ui, truth & ~there)
        self._corrected += 1
        if self._corrected == self.task.get("stroke_in_hand"):
            say("painted", key)
            time.sleep(_LONGEST_S)
        paint_voxels(self.ui, there & ~truth, erase=True)
        if key not in self.task.get("doubtful", ()):
            self.press("P")
        self._close_correct()

    def _touch(self) -> None:
        """One voxel beside the cord."""
        from panel_actions import paint_voxels

        self._touched += 1
        self.press("C")
        soft = self._soft().data
        free, middle = np.argwhere(soft == 0), np.argwhere(soft > 0.5).mean(axis=0)
        voxels = np.zeros(soft.shape, bool)
        voxels[tuple(free[np.abs(free - middle).sum(axis=1).argmin()])] = True
        paint_voxels(self.ui, voxels)

    def _close_correct(self) -> None:
        if not self.ui.cordCorrectSection.collapsed:
            self.host.click(self.ui.cordCorrectSection, (60, 10))


def main() -> None:
    """The process of :func:`panel_rater`."""
    from _pytest.monkeypatch import MonkeyPatch

    from SoftCordSegLib.scene import offscreen

    task = json.loads(sys.argv[1])
    app = offscreen.start()
    from host.application import HostSlicer

    rater = PanelRater(HostSlicer(app, MonkeyPatch()), task)
    rater.open()
    if "teach" in task:
        rater.teach()
    else:
        rater.read()
    rater.close()
    say("done")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
