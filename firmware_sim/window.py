"""Messages on their way: sent, not yet answered; which of them to send again, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.error import ConfigurationError

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for an answer: `first_s`, then twice as long each time, at most `longest_s`."""

    first_s: float = 30.0
    longest_s: float = 300.0

    def wait_s(self, attempt: int) -> float:
        """Seconds to wait after the `attempt`-th sending, counted from 1."""
        return min(self.first_s * 2.0 ** min(attempt - 1, 20), self.longest_s)


class Window(Generic[Key]):
    """At most `limit` keys that wait for an answer, each with the moment at which waiting ends."""

    def __init__(self, limit: int, patience: Patience) -> None:
        if limit < 1:
            raise ConfigurationError(f"window of {limit} messages; expected at least 1")
        self.limit = limit
        self._patience = patience
        self._deadlines: dict[Key, tuple[float, int]] = {}
        self._earliest = float("inf")

    def __len__(self) -> int:
        return len(self._deadlines)

    def __contains__(self, key: Key) -> bool:
        return key in self._deadlines

    def __iter__(self) -> Iterator[Key]:
        return iter(self._deadlines)

    @property
    def room(self) -> int:
        """How many more keys may be opened."""
        return self.limit - len(self._deadlines)

    def open(self, key: Key, now_s: float) -> None:
        """Note that the message `key` was sent at `now_s`, for the first time or again."""
        attempt = self._deadlines.get(key, (0.0, 0))[1] + 1
        if attempt == 1 and self.room <= 0:
            raise ConfigurationError(f"window is full with {self.limit} messages")
        deadline = now_s + self._patience.wait_s(attempt)
        self._deadlines[key] = (deadline, attempt)
        self._earliest = min(self._earliest, deadline)

    def close(self, key: Key) -> bool:
        """Note the answer for `key`; False when it was not waiting."""
        return self._deadlines.pop(key, None) is not None

    def overdue(self, now_s: float) -> list[Key]:
        """Keys whose waiting ended by `now_s`, in the order of their first sending."""
        if now_s < self._earliest:
            return []
        late = [key for key, (deadline, _) in self._deadlines.items() if deadline <= now_s]
        rest = (deadline for deadline, _ in self._deadlines.values() if deadline > now_s)
        # Those returned are due again at once unless the caller opens them, which sets a later deadline.
        self._earliest = now_s if late else min(rest, default=float("inf"))
        return late
