"""Getting and removing models: what a model is, how large its download is and its licence, in one
window.
"""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import SoftCordSegError
from ..resources import resources_folder
from .controls import setting, store_setting
from .platforms import confirm, install_missing_packages


class ModelDialog:
    """The window behind *Get models…*; made when it is first opened.

    Args:
        panel: see :class:`~.panel.Panel`.
        choice: :class:`~.model_choice.ModelChoice`.
    """

    def __init__(self, panel, choice):
        self._panel, self._choice = panel, choice
        self._dialog = self.ui = None
        self._releases: list = []  # then come the installed ones
        self._installed: list[str] = []
        self._sizes: dict[str, str] = {}

    def open(self) -> None:
        """Show the window; the panel can be used meanwhile."""
        with self._panel.guard(_("The models could not be listed.")):
            if self._dialog is None:
                self._make()
            self._fill()
            self._dialog.open()
            self._on_chosen(0)

    def close(self) -> None:
        """Remove the window."""
        if self._dialog is not None:
            self._dialog.hide()
            self._dialog.deleteLater()
            self._dialog = self.ui = None

    def _make(self) -> None:
        self._dialog = slicer.util.loadUI(str(resources_folder() / "UI" / "ModelDialog.ui"))
        self.ui = slicer.util.childWidgetVariables(self._dialog)
        window = slicer.util.mainWindow()
        if window is not None:
            self._dialog.setParent(window, qt.Qt.Dialog)
        self.ui.cordModelList.connect("activated(int)", self._on_chosen)
        self.ui.cordModelAskSize.connect("clicked()", self._on_ask_size)
        self.ui.cordModelDownload.connect("clicked()", self._on_download)
        self.ui.cordModelRemove.connect("clicked()", self._on_remove)
        self.ui.cordModelFromFile.connect("clicked()", self._on_file)
        self.ui.cordModelCancel.connect("clicked()", self._on_cancel)

    def _fill(self) -> None:
        from ..network.releases import releases
        from ..network.store import Store

        self._installed = [folder.name for folder in Store().bundles()]
        self._releases = [one for one in releases() if one.name not in self._installed]
        models = self.ui.cordModelList
        models.clear()
        for release in self._releases:
            models.addItem(f"{release.name} ({release.date})")
        for name in self._installed:
            models.addItem(_("{name} (installed)").format(name=name))

    def _on_chosen(self, index) -> None:
        """Show the model; no server is asked anything."""
        release = self._release(index)
        allow = self._panel.hints.allow
        allow(
            self.ui.cordModelDownload,
            "" if release is not None else _("This model is installed already."),
        )
        allow(
            self.ui.cordModelRemove,
            "" if self._installed_at(index) else _("This model is not installed."),
        )
        self.ui.cordModelAskSize.visible = release is not None and release.url not in self._sizes
        self.ui.cordModelAbout.text = (
            self._about_installed(index) if release is None else self._about(release)
        )

    def _on_ask_size(self) -> None:
        release = self._release(self.ui.cordModelList.currentIndex)
        if release is None or self._panel.situation.busy:
            return
        with self._panel.guard(_("The size of the download could not be asked for.")):
            self._sizes[release.url] = self._panel.work(lambda _progress: _size(release.url))
        if self.ui is not None:
            self._on_chosen(self.ui.cordModelList.currentIndex)

    def _about(self, release) -> str:
        size = self._sizes.get(release.url, _("size not asked for yet"))
        return "\n\n".join(
            [
                release.about,
                _("Download: {size}, from {url}").format(size=size, url=release.url),
                release.licence_text,
                _("To cite: {citation}").format(citation=release.citation),
            ]
        )

    def _about_installed(self, index) -> str:
        from ..network.store import Store

        name = self._installed_at(index)
        if not name:
            return _("All known models are installed.")
        return _("Installed in {folder}.").format(folder=Store().installed(name))

    def _release(self, index):
        return self._releases[index] if 0 <= index < len(self._releases) else None

    def _installed_at(self, index) -> str:
        index -= len(self._releases)
        return self._installed[index] if 0 <= index < len(self._installed) else ""

    def _on_cancel(self) -> None:
        self._dialog.reject()

    def _on_download(self) -> None:
        from ..network.install_model import install_release

        release = self._release(self.ui.cordModelList.currentIndex)
        if release is None:
            return
        self._dialog.accept()
        with self._panel.guard(_("The model could not be downloaded.")):
            self._install(lambda progress: install_release(release, progress=progress))

    def _on_remove(self) -> None:
        from ..network.store import Store

        name = self._installed_at(self.ui.cordModelList.currentIndex)
        self._dialog.accept()
        with self._panel.guard(_("The model could not be removed.")):
            store = Store()
            folder = store.installed(name)
            if confirm(_("Delete the model {name} ({folder})?").format(name=name, folder=folder)):
                store.remove(name)
                self._panel.say(_("The model '{name}' was removed.").format(name=name))

    def _on_file(self) -> None:
        from ..network.install_model import install_archive

        self._dialog.accept()
        path = qt.QFileDialog.getOpenFileName(
            None, _("Choose the file of a model"), setting("ModelFolder"), _("Models (*.zip)")
        )
        if not path:
            return
        with self._panel.guard(_("The model could not be installed.")):
            store_setting("ModelFolder", str(Path(path).parent))
            self._install(lambda progress: install_archive(path, progress=progress))

    def _install(self, install) -> None:
        """Install on the worker's thread, and choose the new model."""
        install_missing_packages(self._panel.requirements)
        folder = self._panel.work(install, self._panel.report)
        self._choice.model = folder
        self._panel.say(
            _("The model '{name}' is installed and will be used.").format(name=folder.name)
        )


def _size(url: str) -> str:
    from ..network.download import size_of

    try:
        size = size_of(url)
    except SoftCordSegError:
        size = None
    return _("size not known") if size is None else f"{size / 1e6:.0f} MB"
