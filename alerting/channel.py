"""What a channel is: it hands one message to one receiver, or says why not.

A `ServiceError` may pass with time: the delivery is tried again. A `ConfigurationError` will not: the delivery is dead
until a person has put the cause right and replays it.
"""

from __future__ import annotations

from typing import Protocol

from alerting.message import Message


class Channel(Protocol):
    """One way to reach people or systems; used by one thread at a time."""

    def send(self, message: Message) -> None:
        """Hand a message over; returns once the receiver (or the broker, or the mail server) has taken it."""

    def close(self) -> None:
        """Give up connections."""
