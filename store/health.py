"""Health of devices as screens see it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """One device in service; shares in percent, None where nothing was due or nothing came.

    Attributes
    ----------
    device_id, site_zh, protocol : str
        Who.
    interval_s : int
        Expected seconds between readings.
    state_zh, link_zh : str
        Freshness and link in words.
    last_seen_at : datetime or None
        Its newest message or statement about its link.
    age_s : float or None
        Seconds since its last message.
    skew_s : float or None
        Receipt minus end of its newest reading, in seconds; below 0 its clock is ahead.
    effective_today, effective_month : float or None
        Readings received of those due times usable values of those carried (传输有效率).
    duplicate_month, reject_month : float or None
        Share of its messages.
    last_error : str or None
        The last reason sent back.
    last_error_at : datetime or None
        When.
    family : str
        Key of the family of its readings.
    """

    device_id: str
    site_zh: str
    protocol: str
    interval_s: int
    state_zh: str
    link_zh: str
    last_seen_at: dt.datetime | None
    age_s: float | None
    skew_s: float | None
    effective_today: float | None
    effective_month: float | None
    duplicate_month: float | None
    reject_month: float | None
    last_error: str | None
    last_error_at: dt.datetime | None
    family: str


def read_health(conn: Connection, *, site: str | None = None) -> list[DeviceHealth]:
    """Health of every device in service, the worst month first.

    Parameters
    ----------
    conn : Connection
        As role lantian_app or lantian_reader.
    site : str, optional
        Only devices of this site.

    Returns
    -------
    list of DeviceHealth
        From view screen.device_health.
    """
    columns = ", ".join(DeviceHealth.__dataclass_fields__)
    rows = conn.execute(
        f"select {columns} from screen.device_health where %(site)s::text is null or site_id = %(site)s"  # noqa: S608
        " order by effective_month nulls first, device_id",
        {"site": site},
    ).fetchall()
    return [DeviceHealth(*row) for row in rows]
