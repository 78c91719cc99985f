"""Link states of loggers, told on the topic `state` of each: a logger on TCP cannot speak for itself there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from ingest.wire.json_frame import encode_state, stated_by

ONLINE = "online"
OFFLINE = "offline"


class LinkBoard:
    """Which loggers are connected here, as the broker has been told.

    Parameters
    ----------
    name : str
        Who tells it, the ``via`` of every message.
    publish : callable
        Topic and payload of a retained message -> its number.
    """

    def __init__(self, name: str, publish: Callable[[str, bytes], int]) -> None:
        self._name = name
        self._publish = publish
        self._branches: dict[str, str] = {}
        #: Messages that the broker has not taken yet.
        self.pending: set[int] = set()

    def connected(self, device: str, branch: str, at: dt.datetime) -> None:
        """A logger has sent its first good frame on a connection; told once until it is gone."""
        if device not in self._branches:
            self._branches[device] = branch
            self._tell(branch, ONLINE, at)

    def gone(self, device: str, at: dt.datetime) -> None:
        """The last connection of a logger has ended."""
        branch = self._branches.pop(device, None)
        if branch is not None:
            self._tell(branch, OFFLINE, at)

    def heard(self, branch: str, payload: bytes, at: dt.datetime) -> None:
        """A state on the broker: one that we told before we died, of a logger that is not here, is put right."""
        if stated_by(payload) == (ONLINE, self._name) and branch.rpartition("/")[2] not in self._branches:
            self._tell(branch, OFFLINE, at)

    def close(self, at: dt.datetime) -> None:
        """Everybody is gone, for we are going."""
        for device in list(self._branches):
            self.gone(device, at)

    def _tell(self, branch: str, state: str, at: dt.datetime) -> None:
        self.pending.add(self._publish(f"{branch}/state", encode_state(state, at, self._name)))
