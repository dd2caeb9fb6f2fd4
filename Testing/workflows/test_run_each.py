"""One task for each item: a failure does not stop the others, a cancellation does."""

from __future__ import annotations

import contextlib
import threading
import weakref

import pytest

from SoftCordSegLib.errors import Cancelled, InputError, OptionError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.workflows.run_each import check_contrasts, run_each, run_each_overlapping


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


def test_the_next_is_read_and_the_last_is_written_while_one_is_worked_on():
    """The work on 1 waits until 2 is being read, and that on 2 until 1 is being written: one after
    the other, neither would end.
    """
    is_read, is_written = {2: threading.Event()}, {1: threading.Event()}

    def read(item):
        if item in is_read:
            is_read[item].set()
        return 10 * item

    def work(item, got, _progress):
        if item == 1:
            assert is_read[2].wait(20)
        if item == 2:
            assert is_written[1].wait(20)
        return got + 1

    def write(item, made):
        if item in is_written:
            is_written[item].set()
        return made

    outcomes = run_each_overlapping([1, 2, 3], read, work, write, name=str)
    assert (outcomes.results, outcomes.failures) == ([11, 21, 31], [])


@pytest.mark.parametrize("broken", ["read", "work", "write"])
def test_what_fails_in_any_step_costs_itself_only_and_its_memory_is_free(broken):
    held, told = [], []

    def step(kind, item, image=None):
        image = image or Image()
        if (kind, item) == (broken, 2):
            held.append(weakref.ref(image))
            raise InputError(f"{kind} failed.")
        return image

    outcomes = run_each_overlapping(
        [1, 2, 3],
        lambda item: step("read", item),
        lambda item, got, _progress: step("work", item, got),
        lambda item, made: (step("write", item, made), item)[1],
        name=str,
        on_failure=lambda failure: told.append(failure.name),
    )
    assert outcomes.results == [1, 3]
    assert [(one.item, str(one.error)) for one in outcomes.failures] == [(2, f"{broken} failed.")]
    assert told == ["2"]
    assert held[0]() is None


def test_no_more_than_three_items_are_in_memory():
    alive, most = [], []
    begun = [threading.Event() for _ in range(12)]

    def read(item):
        image = Image()
        alive.append(weakref.ref(image))
        most.append(sum(one() is not None for one in alive))
        begun[item].set()
        return image

    def work(item, got, _progress):
        assert begun[min(item + 1, 11)].wait(30), "the next one is read meanwhile"
        return got

    run_each_overlapping(range(12), read, work, lambda item, _made: item, name=str)
    assert 1 < max(most) <= 3


def test_a_cancellation_leaves_what_was_made_before_it_written():
    written = []

    def work(item, got, progress):
        if item == 2:
            raise Cancelled("Stopped.")
        return got

    def write(item, _made):
        written.append(item)

    with pytest.raises(Cancelled):
        run_each_overlapping([1, 2, 3], lambda item: item, work, write, name=str)
    assert written == [1]


def test_the_wish_to_stop_is_heeded_while_a_file_is_read():
    go_on = threading.Event()
    asked = []

    def is_cancelled():
        asked.append(None)
        if len(asked) > 2:
            go_on.set()
            return True
        return False

    @contextlib.contextmanager
    def bar(_name):
        yield Progress(is_cancelled=is_cancelled)

    with pytest.raises(Cancelled):
        run_each_overlapping(
            [1], lambda _item: go_on.wait(20), lambda *_: None, lambda *_: None, name=str, bar=bar
        )


def test_a_contrast_that_no_participant_has_is_refused():
    check_contrasts(["T1w"], {"T1w", "T2w"})
    with pytest.raises(OptionError, match="contrast T3w. Choose among T1w, T2w"):
        check_contrasts(["T3w"], {"T1w", "T2w"})
