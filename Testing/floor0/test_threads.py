"""How many threads are used, and work in parts: all of it is done, by so many threads, and what
fails is heard.
"""

from __future__ import annotations

import threading

import numpy as np
import pytest

from SoftCordSegLib import threads


def test_threads_are_those_of_the_option_or_of_the_environment(monkeypatch):
    monkeypatch.setattr(threads, "_threads", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads.thread_count() == 3
    threads.limit_threads(None)
    assert threads.thread_count() == 3
    threads.limit_threads(2)
    assert threads.thread_count() == 2
    monkeypatch.setattr(threads, "_threads", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    assert threads.thread_count() is None


@pytest.mark.parametrize("length", [1, 5, 8, 1000])
@pytest.mark.parametrize("count", [1, 3])
def test_each_part_is_done_once_by_so_many_threads(monkeypatch, length, count):
    monkeypatch.setattr(threads, "_threads", count)
    done, names = np.zeros(length, int), set()
    together = threading.Barrier(min(count, length), timeout=20)
    first = threading.local()

    def work(part):
        if not getattr(first, "met", False):  # so that each thread gets a part
            first.met = True
            together.wait()
        names.add(threading.current_thread().name)
        done[part] += 1

    threads.in_parts(work, length)

    assert (done == 1).all()
    assert len(names) == min(count, length)


def test_parts_are_the_same_for_any_number_of_threads(monkeypatch):
    seen = []
    for count in (1, 4):
        monkeypatch.setattr(threads, "_threads", count)
        parts = []
        threads.in_parts(parts.append, 100)
        seen.append(sorted((part.start, part.stop) for part in parts))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("count", [1, 2])
def test_what_fails_in_a_part_is_raised(monkeypatch, count):
    monkeypatch.setattr(threads, "_threads", count)

    def work(part):
        if part.start:
            raise MemoryError

    with pytest.raises(MemoryError):
        threads.in_parts(work, 100)
