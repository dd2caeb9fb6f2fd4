"""What a fine-tuned bundle says of where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import counted
from ...files import file_sha256
from ...provenance import now
from ..trainer.run_export import software_versions

if TYPE_CHECKING:
    from ...network import ModelBundle

_MARK = "finetune."


def next_version(version: str) -> str:
    """The version of a child: "0.2.0" gives "0.2.0+finetune.1", and that gives "0.2.0+finetune.2"
    (build metadata of SemVer).
    """
    base, _, build = version.partition("+")
    parts = build.split(".") if build else []
    if len(parts) >= 2 and parts[-2] == _MARK[:-1] and parts[-1].isdecimal():
        return f"{base}+{'.'.join([*parts[:-1], str(int(parts[-1]) + 1)])}"
    return f"{base}+{'.'.join([*parts, _MARK + '1'])}"


def trained_on(bundle: ModelBundle) -> frozenset[str]:
    """SHA-256 of the images that a bundle or one of its parents was fine-tuned on."""
    found: set[str] = set()
    for provenance in _line(bundle):
        for case in provenance.get("finetuning", {}).get("cases", []):
            if case["part"] == "training":
                found.add(case["sha256"]["image"])
    return frozenset(found)


def loss_of(bundle: ModelBundle) -> tuple[str, dict[str, Any]] | None:
    """The loss, and its options, that the segmenter of a bundle, or of the nearest parent that says
    so, was trained by.

    Returns:
        As the bundle has them, unchecked; None if none of them says.
    """
    for provenance in _line(bundle):
        stage = provenance.get("segmenter")
        if not isinstance(stage, dict):
            continue
        # The plan of the training; bundles before 0.6.0 have its entries beside the steps.
        plan = stage["plan"] if isinstance(stage.get("plan"), dict) else stage
        if plan.get("loss"):
            return plan["loss"], plan.get("loss_options") or {}
    return None


def _line(bundle: ModelBundle) -> Iterator[dict[str, Any]]:
    """The provenance of a bundle, of its parent, and so on."""
    provenance = bundle.metadata.get("provenance")
    while isinstance(provenance, dict):
        yield provenance
        parent = provenance.get("parent")
        provenance = parent.get("provenance") if isinstance(parent, dict) else None


def run_of(bundle: ModelBundle) -> str | None:
    """The run that a bundle came from; None for one that was not fine-tuned."""
    return (bundle.metadata.get("provenance") or {}).get("finetuning", {}).get("run")


def metadata_of(parent: ModelBundle, command: str, finetuning: dict[str, Any]) -> dict[str, Any]:
    """``metadata.json`` of the child: the parent's, with the new version, and the parent's own
    provenance within its own.

    Args:
        parent: what was trained on.
        command: as it was typed, without paths.
        finetuning: the record of the run, plain types, no names of patients and no paths.
    """
    version = next_version(str(parent.metadata["version"]))
    counts = finetuning["participants"]
    learnt = sum(case["part"] == "training" for case in finetuning["cases"])
    whose = f"{counted(learnt, 'corrected case')} of {counted(counts['training'], 'participant')}"
    said = f"fine-tuned from {parent.metadata['version']} on {whose}"
    return {
        **{
            name: value
            for name, value in parent.metadata.items()
            if name not in ("weights", "provenance")
        },
        "version": version,
        "changelog": {**(parent.metadata.get("changelog") or {}), version: said},
        **software_versions(),
        "provenance": {
            "command": command,
            "date": now(),
            "parent": {
                "name": parent.metadata["name"],
                "version": str(parent.metadata["version"]),
                "sha256": parent.sha256,
                "metadata_sha256": file_sha256(parent.folder / "configs" / "metadata.json"),
                "provenance": parent.metadata.get("provenance"),
            },
            "finetuning": finetuning,
        },
    }
