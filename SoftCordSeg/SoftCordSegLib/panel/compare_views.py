"""The views of the layout *Compare*: one column for each contrast of a participant, at one place in
the scanner.
"""

from __future__ import annotations

from slicer.i18n import tr as _

from ..errors import InputError


class CompareViews:
    """Fills the views of the layout *Compare*, and links them.

    Args:
        scene: the MRML scene.

    Attributes:
        studies: ``scene.study.Study`` of what is compared, the chosen one first; empty while
            another layout is shown.
        beside: image nodes that were given to be shown beside the chosen one, with a mask or
            without; empty for the participant's other volumes.
    """

    def __init__(self, scene):
        self._scene = scene
        self._groups: list = []
        self.studies: list = []
        self.beside: list = []

    @property
    def nodes(self) -> list:
        """The slice nodes of further contrasts."""
        return [node for group in self._groups for node in group.nodes[1:]]

    def studies_for(self, study, most: int) -> list:
        """What can be compared with a study, that one first, ``most`` in all.

        Raises:
            InputError: no other volume of the participant has a mask.
        """
        others = self._given()
        if study is not None and others:
            return [study, *others][:most]
        if study is not None and study.soft is not None:
            from ..scene.cord_profile import studies_of_participant

            others = studies_of_participant(study)
        if not others:
            raise InputError(
                _("No other volume of this participant has a mask."),
                hint=_("Load another contrast of the participant and segment it."),
            )
        return [study, *others][:most]

    def _given(self) -> list:
        from ..scene.study import study_of

        return [study_of(image) for image in self.beside if image.GetScene() is self._scene]

    def show(self, studies: list) -> None:
        """Fill the views, once the layout is shown."""
        from ..scene.cord_layouts import view_names
        from ..scene.linked_views import LinkedViews
        from ..scene.on_screen import put_in_view
        from ..scene.view_placement import composite_node_of, slice_node_of

        self.studies = studies
        self._groups = []
        for names in view_names("compare", len(studies)).values():
            nodes = [slice_node_of(self._scene, name) for name in names]
            self._groups.append(LinkedViews([node for node in nodes if node is not None]))
            for name, study in list(zip(names, studies))[1:]:
                composite = composite_node_of(self._scene, name)
                if composite is not None:
                    # A volume that is loaded now does not take the place of one that is compared.
                    composite.SetDoPropagateVolumeSelection(False)
                    put_in_view(composite, study.image)
        self.link()

    def leave(self) -> None:
        """Another layout is shown."""
        self._groups, self.studies = [], []

    def link(self) -> None:
        """Bring the views to one place."""
        for group in self._groups:
            group.link()
