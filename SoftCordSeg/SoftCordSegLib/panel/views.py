"""The views: our layouts, slices brought to the cord, the axial view that follows it, and who is on
screen.
"""

from __future__ import annotations

import contextlib
import importlib.util

import qt
import slicer
import vtk
from slicer.i18n import tr as _

from ..errors import InputError
from ..scene.cord_layouts import MOST_CONTRASTS
from .compare_views import CompareViews
from .controls import Section, setting, store_setting
from .own_layouts import register_own_layouts

_MODIFIED = vtk.vtkCommand.ModifiedEvent
_WANTED = "CordLayout"  # setting: "no" where the user has left our layouts
_BROUGHT_ATTRIBUTE = "SoftCordSeg.Brought"  # of a soft mask: the views were brought to it


class Views(Section):
    """What is done to the views while the panel is shown; everything else in them is the user's.

    Args:
        panel: see :class:`~.panel.Panel`.
    """

    name = "Views"
    needs_packages = True

    def __init__(self, panel):
        self._panel, self._scene = panel, panel.scene
        self._renew_follower()
        self._compare = CompareViews(panel.scene)
        self._lines: dict = {}  # ID of a soft mask -> (time stamp of its voxels, CordLine)
        self._watchers: list = []
        self._observed: list = []
        self._own = self._entered = False
        self._chosen = None  # the image that the views were told to show
        # The image in the views that the panel has offered, and whether there were several.
        self._offered = None, False
        self._words = ""  # with which it was offered
        self._imported = False
        self._seen = None  # the layout of ours that was shown last
        self._to_place = None  # the image whose cord is brought into views that are laid out anew
        self._then = None  # the position that is shown after that
        self._turned: dict = {}  # slice node -> orientation before ours
        # A slice node does not take a change while it tells of one; and several are answered once.
        self._answering = qt.QTimer()
        self._answering.setSingleShot(True)
        self._answering.setInterval(0)
        self._answering.connect("timeout()", self._answer)
        panel.observe(self._scene, self._scene.StartImportEvent, self._on_import)
        panel.observe(self._scene, self._scene.StartCloseEvent, self._on_close)
        register_own_layouts()

    # --- what other sections ask

    @property
    def sagittal_node(self):
        """The ``vtkMRMLSliceNode`` beside the profile; None where there is none."""
        return self._slice_node("SAGITTAL")

    @property
    def axial_node(self):
        """The ``vtkMRMLSliceNode`` that follows the cord; None where there is none."""
        return self._slice_node("AXIAL")

    @property
    def coronal_node(self):
        """The ``vtkMRMLSliceNode`` of Slicer's coronal view; None where there is none."""
        return self._slice_node("CORONAL")

    @property
    def axial_height_mm(self) -> float | None:
        """The height (S, mm) at which the axial view cuts the cord; of the view's middle where
        there is no cord, None where there is no axial view.
        """
        from ..scene.view_placement import plane_of

        node = self.axial_node
        if node is None:
            return None
        origin, normal = plane_of(node)
        line = self.line_of(self._panel.situation.study)
        return float(origin[2] if line is None else line.crossing(origin, normal)[0][2])

    def line_of(self, study):
        """The centreline of a study's mask, ``scene.cord_line.CordLine``; None without one."""
        from ..scene.cord_line import cord_line_of

        soft = study.soft if study is not None else None
        if soft is None or soft.GetImageData() is None:
            return None
        transform = soft.GetParentTransformNode()
        stamp = (
            soft.GetImageData().GetMTime(),
            transform and (transform.GetID(), transform.GetTransformToWorldMTime()),
        )
        known = self._lines.get(soft.GetID())
        if known is None or known[0] != stamp:
            known = self._lines[soft.GetID()] = (stamp, cord_line_of(soft))
        return known[1]

    def watch(self, function) -> None:
        """Call ``function`` without arguments whenever a slice view moved, was zoomed or panned."""
        if function not in self._watchers:
            self._watchers.append(function)

    def unwatch(self, function) -> None:
        """Undo :meth:`watch`."""
        if function in self._watchers:
            self._watchers.remove(function)

    @property
    def layout(self) -> str | None:
        """Which of our layouts is shown: "cord", "compare", "correct"; None for another one."""
        from ..scene.cord_layouts import layout_node_of, shown_layout

        node = layout_node_of(self._scene)
        return None if node is None else shown_layout(node)

    @property
    def compared(self) -> list:
        """``scene.study.Study`` of what is compared, the chosen one first; empty outside the layout
        *Compare*.
        """
        return self._compare.studies

    def show_layout(self, name: str) -> None:
        """Show a layout, as the user wants: "cord", "compare" or "correct".

        Raises:
            InputError: nothing to compare the chosen volume with.
        """
        from ..scene.cord_layouts import layout_node_of, set_passing

        if name == "compare":
            self._compare.studies_for(self._panel.situation.study, MOST_CONTRASTS)
        store_setting(_WANTED, "yes")
        self._show_layout(name)
        node = layout_node_of(self._scene)
        if node is not None:
            set_passing(node, False)

    def show_for_correcting(self, opened: bool) -> None:
        """The section *Correct* was opened or folded: a large axial view meanwhile, where the user
        has the layout *Cord* and there is a mask.
        """
        if not self._entered or (opened and self._panel.situation.view is None):
            return
        from ..scene.cord_layouts import layout_for_correcting, layout_node_of, set_passing

        node = layout_node_of(self._scene)
        name = None if node is None else layout_for_correcting(node, opened)
        if name is not None:
            self._show_layout(name)
            set_passing(node, opened)

    def leave_layout(self) -> None:
        """Show the layout before ours again, as the user wants."""
        from ..scene.cord_layouts import layout_node_of, leave_layout

        node = layout_node_of(self._scene)
        if node is not None:
            store_setting(_WANTED, "no")
            with self._alone():
                leave_layout(node)
                self._turn_back()
            self.refresh(self._panel.situation)

    def bring_to_cord(self, study) -> None:
        """After the first segmentation of an image: our layout where the user has chosen none,
        slices through the middle of the cord, 3D centred, window and level of what is around the
        cord.
        """
        from ..scene.cord_layouts import is_first_time, layout_node_of
        from ..scene.view_placement import look_at_cord, set_window_around

        line = self.line_of(study)
        if line is None or study.soft.GetAttribute(_BROUGHT_ATTRIBUTE):
            return
        study.soft.SetAttribute(_BROUGHT_ATTRIBUTE, "1")
        node = layout_node_of(self._scene)
        changed = node is not None and is_first_time(node) and setting(_WANTED, "yes") != "no"
        if changed:
            self._show_layout("cord")
        self._place(study.image)
        if changed:
            # The views get their sizes when Qt has laid them out.
            self._to_place = study.image
        with self._alone():
            set_window_around(study.image, study.soft)
            look_at_cord(self._scene, line)
        self._answering.start()

    def bring_to_case(self, study, position_mm=None) -> None:
        """A case of a review is shown: as :meth:`bring_to_cord`, then at ``position_mm`` (mm RAS+);
        the whole image where there is no mask.
        """
        if self.line_of(study) is None:
            self._fit()
        else:
            self.bring_to_cord(study)
        if position_mm is not None:
            self._then = position_mm if self._to_place is study.image else None
            self.jump(position_mm)

    def compare_with(self, images: list) -> None:
        """Compare these image nodes with the chosen one; none for the participant's others."""
        self._compare.beside = list(images)

    def jump(self, position_mm) -> None:
        """Show a position (mm RAS+) in the three slice views; zoom and, where the position is in
        view, pan stay.
        """
        self._jump(position_mm)
        if self._to_place is None:
            self._answer()

    def _jump(self, position_mm) -> None:
        from ..scene.view_placement import jump_view

        with self._alone():
            for node in (self.axial_node, self.sagittal_node, self.coronal_node):
                if node is not None:
                    jump_view(node, position_mm)

    # --- the panel's life

    def refresh(self, situation) -> None:
        if not self._panel.shown or self._own:
            return
        if importlib.util.find_spec("nibabel") is None:
            return  # the packages are not installed yet
        if not self._entered or self._imported:
            self._enter()
        if situation.image is not self._chosen:
            self._choose(situation.image)
        self._fill_compare()
        self._observe()
        self._check_screen()
        self._turn_axial()
        self._place_discs()

    def exit(self) -> None:
        from ..scene.cord_layouts import layout_node_of, suspend_layout

        self._unobserve()
        self._answering.stop()
        self._follower.release(self.axial_node)
        self._renew_follower()
        compared = bool(self._compare.studies)
        self._compare.leave()
        node = layout_node_of(self._scene)
        if node is not None and self._entered:
            suspend_layout(node)
            self._turn_back()
        if compared:
            # In another layout, outlines of other contrasts would lie over this one.
            self._check_screen()
        self._entered = False

    def close(self) -> None:
        if self._entered:
            self.exit()
        self._answering.disconnect("timeout()", self._answer)  # or each would keep the other
        self._watchers = []
        self._lines = {}

    def _enter(self) -> None:
        from ..scene.cord_layouts import layout_node_of, resume_layout, shown_layout
        from ..scene.on_screen import images_in_views

        self._entered, self._imported = True, False
        node = layout_node_of(self._scene)
        if node is not None:
            room = self._room()
            with self._alone():
                resume_layout(node, *room)
                if shown_layout(node) is not None:
                    self._turn_views(shown_layout(node))
        self._seen = self.layout
        # What the user has put into the views meanwhile stays there.
        if images_in_views(self._scene):
            self._chosen = self._panel.situation.image

    # --- layouts

    def _show_layout(self, name: str) -> None:
        from ..scene.cord_layouts import layout_node_of, show_layout

        node = layout_node_of(self._scene)
        if node is None:
            return
        register_own_layouts()
        contrasts, wide = self._room()
        with self._alone():
            show_layout(node, name, contrasts, wide)
            self._seen = name
            self._turn_views(name)
        self.refresh(self._panel.situation)

    def _room(self) -> tuple[int, bool]:
        """How many contrasts are compared, and whether the window is wide."""
        from ..scene.cord_layouts import WIDE_WINDOW_PIXELS, most_contrasts

        window, manager = slicer.util.mainWindow(), slicer.app.layoutManager()
        if window is None or manager is None:
            return 2, False
        most = most_contrasts(manager.viewport().width)
        try:
            count = len(self._compare.studies_for(self._panel.situation.study, most))
        except InputError:
            count = 2
        return count, window.width >= WIDE_WINDOW_PIXELS

    def _fill_compare(self) -> None:
        """The layout *Compare* shows the chosen volume and the other contrasts."""
        if self.layout != "compare":
            self._compare.leave()
            return
        try:
            studies = self._compare.studies_for(self._panel.situation.study, self._room()[0])
        except InputError:
            studies = []
            if self._compare.studies:
                # Another participant was chosen, who has one volume alone.
                self._compare.leave()
                self._show_layout("cord")
                return
        images = [study.image for study in studies]
        if images != [study.image for study in self._compare.studies]:
            with self._alone():
                self._compare.show(studies)
        else:
            self._compare.studies = studies

    def _turn_views(self, name: str) -> None:
        """A view that the user has turned shows what the layout has it for."""
        from ..scene.cord_layouts import view_names
        from ..scene.view_placement import has_orientation, orientation_of, slice_node_of

        for orientation, views in view_names(name).items():
            for node in (slice_node_of(self._scene, view) for view in views):
                if node is not None and not has_orientation(node, orientation):
                    self._turned[node] = (orientation_of(node), orientation)
                    node.SetOrientation(orientation)

    def _turn_back(self) -> None:
        from ..scene.view_placement import has_orientation, set_orientation

        for node, (before, ours) in self._turned.items():
            if node.GetScene() is self._scene and has_orientation(node, ours):
                set_orientation(node, before)
        self._turned = {}

    # --- who is on screen

    def _choose(self, image) -> None:
        """The user has chosen a volume: it is shown, and only what belongs to it."""
        from ..scene.on_screen import images_in_views, show_image

        if image is not None and image.GetImageData() is None:
            return  # it is being loaded
        self._chosen = image
        if image is None:
            return
        before = images_in_views(self._scene)
        with self._alone():
            show_image(self._scene, image)
            # Without a study, packages are missing.
            if before and image not in before and self._panel.situation.study is not None:
                self._go_to(image, before[0])

    def _go_to(self, image, before) -> None:
        """The views go on from one participant to another; between contrasts of one they stay."""
        from ..scene.cord_profile import same_participant

        if not same_participant(before, image) and not self._place(image):
            self._fit()

    def _fit(self) -> None:
        """The whole image in each view."""
        for node in self._by_orientation().values():
            logic = slicer.app.applicationLogic().GetSliceLogic(node) if node is not None else None
            if logic is not None:
                logic.FitSliceToBackground()

    def _place(self, image) -> bool:
        """Slices through the middle of the cord; whether there is one."""
        from ..scene.view_placement import bring_views_to_cord

        line = self.line_of(self._panel.situation.study)
        if line is None or self._panel.situation.image is not image:
            return False
        with self._alone():
            bring_views_to_cord(self._by_orientation(), line, image)
            if self.axial_node is not None:
                self._follower.centre(self.axial_node, line)
        return True

    def _by_orientation(self) -> dict:
        return {
            "Sagittal": self.sagittal_node,
            "Coronal": self.coronal_node,
            "Axial": self.axial_node,
        }

    def _check_screen(self) -> None:
        """Nothing that was made from one image is drawn over another one."""
        from ..scene.on_screen import images_in_views, show_only

        image = self._panel.situation.image
        shown = images_in_views(self._scene)
        wanted = [study.image for study in self._compare.studies] or [image]
        others = [one for one in shown if one not in wanted]
        with self._alone():
            if not others:
                show_only(self._scene, wanted)
            else:
                show_only(self._scene, shown if len(shown) == 1 else [])
        self._offer(others[0] if others else None, len(shown) > 1)

    def _offer(self, other, mixed: bool) -> None:
        if (other, mixed) == self._offered:
            return
        image = self._panel.situation.image
        if other is None or image is None:
            if self._offered[0] is not None and self._panel.ui.cordRunStatus.text.endswith(
                self._words
            ):
                self._panel.say("")
            self._offered = None, False
            return
        self._offered = other, mixed
        if mixed:
            self._words = _(
                "The views show several volumes, so no mask is drawn. Show only {name} again?"
            ).format(name=image.GetName())
            show = self._show_chosen_again
        else:
            self._words = _(
                "{other} is in the views, and {name} in the panel. Show {other} here too?"
            ).format(other=other.GetName(), name=image.GetName())
            show = self._choose_offered
        self._panel.say(self._words, warning=True, show=show)

    def _choose_offered(self) -> None:
        (other, _mixed), self._offered = self._offered, (None, False)
        if other is not None and other.GetScene() is self._scene:
            self._panel.parameters.image = other

    def _show_chosen_again(self) -> None:
        self._choose(self._panel.situation.image)
        self._check_screen()

    # --- following

    def _renew_follower(self) -> None:
        from ..scene.view_placement import Follower

        self._follower = Follower()

    def _slice_node(self, role: str):
        from ..scene import cord_layouts, view_placement

        return view_placement.slice_node_of(self._scene, getattr(cord_layouts, role))

    def _observe(self) -> None:
        from ..scene.cord_layouts import layout_node_of
        from ..scene.on_screen import own_composites

        slices = [self.axial_node, self.sagittal_node, self.coronal_node, *self._compare.nodes]
        wanted = [(node, self._on_slice) for node in slices]
        wanted += [(node, self._on_volumes) for node in own_composites(self._scene)]
        wanted.append((layout_node_of(self._scene), self._on_layout))
        wanted = [(node, method) for node, method in wanted if node is not None]
        if wanted == self._observed:
            return
        self._unobserve()
        for node, method in wanted:
            self._panel.observe(node, _MODIFIED, method)
        self._observed = wanted

    def _unobserve(self) -> None:
        for node, method in self._observed:
            self._panel.unobserve(node, _MODIFIED, method)
        self._observed = []

    def _on_import(self, _caller=None, _event=None) -> None:
        # What a saved scene has in the views is shown, whatever the panel has.
        self._imported = True

    def _on_close(self, _caller=None, _event=None) -> None:
        # A view that lies askew cannot be reset, and whom it followed goes.
        self._follower.release(self.axial_node)
        self._renew_follower()
        self._compare.leave()
        self._to_place, self._then, self._turned = None, None, {}

    def _on_slice(self, _caller=None, _event=None) -> None:
        if not self._own:
            self._answering.start()

    def _on_volumes(self, _caller=None, _event=None) -> None:
        if not self._own and not self._panel.held and not self._scene.IsBatchProcessing():
            self._check_screen()

    def _on_layout(self, _caller=None, _event=None) -> None:
        before = self._seen
        if self._own or self._scene.IsBatchProcessing():
            return
        layout, self._seen = self.layout, self.layout
        if layout is None:
            self._turn_back()
        elif layout != before:
            # From Slicer's menu: with as many views as there is to show.
            with self._panel.guard(_("The layout could not be shown."), refresh=False):
                self.show_layout(layout)
        self.refresh(self._panel.situation)
        self._answering.start()

    def _answer(self) -> None:
        """The axial view follows, and the watchers are called."""
        self._place_discs()
        to_place, then = self._to_place, self._then
        self._to_place = self._then = None
        if to_place is not None and self._place(to_place) and then is not None:
            self._jump(then)
        node = self.axial_node
        line = self._line_to_follow()
        with self._alone():
            self._compare.link()
            if node is not None and line is not None and self._follower.follow(node, line):
                self._compare.link()
        for function in list(self._watchers):
            function()

    def _place_discs(self) -> None:
        study = self._panel.situation.study
        if study is not None and study.discs is not None:
            from ..scene.disc_points import show_discs_beside_axial

            show_discs_beside_axial(study.discs)

    def _line_to_follow(self):
        """The centreline of the mask in the views; None where the axial view is not to follow."""
        from ..scene.on_screen import images_in_views

        parameters, study = self._panel.parameters, self._panel.situation.study
        if parameters is None or not (parameters.followCord or parameters.squareToCord):
            return None
        if study is None or study.image not in images_in_views(self._scene):
            return None
        return self.line_of(study)

    def _turn_axial(self) -> None:
        """At right angles to the cord, or back, as the user wants."""
        parameters, node = self._panel.parameters, self.axial_node
        square = parameters is not None and parameters.squareToCord
        if node is None or self._follower.square == square:
            return
        line = self._line_to_follow()
        if square and line is None:
            return
        with self._alone():
            self._follower.square = square
            if line is None:
                self._follower.release(node)
            else:
                self._follower.centre(node, line)
        self._answering.start()

    @contextlib.contextmanager
    def _alone(self):
        """What we do to the views is not answered by ourselves."""
        before, self._own = self._own, True
        try:
            yield
        finally:
            self._own = before
