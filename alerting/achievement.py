"""What an episode's orders achieved: hours by verdict, and emission saved where electricity tells. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alerting.plan import reduction_share
from domain.reduction_register import POLLUTANT_FIELDS
from store.order import OrderMeasure, Verification
from store.reduction import ListedLine

HOURS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Hours:
    """Judged hours by verdict."""

    fulfilled: int
    suspected: int
    undetermined: int

    @property
    def total(self) -> int:
        """All judged hours."""
        return self.fulfilled + self.suspected + self.undetermined

    @property
    def percent(self) -> float | None:
        """Fulfilled share of the hours that could be judged; None when none could."""
        judged = self.fulfilled + self.suspected
        return 100 * self.fulfilled / judged if judged else None


@dataclass(frozen=True, slots=True)
class Saved:
    """Emission of one pollutant in t: as planned by the measures, and as electricity shows.

    `shown` counts the hours with power and usual power; `unknown` is what was planned for the other hours, of which
    nothing can be said.
    """

    pollutant: str
    planned: float
    shown: float
    unknown: float


def hours_of(rows: Iterable[Verification]) -> Hours:
    """Count verdicts."""
    verdicts = [row.verdict for row in rows]
    return Hours(*(verdicts.count(name) for name in ("fulfilled", "suspected", "undetermined")))


def shown_share(row: Verification) -> float | None:
    """Share of its usual electricity that a line did not draw in an hour, 0 to 1; None when it cannot be told."""
    if row.power_kw is None or not row.baseline_kw or row.reason in ("dead_meter", "frozen", "clock_skew", "silent"):
        return None
    return min(max(1 - row.power_kw / row.baseline_kw, 0.0), 1.0)


def saved(
    measures: Sequence[OrderMeasure], rows: Mapping[int, Sequence[Verification]], lines: Mapping[str, ListedLine]
) -> list[Saved]:
    """Emission saved by measures at lines of the list.

    Parameters
    ----------
    measures : sequence of OrderMeasure
        Measures of one or more orders; of several at a line within one order the largest counts.
    rows : mapping of int to sequence of Verification
        Verdicts by measure.
    lines : mapping of str to ListedLine
        Emission in t/d of normal production.

    Returns
    -------
    list of Saved
        By pollutant, those without emission left out. A line's emission is taken to follow its electricity, which
        overstates the effect of a line that stands with its ovens kept warm.
    """
    chosen: dict[tuple[int, str], OrderMeasure] = {}
    for measure in measures:
        if measure.line_id in lines and measure.kind != "transport":
            key = (measure.order_id, str(measure.line_id))
            if key not in chosen or reduction_share(measure) > reduction_share(chosen[key]):
                chosen[key] = measure
    result = []
    for pollutant in POLLUTANT_FIELDS:
        planned = shown = unknown = 0.0
        for (_, line_id), measure in chosen.items():
            hourly = lines[line_id].emission.get(pollutant, 0.0) / HOURS_A_DAY
            for row in rows.get(measure.id, ()):
                share, plan = shown_share(row), hourly * reduction_share(measure)
                planned += plan
                shown += hourly * share if share is not None else 0.0
                unknown += plan if share is None else 0.0
        if planned > 0:
            result.append(Saved(pollutant, planned, shown, unknown))
    return result
