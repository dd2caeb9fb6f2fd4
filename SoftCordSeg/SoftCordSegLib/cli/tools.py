"""The names before: commands call ``network.store.open_bundle`` and
``segmentation.segment_within_memory`` themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .running import use_threads as limit_threads


def _segment(image: Any, bundle: Any, **options: Any) -> Any:
    from ..segmentation import segment_within_memory

    return segment_within_memory(image, bundle, **options)


def _open_bundle(model: str | None) -> Any:
    from ..network import store
    from .running import keep_memory_for

    bundle = store.open_bundle(model)
    keep_memory_for(bundle)
    return bundle


@dataclass(frozen=True)
class Tools:
    segment: Callable = _segment
    open_bundle: Callable[[str | None], Any] = _open_bundle


__all__ = ["Tools", "limit_threads"]
