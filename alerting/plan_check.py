"""What the reduction list lacks: what it does not cover, and what contradicts the grade rules. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from alerting.plan import applying, grade_rule, in_season, line_shares
from alerting.wording import KINDS_ZH, grade_zh
from domain.error import ConfigurationError
from domain.reduction_register import POLLUTANT_FIELDS
from domain.response_table import ReductionRules
from domain.warning import BY_KEY
from domain.warning_state import ISSUED
from store.reduction import ListedEnterprise, ReductionList


@dataclass(frozen=True, slots=True)
class Gap:
    """Something to put right: its kind, the enterprise or entry it is about, and a sentence in Chinese."""

    kind: str
    about: str
    text_zh: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Permit-holding enterprises in service, and those of them that the list covers (plan clause 33)."""

    holders: int
    covered: int

    @property
    def percent(self) -> float | None:
        """Share covered; None when nobody is known to hold a permit."""
        return 100 * self.covered / self.holders if self.holders else None


def _listed(entries: ReductionList, enterprise: ListedEnterprise) -> bool:
    return any(each.enterprise_id == enterprise.id or each.industry == enterprise.industry for each in entries.measures)


def coverage(entries: ReductionList) -> Coverage:
    """How many of the enterprises managed by permit have a measure of their own or of their industry."""
    holders = [each for each in entries.enterprises.values() if each.permit]
    return Coverage(len(holders), sum(_listed(entries, each) for each in holders))


def gaps(entries: ReductionList, rules: ReductionRules, *, day: dt.date) -> list[Gap]:
    """Everything that the list lacks.

    Parameters
    ----------
    entries : ReductionList
        The list.
    rules : ReductionRules
        Grade rules in force on `day`.
    day : date
        Local day for measures of a period of the year.

    Returns
    -------
    list of Gap
        Enterprises first, then lines, then measures.
    """
    found: list[Gap] = []
    if not entries.measures:
        found.append(Gap("empty", entries.area_id, "清单中没有任何措施"))
    for enterprise in entries.enterprises.values():
        found += _enterprise_gaps(entries, enterprise, rules, day)
    return [*found, *_line_gaps(entries), *_measure_gaps(entries)]


def _enterprise_gaps(
    entries: ReductionList, enterprise: ListedEnterprise, rules: ReductionRules, day: dt.date
) -> Iterator[Gap]:
    name = enterprise.name_zh
    if not _listed(entries, enterprise):
        if enterprise.permit:
            yield Gap("uncovered", enterprise.id, f"{name}：持排污许可证，但不在应急减排清单中")
        return
    before: dict[str, float] = {}
    for level in ISSUED:
        measures, rule = applying(entries, enterprise, level, day), grade_rule(enterprise, level, rules)
        level_zh = BY_KEY[level].name_zh
        if not measures and (level == "red" or before):
            yield Gap("level", enterprise.id, f"{name}：{level_zh}没有措施")
        if not rule.own_plan and any(each.kind == "self" for each in measures):
            text = f"{name}：绩效等级为{grade_zh(enterprise.grade)}，{level_zh}不适用自主减排"
            yield Gap("grade", enterprise.id, text)
        shares = line_shares(measures)
        weaker = [line for line, share in before.items() if shares.get(line, 0.0) < share]
        if measures and weaker:
            yield Gap("weaker", enterprise.id, f"{name}：{level_zh}对{'、'.join(weaker)}的减排少于低一级预警")
        if rule.minimum_percent is not None:
            yield from _minimum_gaps(entries, enterprise, level_zh, shares, rule.minimum_percent)
        before = shares or before


def _minimum_gaps(
    entries: ReductionList, enterprise: ListedEnterprise, level_zh: str, shares: dict[str, float], least: float
) -> Iterator[Gap]:
    """Pollutants of an enterprise whose reduction is less than its grade asks for."""
    lines = [line for line in entries.lines.values() if line.enterprise_id == enterprise.id]
    for pollutant in POLLUTANT_FIELDS:
        emitted = sum(line.emission.get(pollutant, 0.0) for line in lines)
        reduced = sum(line.emission.get(pollutant, 0.0) * shares.get(line.id, 0.0) for line in lines)
        if emitted > 0 and 100 * reduced < least * emitted:
            text = (
                f"{enterprise.name_zh}：{level_zh}{pollutant}减排{100 * reduced / emitted:.0f}%，低于要求的{least:g}%"
            )
            yield Gap("minimum", enterprise.id, text)


def _line_gaps(entries: ReductionList) -> Iterator[Gap]:
    ordered = {each.line_id for each in entries.measures}
    for line in entries.lines.values():
        if line.id not in entries.registered:
            yield Gap("line", line.id, f"{line.id}（{line.name_zh}）：没有登记为生产线，无法核验")
        elif entries.registered[line.id] != line.enterprise_id:
            yield Gap("line", line.id, f"{line.id}（{line.name_zh}）：登记在另一家企业名下")
        elif line.id not in entries.metered:
            yield Gap("meter", line.id, f"{line.id}（{line.name_zh}）：没有用电或工况监控，无法核验")
        if line.id not in ordered:
            yield Gap("idle", line.id, f"{line.id}（{line.name_zh}）：任何等级都没有措施")
        if not line.emission:
            yield Gap("emission", line.id, f"{line.id}（{line.name_zh}）：没有排放量")
    for line_id in sorted(set(entries.registered) - set(entries.lines)):
        yield Gap("unlisted", line_id, f"{line_id}：已登记的生产线不在清单中")


def _measure_gaps(entries: ReductionList) -> Iterator[Gap]:
    for each in entries.measures:
        line = entries.lines.get(each.line_id) if each.line_id else None
        if each.line_id is not None and line is None:
            yield Gap("measure", each.id, f"{each.id}：生产线{each.line_id}不在清单中")
        if line is not None and each.enterprise_id != line.enterprise_id:
            yield Gap("measure", each.id, f"{each.id}：生产线{each.line_id}属于另一家企业")
        if each.kind in ("stop", "limit") and each.line_id is None:
            yield Gap("measure", each.id, f"{each.id}：{KINDS_ZH[each.kind]}没有指明生产线，无法核验")
        if each.enterprise_id is not None and each.enterprise_id not in entries.enterprises:
            yield Gap("measure", each.id, f"{each.id}：企业{each.enterprise_id}已停用")
        try:
            in_season(each.months, dt.date(2025, 1, 1))
        except ConfigurationError:
            yield Gap("measure", each.id, f"{each.id}：适用时段{each.months}应写作MM-DD..MM-DD")
