"""How fast one device may send: what comes above that for long is rejected, not stored as readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: Topics remembered at most before those that have rested long enough are forgotten.
_REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """Messages of one device.

    Attributes
    ----------
    per_s : float
        In the long run.
    burst : int
        At once after a rest: what a device with store and forward has kept while it could not send.
    """

    per_s: float = 100.0
    burst: int = 100_000

    def __str__(self) -> str:
        return f"{self.per_s:g} messages a second and {self.burst} at once"


class Pace:
    """Counts the messages of each topic, which is one device's; one collector's view.

    Parameters
    ----------
    allowance : Allowance
        The same for every device.
    """

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self._left: dict[str, tuple[float, float]] = {}

    def refused(self, topics: Sequence[str], now_s: float) -> frozenset[int]:
        """Take a batch into account.

        Parameters
        ----------
        topics : sequence of str
            Of the messages of a batch, in order of arrival.
        now_s : float
            Monotonic seconds; never less than before.

        Returns
        -------
        frozenset of int
            Positions of the messages that are too many: the last ones of their topic.
        """
        per_s, burst = self.allowance.per_s, self.allowance.burst
        excess: dict[str, int] = {}
        for topic, count in Counter(topics).items():
            left, at_s = self._left.get(topic, (float(burst), now_s))
            left = min(float(burst), left + (now_s - at_s) * per_s)
            if count > left:
                excess[topic] = count - int(left)
            self._left[topic] = left - min(count, int(left)), now_s
        if len(self._left) > _REMEMBERED:
            self._forget(now_s)
        refused = []
        for at in range(len(topics) - 1, -1, -1) if excess else ():
            if excess.get(topics[at]):
                excess[topics[at]] -= 1
                refused.append(at)
        return frozenset(refused)

    def _forget(self, now_s: float) -> None:
        """Forget the topics that have their whole allowance again."""
        per_s, burst = self.allowance.per_s, self.allowance.burst
        self._left = {
            topic: (left, at_s) for topic, (left, at_s) in self._left.items() if left + (now_s - at_s) * per_s < burst
        }
