"""The names before; see :mod:`SoftCordSegLib.workflows.segment_images`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...workflows.segment_images import SegmentOptions
from ...workflows.segment_images import segment_file as _segment_file


@dataclass(frozen=True)
class Request:
    folder: Path
    threshold: float | None = None
    device: str = "auto"
    options: dict[str, Any] | None = None

    @property
    def how(self) -> SegmentOptions:
        command = {"Name": "softcord demo", "Options": self.options or {}}
        return SegmentOptions(threshold=self.threshold, device=self.device, command=command)

    def outputs(self, image: Path) -> dict[str, Path]:
        return self.how.files(image, self.folder)


def segment_file(image: Path, request: Request, bundle: Any, _tools: Any, progress: Any) -> dict:
    return _segment_file(image, request.folder, bundle, request.how, progress).as_json()
