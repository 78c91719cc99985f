"""What an integrity check says, and the runs of time it speaks of.

A check looks at what one device told over a span of time. It says compliant when it could look and found nothing,
suspected when something was found, with the spans and the figures that show it, and undetermined when there was not
enough to look at: absence of data is never a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from domain.integrity_table import COMPLIANT, SUSPECTED, UNDETERMINED

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Figure = float | str


@dataclass(frozen=True, slots=True)
class Found:
    """One span in which something was found: Unix seconds of its first and last reading, and the figures."""

    first_s: int
    last_s: int
    figures: Mapping[str, Figure] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Check:
    """Verdict of one check; `found` only when suspected, `lacking` says what was missing when undetermined."""

    verdict: str
    found: tuple[Found, ...] = ()
    lacking: str = ""


def checked(found: Iterable[Found]) -> Check:
    """Suspected with what was found, compliant when nothing was."""
    spans = tuple(found)
    return Check(SUSPECTED if spans else COMPLIANT, spans)


def undetermined(lacking: str) -> Check:
    """No verdict, for want of `lacking`."""
    return Check(UNDETERMINED, lacking=lacking)


def merged(checks: Sequence[Check]) -> Check:
    """One check of several: suspected when one is, undetermined when none could look, else compliant."""
    found = tuple(span for check in checks for span in check.found)
    if found:
        return Check(SUSPECTED, found)
    if checks and all(check.verdict == UNDETERMINED for check in checks):
        return checks[0]
    return Check(COMPLIANT) if checks else undetermined("values")


def runs(true: npt.ArrayLike, times_s: npt.ArrayLike, *, gap_s: float) -> tuple[Integers, Integers]:
    """Maximal runs of true rows.

    Parameters
    ----------
    true : array_like of bool
        Shape (n,).
    times_s : array_like of int
        Shape (n,); ascending.
    gap_s : float
        Rows further apart do not belong to one run.

    Returns
    -------
    first, last : ndarray of int64
        Shape (m,); rows at which each run begins and ends, both inside.
    """
    rows = np.flatnonzero(np.asarray(true, dtype=np.bool_))
    times = np.asarray(times_s, dtype=np.int64)
    if not len(rows):
        return rows.astype(np.int64), rows.astype(np.int64)
    cuts = np.flatnonzero((np.diff(rows) > 1) | (np.diff(times[rows]) > gap_s))
    first = rows[np.concatenate(([0], cuts + 1))]
    last = rows[np.concatenate((cuts, [len(rows) - 1]))]
    return first.astype(np.int64), last.astype(np.int64)


def usual_step_s(times_s: Integers) -> float:
    """Median time between neighbouring readings; NaN with fewer than two."""
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else float("nan")
