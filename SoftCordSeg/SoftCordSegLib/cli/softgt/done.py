"""What is asked for a participant, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .areas import Area
from .files import Layout
from .inputs import Participant

if TYPE_CHECKING:
    from ...groundtruth import Contrast, GroundTruth, GroundTruthOptions
    from ...volume import Volume


@dataclass(frozen=True)
class Request:
    """What to do for every participant.

    Attributes:
        options: of the ground truth.
        layout: where results go.
        levels: over which areas are measured.
        command: the command's own words, for the sidecars.
    """

    options: GroundTruthOptions
    layout: Layout
    levels: tuple[int, ...] = (2, 3)
    command: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What became of one participant.

    Attributes:
        participant: its files.
        contrasts: what went in; none once all is written.
        mask_sha256: of the masks' files, by contrast.
        truth: what came out; without voxels once all is written, since a study has hundreds of
            participants.
        areas: over the levels; none without discs.
        disc_images: discs carried over, drawn on each contrast's grid; none without discs, and once
            all is written.
        notes: what a reader has to know.
        files: written, by kind and contrast.
    """

    participant: Participant
    contrasts: tuple[Contrast, ...]
    mask_sha256: dict[str, str]
    truth: GroundTruth
    areas: tuple[Area, ...] = ()
    disc_images: dict[str, Volume] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
