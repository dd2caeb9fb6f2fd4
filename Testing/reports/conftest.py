"""Fixtures of the pages: the command that writes them."""

from __future__ import annotations

import pytest

from cli.fakes import Softcord


@pytest.fixture
def softcord():
    return Softcord()
