"""What is under way between loggers and the platform: bounded, matched by request number, forgotten after a while."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

C = TypeVar("C")


@dataclass(slots=True)
class _Waiting(Generic[C]):
    owner: C
    until_s: float


class Flight(Generic[C]):
    """Frames that were published and are not done: unanswered, or not yet taken by the broker.

    Parameters
    ----------
    limit : int
        Most frames at once.
    patience_s : float
        After so many seconds an answer is no longer expected; the logger sends its frame again by itself.
    """

    def __init__(self, limit: int, patience_s: float) -> None:
        self.limit = limit
        self._patience_s = patience_s
        self._answers: OrderedDict[tuple[str, str], _Waiting[C]] = OrderedDict()
        self._receipts: dict[int, C] = {}

    def __len__(self) -> int:
        return len(self._answers) + len(self._receipts)

    @property
    def is_full(self) -> bool:
        """Whether nothing more may leave."""
        return len(self) >= self.limit

    def await_answer(self, branch: str, qn: str, owner: C, now_s: float) -> C | None:
        """Expect the answer to a frame; returns whose the same frame was until now, if it was sent before.

        Parameters
        ----------
        branch, qn : str
            Topic without stream, and request number.
        owner : C
            Who gets the answer.
        now_s : float
            Monotonic clock.

        Returns
        -------
        C or None
            The former owner.
        """
        before = self._answers.pop((branch, qn), None)
        self._answers[branch, qn] = _Waiting(owner, now_s + self._patience_s)
        return None if before is None else before.owner

    def owner(self, branch: str, qn: str) -> C | None:
        """Who waits for the answer to a frame, None when nobody does."""
        found = self._answers.get((branch, qn))
        return None if found is None else found.owner

    def await_receipt(self, mid: int, owner: C) -> None:
        """Expect that the broker takes message `mid`, which asks for no answer."""
        self._receipts[mid] = owner

    def answered(self, branch: str, qn: str) -> C | None:
        """Whose frame has been answered, None when nobody waits for it."""
        found = self._answers.pop((branch, qn), None)
        return None if found is None else found.owner

    def received(self, mid: int) -> C | None:
        """Whose message the broker has taken, None for one that waits for an answer."""
        return self._receipts.pop(mid, None)

    def expired(self, now_s: float) -> list[C]:
        """Owners of frames whose answer is no longer expected; they are forgotten."""
        owners = []
        while self._answers:
            key, oldest = next(iter(self._answers.items()))
            if oldest.until_s > now_s:
                break
            del self._answers[key]
            owners.append(oldest.owner)
        return owners
