"""The editions that judge a year of data in the offline evaluation, and what they say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from domain.document import edition_named
from domain.edition import HJ633_2012, HJ633_2026, LIMITS_2012, aqi_edition, evaluation_edition, limit_edition
from domain.ranking import IndexItem, index_items
from domain.standard import EvaluationItem, Validity, evaluation_items, limits, percentiles, validity


@dataclass(frozen=True, slots=True)
class Rules:
    """The editions that judge, and what they say."""

    limits_edition: str
    aqi_edition: str
    evaluation_standard: str
    limits: Mapping[tuple[str, str], float]
    items: tuple[EvaluationItem, ...]
    percentiles: Mapping[str, int]
    validity: Validity

    @classmethod
    def chosen(cls, year: int, limits_edition: str | None, index_edition: str | None) -> Rules:
        """Rules of a year of data, unless others are asked for; limits bring the AQI edition of their time along."""
        last_day = dt.date(year, 12, 31)
        if limits_edition is None:
            limits_edition, default_index = limit_edition(last_day), aqi_edition(last_day)
        else:
            default_index = HJ633_2012 if limits_edition == LIMITS_2012 else HJ633_2026
        evaluation = evaluation_edition(last_day)
        return cls(
            limits_edition,
            index_edition or default_index,
            evaluation,
            limits(limits_edition),
            evaluation_items(evaluation),
            percentiles(evaluation),
            validity(edition_named("limits", limits_edition).standard),
        )

    @property
    def index_items(self) -> tuple[IndexItem, ...]:
        """Items of the composite index that belongs to the limits."""
        return index_items(self.weights)

    @property
    def weights(self) -> str:
        """Document whose weights the composite index has: that of the time of the limits."""
        return "hj663-2013" if self.limits_edition == LIMITS_2012 else "hj663-2026"
