"""Options and arguments that the commands of `lantian warning` share."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Callable
from typing import Any, Final

import click

from alerting.response import Decision
from domain.error import ConfigurationError
from domain.period import ZONE
from store.connection import Connection
from store.registration import read_areas

LOCAL: Final = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"])
Command = Callable[..., Any]


def area_named(conn: Connection, name: str | None) -> str:
    """The area of that id; without one the only area there is."""
    areas = read_areas(conn)
    if name is None and len(areas) == 1:
        return next(iter(areas))
    if name not in areas:
        raise ConfigurationError(f"--area: found {name or 'none'}, expected one of {', '.join(areas)}")
    return name


def local_moment(moment: dt.datetime | None) -> dt.datetime | None:
    """A time of an option, which is local."""
    return None if moment is None else moment.replace(tzinfo=ZONE)


def decides(function: Command) -> Command:
    """Options of a step that a person takes."""
    for option in (
        click.option("--area", help="Area; by default the only one."),
        click.option("--by", help="Who decides; by default the user of the computer."),
        click.option("--why", required=True, help="Reason, such as the minutes of the consultation."),
    ):
        function = option(function)
    return function


def period(function: Command) -> Command:
    """Options of the expected period."""
    start = click.option("--from", "starts", type=LOCAL, help="Start of the period, local time.")
    return start(click.option("--to", "ends", type=LOCAL, help="Expected end, local time.")(function))


def decision(by: str | None, why: str, starts: dt.datetime | None = None, ends: dt.datetime | None = None) -> Decision:
    """A decision that somebody takes now."""
    return Decision(by or getpass.getuser(), why, dt.datetime.now(dt.UTC), local_moment(starts), local_moment(ends))
