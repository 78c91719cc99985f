"""The example reduction list of a county's data set."""

from __future__ import annotations

import datetime as dt

from app.register import import_register, open_desk
from domain.county import County, county_folder
from domain.error import ConfigurationError
from domain.reduction_register import REDUCTION_LINE, REDUCTION_MEASURE
from store.connection import Connection
from store.register import Author


def enter_example(conn: Connection, county: County, author: Author, *, now: dt.datetime) -> None:
    """Enter lines and measures of the example list; the caller commits."""
    for part, listed in (("lines", REDUCTION_LINE), ("measures", REDUCTION_MEASURE)):
        path = county_folder(county.id) / f"reduction_{part}.csv"
        checked = import_register(conn, open_desk(conn, listed, now), path, author, partial=False)
        if checked.faults:
            raise ConfigurationError("\n".join(checked.faults))
