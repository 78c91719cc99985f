"""Every published table as rows, tables 4 and 5 of HJ 633-2026 first: the one source of pages, JSON and CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from console.public.board import Snapshot
from domain.level import LEVELS, sensitive_groups
from domain.period import ZONE
from domain.pollutant import POLLUTANTS
from domain.publication import NOT_AVAILABLE, NOT_MONITORED, printed_columns
from domain.standard import Report
from store.public import PublicSite, PublicValue

Row = dict[str, Any]
#: Level from which a warning's advice is taken when no forecast names a worse one: warnings begin with heavy pollution.
_WARNED_LEVEL: Final = 5
NO_PRIMARY: Final = "—"


def moment_text(moment: dt.datetime | None) -> str | None:
    """A moment in Beijing time with its offset."""
    return None if moment is None else moment.astimezone(ZONE).isoformat(timespec="minutes")


def report_row(site: PublicSite, value: PublicValue | None, report: Report, time: dt.datetime | dt.date) -> Row:
    """One row of table 4 or 5.

    Parameters
    ----------
    site : PublicSite
        Whose row.
    value : PublicValue or None
        Its hour or day, None when there is none.
    report : {"hour", "day"}
        Which table.
    time : datetime or date
        Start of the hour, or the day.

    Returns
    -------
    dict
        Numbers, or ``NA`` for what is missing and ``/`` for what is not monitored. Below a published index of 51 no
        pollutant is primary.
    """
    row: Row = {"site_id": site.site_id, "site_zh": site.site_zh, "kind_zh": site.kind_zh}
    if isinstance(time, dt.datetime):
        row |= {"hour": moment_text(time), "hour_end": moment_text(time + dt.timedelta(hours=1))}
    else:
        row |= {"day": time.isoformat()}
    for printed in printed_columns(report):
        absent = NOT_AVAILABLE if printed.pollutant in site.monitored or not site.monitored else NOT_MONITORED
        concentration = None if value is None else value.concentrations[printed.column]
        index = None if value is None else value.iaqi[printed.column]
        decimals = POLLUTANTS[printed.pollutant].decimals
        if concentration is not None and not decimals:
            concentration = int(concentration)
        row[printed.column] = absent if concentration is None else concentration
        row[f"iaqi_{printed.column}"] = absent if index is None else index
    return row | _index(value)


def _index(value: PublicValue | None) -> Row:
    if value is None or value.aqi is None or value.level is None:
        words = ("aqi", "primary_zh", "level", "level_zh", "category_zh", "colour_zh")
        return dict.fromkeys(words, NOT_AVAILABLE)
    level = LEVELS[value.level - 1]
    return {
        "aqi": value.aqi,
        "primary_zh": value.primary_zh or NO_PRIMARY,
        "level": level.level,
        "level_zh": level.level_zh,
        "category_zh": level.category_zh,
        "colour_zh": level.colour_zh,
    }


def advice(value: PublicValue | None) -> Row:
    """Effect on health, advice, and who should take special care (HJ 633-2026 tables 1, 2); empty without an index."""
    if value is None or value.level is None or value.aqi is None:
        return {"effect_zh": None, "advice_zh": None, "sensitive": []}
    level = LEVELS[value.level - 1]
    named = sensitive_groups()
    columns = [each for each in printed_columns("hour") if (value.iaqi.get(each.column) or 0) > 100]
    groups = [{"pollutant": each.pollutant, "groups_zh": named[each.pollutant]} for each in columns]
    return {"effect_zh": level.effect_zh, "advice_zh": level.advice_zh, "sensitive": groups}


def value_at(values: Sequence[PublicValue], time: dt.datetime | dt.date) -> PublicValue | None:
    """The value of that hour or day, None when there is none."""
    return next((one for one in values if one.time == time), None)


def now_rows(shown: Snapshot) -> list[Row]:
    """Table 5 of the newest hour, with health advice."""
    rows = []
    for site in shown.sites:
        value = value_at(shown.hours.get(site.site_id, ()), shown.hour)
        rows.append(report_row(site, value, "hour", shown.hour) | advice(value))
    return rows


def hour_rows(shown: Snapshot) -> list[Row]:
    """Table 5 of the last 24 hours, newest first, hours without values included."""
    times = [shown.hour - dt.timedelta(hours=back) for back in range(24)]
    return _filled(shown.sites, shown.hours, "hour", times)


def day_rows(shown: Snapshot) -> list[Row]:
    """Table 4 of the last 30 days, newest first, days without values included."""
    times = [shown.today - dt.timedelta(days=back) for back in range(1, 31)]
    return _filled(shown.sites, shown.days, "day", times)


def _filled(
    sites: Sequence[PublicSite],
    values: Mapping[str, Sequence[PublicValue]],
    report: Report,
    times: Sequence[dt.datetime] | Sequence[dt.date],
) -> list[Row]:
    rows = []
    for site in sites:
        known = {one.time: one for one in values.get(site.site_id, ())}
        rows += [report_row(site, known.get(time), report, time) for time in times]
    return rows


def warning_rows(shown: Snapshot) -> list[Row]:
    """The warning in force with the advice for the worst level forecast, at least that of heavy pollution."""
    warning = shown.warning
    if warning is None:
        return []
    level = LEVELS[max(warning.forecast_level or 0, _WARNED_LEVEL) - 1]
    return [
        {
            "area_id": shown.area,
            "area_zh": shown.area_zh,
            "level": warning.level,
            "level_zh": warning.level_zh,
            "issued_at": moment_text(warning.issued_at),
            "starts_at": moment_text(warning.starts_at),
            "ends_at": moment_text(warning.ends_at),
            "effect_zh": level.effect_zh,
            "advice_zh": level.advice_zh,
        }
    ]


def forecast_rows(shown: Snapshot) -> list[Row]:
    """Forecast of the days to come (HJ 633-2026 5.2.3)."""
    return [
        {
            "day": one.day.isoformat(), "aqi": one.aqi, "aqi_low": one.aqi_low, "aqi_high": one.aqi_high,
            "level": one.level, "category_zh": one.category_zh, "primary_zh": one.primary_zh or NO_PRIMARY,
            "issuer_zh": one.issuer_zh, "issued_at": moment_text(one.issued_at),
        }
        for one in shown.forecast
    ]  # fmt: skip


def emission_rows(shown: Snapshot) -> list[Row]:
    """Hours of key polluters' outlets, mg/m³; `converted` is at reference oxygen and what the limit judges."""
    return [
        {
            "enterprise_id": one.enterprise_id, "enterprise_zh": one.enterprise_zh, "site_id": one.site_id,
            "site_zh": one.site_zh, "hour": moment_text(one.hour), "pollutant": one.pollutant,
            "pollutant_zh": one.pollutant_zh, "measured": _short(one.value), "converted": _short(one.converted),
            "limit": one.limit, "unit": "mg/m³", "state_zh": one.state_zh, "verdict_zh": one.verdict_zh,
        }
        for one in shown.emissions
    ]  # fmt: skip


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def site_rows(shown: Snapshot) -> list[Row]:
    """Where is measured."""
    return [
        {
            "site_id": one.site_id, "site_zh": one.site_zh, "kind": one.kind, "kind_zh": one.kind_zh,
            "longitude": one.longitude, "latitude": one.latitude, "monitored": " ".join(one.monitored),
        }
        for one in shown.sites
    ]  # fmt: skip


def level_rows(_shown: Snapshot) -> list[Row]:
    """Table 1: the six levels."""
    return [
        {
            "level": one.level, "level_zh": one.level_zh, "category_zh": one.category_zh, "colour_zh": one.colour_zh,
            "hex": one.hex, "aqi_low": one.aqi_low, "aqi_high": one.aqi_high, "effect_zh": one.effect_zh,
            "advice_zh": one.advice_zh,
        }
        for one in LEVELS
    ]  # fmt: skip


#: Published tables by name: what makes the rows, and what the table is.
TABLES: Final[Mapping[str, tuple[Callable[[Snapshot], list[Row]], str]]] = {
    "now": (now_rows, "实时报：最近一小时（HJ 633-2026 表5）与健康指引"),
    "hours": (hour_rows, "近24小时逐时值（表5）"),
    "days": (day_rows, "近30日日报（表4）"),
    "warnings": (warning_rows, "生效中的重污染天气预警"),
    "forecast": (forecast_rows, "未来几日空气质量预报"),
    "emissions": (emission_rows, "重点排污单位近24小时小时排放浓度与限值"),
    "sites": (site_rows, "点位"),
    "levels": (level_rows, "空气质量指数级别与健康指引（表1）"),
}
