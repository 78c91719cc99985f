"""Which edition of a rule judges data of a given day: a local date, never the date of the calculation."""

from __future__ import annotations

import datetime as dt
from typing import Final

from domain.document import editions

HJ633_2012: Final = "hj633-2012"
HJ633_2026: Final = "hj633-2026"
AQI_EDITIONS: Final[tuple[str, ...]] = (HJ633_2012, HJ633_2026)
LIMITS_2012: Final = "2012"
LIMITS_2026_TRANSITIONAL: Final = "2026-transitional"
LIMITS_2026_FINAL: Final = "2026-final"
LIMIT_EDITIONS: Final[tuple[str, ...]] = (LIMITS_2012, LIMITS_2026_TRANSITIONAL, LIMITS_2026_FINAL)


def edition_of(kind: str, day: dt.date) -> str:
    """Edition of `kind` that judges data of local `day`.

    The editions' days of validity are data (``standard.toml``). Days before the first edition are judged by the first:
    cities reported under it before it bound the whole country.

    Parameters
    ----------
    kind : str
        ``aqi``, ``limits`` or ``evaluation``.
    day : date
        Local day (UTC+8) of the data.

    Returns
    -------
    str
        Identifier of the edition.
    """
    known = editions(kind)
    begun = [edition for edition in known if edition.valid_from <= day]
    return (begun[-1] if begun else known[0]).id


def aqi_edition(day: dt.date) -> str:
    """Edition of HJ 633 for local `day`: to 2026-02-28 ``hj633-2012``, from 2026-03-01 ``hj633-2026``."""
    return edition_of("aqi", day)


def limit_edition(day: dt.date) -> str:
    """Edition of the GB 3095 limits for local `day`: ``2012``, from 2026-03-01 and from 2031-01-01 those of 2026."""
    return edition_of("limits", day)


def evaluation_edition(day: dt.date) -> str:
    """Edition of HJ 663 for local `day`: to 2026-02-28 ``hj663-2013``, then ``hj663-2026``."""
    return edition_of("evaluation", day)
