"""What a user does in the tests of the panel while the network works."""

from __future__ import annotations


def while_running(host, action) -> None:
    """Do something whenever the panel handles events."""
    original = host.process_events

    def process_events():
        action()
        original()

    host.process_events = process_events
