"""One task for each item: a failure does not stop the others, a cancellation does."""

from __future__ import annotations

import weakref

import pytest

from SoftCordSegLib.errors import Cancelled, InputError, OptionError
from SoftCordSegLib.workflows.run_each import check_contrasts, run_each


class Image:
    """Something large."""


def test_what_fails_is_told_at_once_and_the_others_go_on():
    order = []

    def work(item, _progress):
        order.append(item)
        if item == 2:
            raise InputError("The image has no voxels.")
        return 10 * item

    outcomes = run_each(
        [1, 2, 3], work, name=str, on_failure=lambda failure: order.append(f"{failure.name} failed")
    )
    assert outcomes.results == [10, 30]
    assert [(one.item, str(one.error)) for one in outcomes.failures] == [
        (2, "The image has no voxels.")
    ]
    assert order == [1, 2, "2 failed", 3]


def test_the_memory_of_failed_work_is_free():
    held = []

    def work(_item, _progress):
        image = Image()
        held.append(weakref.ref(image))
        try:
            raise ValueError("first")
        except ValueError as error:
            raise InputError("second") from error

    outcomes = run_each(["a"], work, name=str)
    assert isinstance(outcomes.failures[0].error, InputError)
    assert held[0]() is None


def test_a_cancellation_ends_the_work():
    def work(item, _progress):
        if item == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        run_each([1, 2, 3], work, name=str)


def test_a_contrast_that_no_participant_has_is_refused():
    check_contrasts(["T1w"], {"T1w", "T2w"})
    with pytest.raises(OptionError, match="contrast T3w. Choose among T1w, T2w"):
        check_contrasts(["T3w"], {"T1w", "T2w"})
