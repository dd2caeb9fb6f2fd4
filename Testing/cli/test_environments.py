"""One environment of each kind; all of them run in ``make stress``."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("limits of resources are of POSIX", allow_module_level=True)

from stress.environments import environments, faults, one_of_each_kind


@pytest.mark.parametrize("one", one_of_each_kind(), ids=lambda one: one.kind)
def test_an_environment_of_each_kind(one, tmp_path):
    assert faults(one, tmp_path) == []


def test_the_table_of_environments_is_long():
    names = [(one.kind, one.name) for one in environments()]
    assert len(set(names)) == len(names) >= 70
