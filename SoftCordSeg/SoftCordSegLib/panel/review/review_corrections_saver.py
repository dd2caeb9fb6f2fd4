"""Corrections of the case in view, written as they are made: on a thread, a second or two after
the stroke.
"""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ...errors import SoftCordSegError
from .review_errands import Errands

# How often the case is looked at; a change is written when it has stood for one look, ms.
_LOOK_MS = 700


class CorrectionsSaver:
    """Follows one case after another.

    Args:
        panel: see :class:`~.panel.Panel`.
        on_saved: called with (data set, key of a case, its mask as it was written; None where all
            was taken back).

    Attributes:
        author: who corrects, for the history of a mask.
        blinded: messages do not name files.
    """

    def __init__(self, panel, on_saved):
        self._panel, self._tell = panel, on_saved
        self.author, self.blinded = "", False
        self._errands = Errands("SoftCordSeg-save")
        self._under_way: dict = {}  # (data set, key) -> the future of its last writing
        self._failed: dict = {}  # (data set, key) -> what could not be written, and why
        self._dataset = self._case = self._data = self._shown = self._files = None
        self._opened = self._seen = self._saved = None
        self._regions: list[dict] = []
        self._timer = qt.QTimer()
        self._timer.setInterval(_LOOK_MS)
        self._timer.connect("timeout()", self._look)

    def follow(self, dataset: Path | None, case, data, shown=None, own: Path | None = None) -> None:
        """From now on this case is followed; None for none.

        Args:
            dataset: its data set.
            case: ``review.ReviewCase``.
            data: :class:`~.review_images.CaseData`.
            shown: ``scene.case_loading.ShownCase``.
            own: as in ``workflows.review.review_corrections.CorrectedFiles``.
        """
        from ...workflows.review.review_corrections import CorrectedFiles

        self._dataset, self._case, self._data, self._shown = dataset, case, data, shown
        self._regions = []
        if shown is None or dataset is None:
            self._shown = None
            self._timer.stop()
            return
        self._files = CorrectedFiles(dataset, case.image, own)
        self._opened = self._seen = self._saved = self._signature()
        self._timer.start()

    def add_region(self, entry: dict) -> None:
        """A part of the mask was made anew by a model."""
        self._regions.append(entry)

    def save(self) -> None:
        """Write what has changed since it was last written; at once, on the thread."""
        if not self._is_whole:
            return
        signature = self._signature()
        if signature == self._saved:
            return
        self._saved = self._seen = signature
        self._write((self._dataset, self._case.key), self._files, self._correction())

    def finish(self) -> None:
        """Wait until everything is on the disk; what failed before is tried again."""
        for key, (files, correction, _error) in list(self._failed.items()):
            self._write(key, files, correction)
        self._errands.finish()

    def settle(self, dataset: Path, key: str) -> None:
        """Wait until what was corrected in one case is on the disk, before the case is read again.

        Raises:
            SoftCordSegError, OSError: it cannot be written; it is kept, to be tried again.
        """
        case = (dataset, key)
        if case in self._failed:
            self._write(case, *self._failed[case][:2])
        if case in self._under_way:
            self._errands.finish()
        if case in self._failed:
            raise self._failed[case][2]

    def close(self) -> None:
        """The panel is closed."""
        self._timer.stop()
        self._timer.disconnect("timeout()", self._look)
        self._timer.deleteLater()
        self._errands.close(finish=True)
        self._shown = None

    @property
    def _is_whole(self) -> bool:
        return self._shown is not None and self._shown.is_whole

    def _write(self, key: tuple, files, correction) -> None:
        changed = correction.is_edited or correction.discs is not None

        def task():
            if changed:
                return files.write(correction)
            return files.take_back() if files.written else None

        self._under_way[key] = self._errands.run(
            task, lambda future: self._done(key, files, correction, future)
        )

    def _done(self, key: tuple, files, correction, future: Future) -> None:
        if self._under_way.get(key) is future:
            del self._under_way[key]
        error = future.exception()
        if error is None:
            self._failed.pop(key, None)
            self._tell(*key, files.mask)
            return
        if self.blinded and isinstance(error, SoftCordSegError):
            error.path = None
        self._failed[key] = (files, correction, error)
        with self._panel.guard(_("The correction could not be saved."), False, "Review", True):
            raise error

    def _look(self) -> None:
        if not self._is_whole:
            self._timer.stop()
            return
        signature = self._signature()
        if signature != self._saved and signature == self._seen:
            self.save()
        self._seen = signature

    def _signature(self) -> tuple:
        """Changes with what the user corrects: edits, discs, parts made anew; the threshold alone
        is a view of the same mask.
        """
        from ...scene.edit_nodes import correction_of, prediction_number
        from ...scene.links import EDIT_MAP, linked

        study = self._shown.study
        edits = None
        if study.soft is not None and correction_of(study.soft) is not None:
            node = linked(study.soft, EDIT_MAP)
            edits = node.GetImageData().GetPointData().GetScalars().GetMTime()
        number = None if study.soft is None else prediction_number(study.soft)
        return edits, number, _points_of(study.discs), len(self._regions)

    def _correction(self):
        """Copies of everything, for the thread."""
        from ...scene.case_loading import edit_map_as_stored
        from ...scene.scene_files import soft_mask_as_stored
        from ...workflows.review.review_corrections import Correction

        study, data = self._shown.study, self._data
        user = slicer.app.applicationLogic().GetUserInformation()
        discs = None
        if _points_of(study.discs) != self._opened[2] and study.discs is not None:
            discs = _located(study.discs) or None
        return Correction(
            image=self._case.image,
            soft=soft_mask_as_stored(study.soft),
            threshold=study.view.threshold if study.view is not None else 0.5,
            edits=edit_map_as_stored(study.soft),
            earlier=data.edits,
            history=data.sidecar,
            regions=tuple(self._regions),
            discs=discs,
            author=self.author or user.GetName(),
        )


def _points_of(discs) -> tuple:
    count = discs.GetNumberOfControlPoints() if discs is not None else 0
    return tuple(
        (discs.GetNthControlPointLabel(n), tuple(discs.GetNthControlPointPosition(n)))
        for n in range(count)
    )


def _located(discs) -> list:
    from ...morphometry.disc_files import from_above, located_disc
    from ...scene.disc_points import discs_of, remarks_of

    remarks = remarks_of(discs)
    return list(
        from_above(located_disc(disc, remarks.get(disc.value, "")) for disc in discs_of(discs))
    )
