"""Moments as browsers' fields give and take them, in Beijing time."""

from __future__ import annotations

import datetime as dt

from domain.period import ZONE


def local_moment(text: str) -> dt.datetime | None:
    """A moment as a field of the kind datetime-local gives it; None when it is none."""
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE)
    except ValueError:
        return None


def field_text(moment: dt.datetime | None) -> str:
    """A moment as such a field takes it."""
    return "" if moment is None else moment.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")
