"""Installing a model, from a file or a release of the authors, and removing one, after asking."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import qt
from slicer.i18n import tr as _

from .controls import Section, setting, store_setting
from .platforms import confirm, install_missing_packages


class ModelSection(Section):
    """The list below the chosen model.  Its first entry is its title; each other one is an action.

    Args:
        panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._actions: list[tuple[str, Callable[[], None]]] = []
        self._ui.cordModelGetSelector.connect("activated(int)", self._on_chosen)

    def refresh(self, situation) -> None:
        wait = _("Wait for the work that is running, or cancel it.") if situation.busy else ""
        missing = _("Install the missing packages first.") if situation.missing else ""
        self._panel.hints.allow(self._ui.cordModelGetSelector, wait or missing)
        if not situation.missing:
            self._fill()

    def _fill(self) -> None:
        """The actions; filled again only after a change."""
        from ..network.releases import releases
        from ..network.store import Store

        installed = [folder.name for folder in Store().bundles()]
        actions = [(_("Install from a file (.zip) …"), self._install_file)]
        for release in releases():
            if release.name not in installed:
                text = _("Download {name} ({date}) …").format(name=release.name, date=release.date)
                actions.append((text, partial(self._download, release.name)))
        actions += [
            (_("Remove {name} …").format(name=name), partial(self._remove, name))
            for name in installed
        ]
        texts = [text for text, _action in actions]
        selector = self._ui.cordModelGetSelector
        if texts == [text for text, _action in self._actions] and selector.count == len(texts) + 1:
            return
        self._actions = actions
        selector.clear()
        for text in (_("Get or remove models …"), *texts):
            selector.addItem(text)

    def _on_chosen(self, index) -> None:
        self._ui.cordModelGetSelector.currentIndex = 0
        if 1 <= index <= len(self._actions):
            self._actions[index - 1][1]()

    def _install_file(self) -> None:
        from ..network.install_model import install_archive

        path = qt.QFileDialog.getOpenFileName(
            None, _("Choose the file of a model"), setting("ModelFolder"), _("Models (*.zip)")
        )
        if not path:
            return
        with self._panel.guard(_("The model could not be installed.")):
            store_setting("ModelFolder", str(Path(path).parent))
            self._run(lambda progress: install_archive(path, progress=progress))

    def _download(self, name: str) -> None:
        from ..network.install_model import install_release
        from ..network.releases import release_named

        with self._panel.guard(_("The model could not be downloaded.")):
            release = release_named(name)
            question = _(
                "Download the model {name} from {url}?\n\n{about}\n\n{licence}\n\nTo cite:"
                " {citation}"
            ).format(
                name=name,
                url=release.url,
                about=release.about,
                licence=release.licence_text,
                citation=release.citation,
            )
            if confirm(question):
                self._run(lambda progress: install_release(release, progress=progress))

    def _remove(self, name: str) -> None:
        from ..network.store import Store

        with self._panel.guard(_("The model could not be removed.")):
            store = Store()
            folder = store.installed(name)
            if confirm(_("Delete the model {name} ({folder})?").format(name=name, folder=folder)):
                store.remove(name)
                self._panel.say(_("The model '{name}' was removed.").format(name=name))

    def _run(self, install) -> None:
        """Install on the worker's thread, and choose the new model."""
        install_missing_packages(self._panel.requirements)

        def report(fraction, message):
            self._ui.cordProgressBar.value = round(100 * fraction)
            if self._ui.cordCancelButton.enabled:
                self._panel.say(message)

        folder = self._panel.work(install, report)
        store_setting("Model", str(folder))
        self._panel.say(
            _("The model '{name}' is installed and will be used.").format(name=folder.name)
        )
