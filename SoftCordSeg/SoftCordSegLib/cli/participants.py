"""The names before; see :mod:`SoftCordSegLib.workflows.run_each` and func:`.running.run_with_bars`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ..workflows import run_each as workflow
from .running import run_with_bars


def run_each(people: Sequence[Any], work: Callable, debug: bool) -> tuple[list, dict[str, str]]:
    outcomes = run_with_bars(people, work, debug)
    return outcomes.results, {one.name: str(one.error) for one in outcomes.failures}


def failed(errors: dict[str, str]) -> list[dict[str, str]]:
    return [{"participant": name, "error": sentence} for name, sentence in errors.items()]


def check_contrasts(_option: str, names: Iterable[str], there: Collection[str]) -> None:
    workflow.check_contrasts(names, there)
