"""Bounds and counts of the gateway, and how many sockets this process may open."""

from __future__ import annotations

import resource
from dataclasses import dataclass, fields
from typing import Final

#: Files that are not loggers: broker, log, event loop, database.
SPARE_FILES: Final = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a gateway.

    Attributes
    ----------
    connections : int
        Loggers at once.
    in_flight : int
        Frames under way to the platform, of all loggers.
    in_flight_each : int
        The same of one connection.
    idle_s : float
        Silence after which a connection is closed.
    patience_s : float
        How long an answer of the platform is expected.
    report_s : float
        Seconds between two lines of the log.
    """

    connections: int = 10_000
    in_flight: int = 10_000
    in_flight_each: int = 64
    idle_s: float = 3900.0
    patience_s: float = 60.0
    report_s: float = 60.0


@dataclass(slots=True)
class Tally:
    """Counts since the start.

    Attributes
    ----------
    frames : int
        Good frames published.
    rejected : int
        Broken or refused pieces, published so that they end in the table of rejects.
    answered : int
        Answers forwarded to loggers.
    errors : int
        Frames that the platform rejected.
    commands : int
        Requests of the platform forwarded to loggers.
    undelivered : int
        Requests for loggers that were not connected.
    expired : int
        Answers that did not come in time.
    unheard : int
        Messages for which the broker knew no collector.
    cut : int
        Connections that ended in the middle of a frame.
    accepted, refused, idle : int
        Connections taken in, sent away because there were too many or too much garbage, closed for silence.
    """

    frames: int = 0
    rejected: int = 0
    answered: int = 0
    errors: int = 0
    commands: int = 0
    undelivered: int = 0
    expired: int = 0
    unheard: int = 0
    cut: int = 0
    accepted: int = 0
    refused: int = 0
    idle: int = 0

    def as_row(self) -> dict[str, int]:
        """Name -> count."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def raise_file_limit() -> int:
    """Raise this process's limit of open files to what it may be; returns the limit now in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft
