"""A rater at a data set: which case is in the scene, what is read ahead, what was corrected.

What the sections of the tab *Review* share; it holds no controls.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import qt
from slicer.i18n import tr as _

from ...errors import InputError
from .review_corrections_saver import CorrectionsSaver
from .review_errands import Errands
from .review_images import DEFAULT_BOUND_MB, CaseData, ImageCache, keys_around

# The other contrasts are put in when the case itself is on screen.
_BESIDE_MS = 1
_MOST_BESIDE = 2


class ReviewDesk:
    """See the module.

    Args:
        panel: see :class:`~.panel.Panel`.

    Attributes:
        session: ``review_session.ReviewSession``; None before a data set is opened.
        shown: ``scene.case_loading.ShownCase`` of the case in view; None where there is none.
        data: :class:`~.review_images.CaseData` of it.
        relist: called when the rows have another order.
        leaving: called before another case is shown.
        order: called for the keys of the list as it is shown; next and previous go along it.
        saver: :class:`~.review_corrections_saver.CorrectionsSaver`.
        side_by_side: whether other contrasts and masks are shown beside each case.
    """

    def __init__(self, panel):
        self._panel, self._scene = panel, panel.scene
        self.session = None
        self.shown = None
        self.data: CaseData | None = None
        self.order: Callable[[], list[str]] = list
        self.relist: Callable[[], object] = list
        self.leaving: Callable[[], object] = list
        self.side_by_side = False
        self.saver = CorrectionsSaver(panel, self._on_saved)
        self.problems: tuple[str, ...] = ()
        self._cache = ImageCache(DEFAULT_BOUND_MB)
        self._corrected: dict[str, Path] = {}  # key -> the mask that was written here
        self._reading = Errands("SoftCordSeg-read")
        self._read_ahead: dict = {}
        self._listeners: list = []
        self._since = time.monotonic()
        self._looked = 0.0
        self._beside = qt.QTimer()
        self._beside.setSingleShot(True)
        self._beside.setInterval(_BESIDE_MS)
        self._beside.connect("timeout()", self._show_beside)
        # The case before is taken out of the scene once the next one is on screen.
        self._before: list = []
        self._clearing = qt.QTimer()
        self._clearing.setSingleShot(True)
        self._clearing.setInterval(0)
        self._clearing.connect("timeout()", self._clear)
        panel.observe(self._scene, self._scene.StartCloseEvent, self._on_closing)

    # --- the data set
    # ----------------------------------------------------------------------------------------------

    def listen(self, function: Callable[[], None]) -> None:
        """Call ``function`` when the case in view, a verdict or the list has changed."""
        self._listeners.append(function)

    def tell(self) -> None:
        """Something has changed."""
        for function in list(self._listeners):
            function()

    def open(self, session) -> None:
        """Start, or go on, with a data set."""
        self.leave()
        self.session = session
        self._corrected = {}
        self.saver.author, self.saver.blinded = session.rater, session.blinded
        if session.current is not None:
            self.go_to(session.current.case.key)
        else:
            self.tell()

    def leave(self) -> None:
        """Save what was corrected, and take the case out of the scene."""
        self.keep()
        self.saver.finish()
        self._beside.stop()
        self._clear()
        self._remove(self.shown)
        self.session = self.shown = self.data = None
        self._read_ahead.clear()
        self._reading.forget()
        self._cache.clear()

    @property
    def row(self):
        """The row of the case in view; None where there is none."""
        return self.session.current if self.session is not None else None

    @property
    def is_shown(self) -> bool:
        """Whether the case in view is in the scene, and is what the panel shows."""
        return (
            self.shown is not None
            and self.shown.is_whole
            and self._panel.situation.image is self.shown.image
        )

    # --- going through the cases
    # ----------------------------------------------------------------------------------------------

    def go_to(self, key: str) -> None:
        """Show a case; what was corrected in the one before is saved meanwhile.

        Raises:
            SoftCordSegError, OSError: what was corrected in the case itself cannot be saved; a
                second correction would be made without the first.
        """
        self.leaving()
        self.keep()
        self.saver.settle(self.session.dataset, key)
        row = self.session.go_to(key)
        self._beside.stop()
        self._looked, self._since = 0.0, time.monotonic()
        data = self.data = self._read(self._case_of(row))
        # A blinded rater must not see the names of files.
        broken = bool(row.case.problem) and not data.problems
        hidden = _("The image or the mask of this case is broken.") if broken else ""
        problem = hidden if self.session.blinded else row.case.problem
        self.problems = tuple(text for text in (problem, *data.problems) if text)
        self._clear()
        before, self.shown = self.shown, None
        self._show(row, data)
        if before is not None:
            self._before.append(before)
            self._clearing.start()
        self._look_ahead()
        if self.side_by_side:
            self._beside.start()
        self.tell()

    def next(self) -> bool:
        """Show the next case without a verdict, along the list as it is shown, from its end on
        from the beginning; False where all of them have one.
        """
        keys = self.order()
        row = self.row
        at = keys.index(row.case.key) + 1 if row is not None and row.case.key in keys else 0
        for key in (*keys[at:], *keys[:at]):
            if self.session.row(key).is_open and (row is None or key != row.case.key):
                self.go_to(key)
                return True
        return False

    def step(self, rows: int) -> bool:
        """Show the case so many rows further down the list, judged or not; False at its end."""
        keys, row = self.order(), self.row
        if not keys:
            return False
        at = keys.index(row.case.key) if row is not None and row.case.key in keys else -rows
        if not 0 <= at + rows < len(keys):
            return False
        self.go_to(keys[at + rows])
        return True

    def back(self) -> bool:
        """Show the case that was in view before; False where there is none."""
        self.leaving()
        before, row = self.row, self.session.previous()
        if row is None:
            return False
        try:
            self.saver.settle(self.session.dataset, row.case.key)
        except Exception:
            if before is not None:
                self.session.go_to(before.case.key)  # it stays in view
            raise
        self.go_to(row.case.key)
        return True

    def jump(self) -> None:
        """Show the worst place in the views."""
        position = self.worst_place
        if position is not None:
            self._panel.views.jump(position)

    @property
    def worst_place(self):
        """(3,) mm RAS+; None where none is known."""
        row = self.row
        if row is None or row.doubt is None or self.session.blinded:
            return None
        return row.doubt.position_mm

    # --- verdicts
    # ----------------------------------------------------------------------------------------------

    def judge(self, judgement, rank, comment: str) -> None:
        """Store a verdict on the mask in view; what was corrected in it is saved first."""
        self.keep()
        self.saver.finish()
        row = self.row
        if row is None:
            raise InputError(_("No case is shown."), hint=_("Choose one of the list."))
        before = row.verdict
        mask = self._corrected.get(row.case.key)
        self.session.judge(judgement, rank, comment, self.seconds, mask=mask)
        if before is None or before.verdict != judgement:
            self._looked, self._since = 0.0, time.monotonic()
        self.tell()

    @property
    def seconds(self) -> float:
        """That the case in view was looked at since its last verdict."""
        return self._looked + (time.monotonic() - self._since if self._panel.shown else 0.0)

    def pause(self) -> None:
        """Another module was opened: time does not count, and everything is on the disk."""
        self._looked += time.monotonic() - self._since
        self._since = time.monotonic()
        self.keep()
        self.saver.finish()

    def resume(self) -> None:
        """The module is shown again."""
        self._since = time.monotonic()

    # --- corrections
    # ----------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Save what was corrected in the case in view, on the thread for that."""
        if self.shown is not None and self.shown.is_whole:
            self.saver.save()

    def close(self) -> None:
        """The panel is closed."""
        self.keep()
        self.saver.close()
        self._beside.stop()
        self._beside.disconnect("timeout()", self._show_beside)
        self._beside.deleteLater()
        self._clearing.stop()
        self._clearing.disconnect("timeout()", self._clear)
        self._clearing.deleteLater()
        self._reading.close(finish=False)
        self._cache.clear()
        self._listeners, self.leaving = [], list

    def _on_saved(self, dataset: Path, key: str, mask: Path | None) -> None:
        """A corrected case was written, or taken back."""
        if self.session is None or self.session.dataset != dataset:
            return
        if mask is None:
            self._corrected.pop(key, None)
        else:
            self._corrected[key] = mask
        self.tell()

    def _case_of(self, row):
        """The case of a row, with the mask that was corrected here as its best."""
        mask = self._corrected.get(row.case.key)
        if mask is None:
            return row.case
        others = [path for path in row.case.masks if path != mask]
        return replace(row.case, masks=(mask, *others))

    @property
    def is_corrected(self) -> bool:
        """Whether the case in view was corrected here."""
        return self.row is not None and self.row.case.key in self._corrected

    def _on_closing(self, _caller=None, _event=None) -> None:
        """The scene is being closed: what was corrected is in it for a moment still."""
        self.keep()
        self.saver.follow(None, None, None)
        self.shown, self._before = None, []

    # --- nodes
    # ----------------------------------------------------------------------------------------------

    def _read(self, case) -> CaseData:
        """From memory where it was read ahead; else now."""
        running = self._read_ahead.get(case.key)
        if running is not None and not running.cancelled():
            running.exception()  # waits for it
        return self._cache.get(case)

    def _show(self, row, data: CaseData) -> None:
        from ...scene.case_loading import ShownCase, add_case_image, put_mask

        panel = self._panel
        if data.image is None or panel.parameters is None:
            self.saver.follow(None, None, None)
            return
        blinded = self.session.blinded
        with panel.hold():
            name = row.shown_name if blinded else Path(row.case.key).name
            file = None if blinded else row.case.image
            shown = ShownCase(add_case_image(self._scene, data.image, name, file))
            put_mask(shown, data.mask, data.discs, data.remarks)
            panel.views.compare_with([])
            panel.parameters.image = shown.image
        self.shown = shown
        if shown.problem:
            self.problems = (*self.problems, shown.problem)
        self.saver.follow(self.session.dataset, row.case, data, shown, self._own_mask(row.case))
        panel.views.bring_to_case(shown.study, self.worst_place)

    def _own_mask(self, case) -> Path | None:
        """Where a corrected mask belongs in a second reading; None in the first."""
        from ...review.second_reading import reader_mask

        session, reading = self.session, self.session.options.reading
        return reader_mask(session.dataset, reading, session.rater, case) if reading else None

    def _clear(self) -> None:
        self._clearing.stop()
        if self._before:
            gone, self._before = self._before, []
            with self._panel.hold():
                for shown in gone:
                    self._remove(shown)

    def _remove(self, shown) -> None:
        from ...scene.case_loading import remove_case

        if shown is not None and shown.is_whole:
            remove_case(shown)

    def _look_ahead(self) -> None:
        """Read the neighbours along the list, on the thread for that."""
        keys, row = self.order(), self.row
        self._read_ahead = {
            key: future for key, future in self._read_ahead.items() if not future.done()
        }
        for key in keys_around(keys, row.case.key):
            case = self._case_of(self.session.row(key))
            if key not in self._read_ahead and not self._cache.has(case):
                self._read_ahead[key] = self._reading.run(partial(self._cache.get, case))

    def show_side_by_side(self, wanted: bool) -> None:
        """Show other contrasts and masks beside the case, or no longer."""
        self.side_by_side = wanted
        if self.shown is None or not self.shown.is_whole:
            return
        if wanted:
            self._show_beside()
        else:
            self._panel.views.compare_with([])
            if self._panel.views.layout == "compare":
                self._panel.views.show_layout("cord")

    def _show_beside(self) -> None:
        """The columns beside the case: a second mask of the image, then the other contrasts."""
        panel, shown, row = self._panel, self.shown, self.row
        if shown is None or not shown.is_whole or row is None or self.data is None:
            return
        with panel.guard(_("The other images could not be shown."), section="Review"):
            if not shown.beside:
                with panel.hold():
                    self._add_beside(row)
            if not shown.beside:
                panel.say(_("There is nothing to show beside this image."), "Review")
                panel.views.compare_with([])
                return
            panel.views.compare_with(shown.beside)
            panel.views.show_layout("compare")
            self.jump()

    def _add_beside(self, row) -> None:
        from ...scene.case_loading import ShownCase, add_case_image, add_mask_beside, put_mask

        shown, blinded = self.shown, self.session.blinded
        cases = {one.case.image: one.case for one in self.session.rows}
        for path in self._case_of(row).masks[1:_MOST_BESIDE]:
            mask = self._cache.get(replace(row.case, masks=(path,), discs=None)).mask
            if mask is not None:
                add_mask_beside(shown, mask, f"{shown.image.GetName()} {_('mask')} 2")
        for number, path in enumerate(row.case.others):
            if len(shown.beside) >= _MOST_BESIDE:
                break
            case = cases.get(path) or replace(row.case, key=str(path), image=path, masks=())
            data = self._cache.get(case)
            if data.image is None:
                continue
            name = f"{row.shown_name} {number + 2}" if blinded else path.name.split(".")[0]
            other = ShownCase(
                add_case_image(self._scene, data.image, name, None if blinded else path)
            )
            shown.beside.append(other.image)
            put_mask(other, data.mask)
