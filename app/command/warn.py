"""`lantian warn`: the heavy-pollution episodes in files of hourly measurements, with levels and times."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import click
import numpy as np
import numpy.typing as npt

from analytics.daily import area_mean
from analytics.episode import DAY_H, Episode, RollingDays, episodes, rolling_daily_aqi
from analytics.episode_calendar import calendar_daily_aqi, calendar_episodes
from analytics.index import NO_INDEX
from app.output import put_result
from app.prsa import PrsaStation, load_prsa
from domain.document import edition_named
from domain.edition import AQI_EDITIONS, aqi_edition, limit_edition
from domain.error import ConfigurationError, LantianError
from domain.level import level_of
from domain.period import DAY_S, HOUR_S, OFFSET_S, ZONE
from domain.pollutant import SIX_KEYS
from domain.standard import limits, validity
from domain.warning import LEVELS, WarningRules, warning_rules

_UNLIFTED: Final = {"no_data": "not lifted: no data", "open": "not lifted: end of the data"}
Floats = npt.NDArray[np.float64]
Json = dict[str, object]

AREA: Final = "area"
_EPILOG: Final = """\b
Example:
  lantian warn --format prsa --rules 2024 PRSA_Data_*.csv.gz
  lantian warn --format prsa --rules 2019 --station Dongsi --year 2016 --json FILES...

\b
Of each episode (local time):
  start, end         first hour of the first day above the lowest condition, and the
                     moment from which the daily AQI is below it again
  peak               highest daily AQI, and the end of the day that has it
  levels             every level whose condition was met, and when it was met
  lifted             when the air had stayed below for the hours a lift asks for;
                     with a forecast a warning may be lifted at the end itself
  closing            calm = lifted; no_data = 36 hours in a row without an AQI came
                     before; open = the data end before
  calendar days      their AQI, of every day the episode touches

A rolling day is the 24 hours before any full hour (--days rolling, the default); --days calendar counts natural days
only. Only days led by PM2.5 or PM10 count: ozone is not warned of by colour. Episodes closer than the hours a lift
asks for are one. Hours without an AQI are neither polluted nor calm: they neither break an episode nor count towards
its duration or its end. 无预警 stands where no level's condition was met. Without --station the area is judged: the
mean of the stations' values of each hour.
"""


@dataclass(frozen=True, slots=True)
class Series:
    """Consecutive hours of one place from a local midnight on; `hours` holds each pollutant, shape (24 d,)."""

    name: str
    stations: int
    first_s: int
    hours: dict[str, Floats]

    def moment(self, hour: int) -> dt.datetime:
        """Local time at which the hour numbered `hour` starts."""
        return dt.datetime.fromtimestamp(self.first_s + hour * HOUR_S, ZONE)

    @property
    def last_day(self) -> dt.date:
        """Local date of the last hour."""
        return self.moment(len(self.hours[SIX_KEYS[0]]) - 1).date()


@click.command("warn", epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "file_format", required=True, type=click.Choice(["prsa"]), help="Format of the files.")
@click.option("--rules", "rules_name", default="2024", show_default=True, type=click.Choice(["2024", "2019", "2017"]))
@click.option("--year", type=click.IntRange(1980, 2100), help="Only episodes that touch this local year.")
@click.option("--station", help="One station, as its file names it; the area's mean when absent.")
@click.option("--days", "basis", default="rolling", show_default=True, type=click.Choice(["rolling", "calendar"]))
@click.option("--edition", type=click.Choice(AQI_EDITIONS), help="Edition of HJ 633; that of the data when absent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
def command(  # noqa: PLR0913, PLR0917 - one argument per option
    files: tuple[Path, ...],
    file_format: str,
    rules_name: str,
    year: int | None,
    station: str | None,
    basis: str,
    edition: str | None,
    as_json: bool,
    output: Path | None,
) -> None:
    """Print the heavy-pollution episodes of a data set: start, end, peak, warning levels and when each was met.

    FILES are PRSA station files (.csv or .csv.gz), one station each; CO is converted from µg/m³ to mg/m³.
    """
    try:
        series = load_series(files, station)
        rules = warning_rules(rules_name)
        report = {"format": file_format, **episode_report(series, rules, basis, edition=edition, year=year)}
    except LantianError as error:
        raise click.ClickException(str(error)) from error
    text = json.dumps(report, ensure_ascii=False, indent=2) if as_json else _table(report)
    put_result(text, output)


def load_series(files: Sequence[Path], station: str | None) -> Series:
    """Hours of one station, or of the area: per hour the mean of the stations that have a value.

    Parameters
    ----------
    files : sequence of Path
        PRSA station files, one station each.
    station : str or None
        Name of the station; None for the area.

    Returns
    -------
    Series
        Hours in canonical units, NaN where nothing was measured.

    Raises
    ------
    ConfigurationError
        When no file holds the station, or two files hold one station, or there is no hour at all.
    """
    loaded = [load_prsa(path) for path in files]
    names = [one.name for one in loaded]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"found several files of {', '.join(twice)}, expected one file per station")
    chosen = [one for one in loaded if station in (None, one.name)]
    if not chosen:
        raise ConfigurationError(f"found no station {station!r}, expected one of {', '.join(names)}")
    filled = [one for one in chosen if len(one.times_s)]
    if not filled:
        raise ConfigurationError(f"found no hour in {', '.join(names)}, expected some")
    return _joined(filled, AREA if station is None else station)


def _joined(stations: Sequence[PrsaStation], name: str) -> Series:
    first_day = min((int(one.times_s[0]) + OFFSET_S) // DAY_S for one in stations)
    last_day = max((int(one.times_s[-1]) + OFFSET_S) // DAY_S for one in stations)
    first_s = first_day * DAY_S - OFFSET_S
    cube = np.full((len(stations), (last_day - first_day + 1) * DAY_H, len(SIX_KEYS)), np.nan)
    for at, one in enumerate(stations):
        cube[at, (one.times_s - first_s) // HOUR_S] = one.values[:, : len(SIX_KEYS)]
    mean = area_mean(cube)
    hours = {key: np.ascontiguousarray(mean[:, at]) for at, key in enumerate(SIX_KEYS)}
    return Series(name, len(stations), first_s, hours)


def episode_report(
    series: Series, rules: WarningRules, basis: str, *, edition: str | None = None, year: int | None = None
) -> Json:
    """Episodes of one place as plain values for JSON.

    Parameters
    ----------
    series : Series
        Hours of the place.
    rules : WarningRules
        Dated conditions.
    basis : {"rolling", "calendar"}
        Which days are counted; the calendar days stand beside every episode either way.
    edition : str, optional
        AQI edition; that of the last day of the data when absent.
    year : int, optional
        Keep only the episodes that touch this local year.

    Returns
    -------
    dict
        Times are local ISO 8601; what does not exist is None.
    """
    last = series.last_day
    chosen = edition or aqi_edition(last)
    limits_edition = limit_edition(last)
    minima = validity(edition_named("limits", limits_edition).standard)
    o3_limit = limits(limits_edition)["o3", "8h"]
    calendar = calendar_daily_aqi(chosen, series.hours, minima, o3_limit=o3_limit)
    if basis == "calendar":
        known = np.repeat(calendar.known, DAY_H)
        found = calendar_episodes(calendar, rules)
    else:
        rolling = rolling_daily_aqi(chosen, series.hours, minima)
        known, found = rolling.known, episodes(rolling, rules)
    return {
        "rules": rules.id,
        "days": basis,
        "aqi_edition": chosen,
        "place": series.name,
        "stations": series.stations,
        "first_hour": _iso(series.moment(0)),
        "last_hour": _iso(series.moment(len(known) - 1)),
        "hours_without_aqi": int(np.count_nonzero(~known)),
        "episodes": [_episode(one, series, calendar, known=known) for one in found if _touches(one, series, year)],
    }


def _touches(episode: Episode, series: Series, year: int | None) -> bool:
    first, last = series.moment(episode.start).year, series.moment(episode.end - 1).year
    return year is None or first <= year <= last


def _episode(episode: Episode, series: Series, calendar: RollingDays, *, known: npt.NDArray[np.bool_]) -> Json:
    level = LEVELS[episode.rank]
    touched = range(episode.start // DAY_H, (episode.end - 1) // DAY_H + 1)
    return {
        "start": _iso(series.moment(episode.start)),
        "end": _iso(series.moment(episode.end)),
        "hours": episode.end - episode.start,
        "peak_aqi": episode.peak,
        "peak_time": _iso(series.moment(episode.peak_hour + 1)),
        "level": level.key,
        "level_zh": level.name_zh,
        "levels": [
            {
                "level": LEVELS[rank].key,
                "level_zh": LEVELS[rank].name_zh,
                "reached": _iso(series.moment(hour + 1)),
            }
            for rank, hour in episode.reached
        ],
        "lifted": None if episode.lifted is None else _iso(series.moment(episode.lifted)),
        "closing": episode.closing,
        "hours_without_aqi": int(np.count_nonzero(~known[episode.start + DAY_H - 1 : episode.lifted or len(known)])),
        "calendar_days": [_day(series, calendar, day) for day in touched],
    }


def _day(series: Series, calendar: RollingDays, day: int) -> Json:
    aqi = int(calendar.aqi[day])
    known = aqi > NO_INDEX
    return {
        "date": series.moment(day * DAY_H).date().isoformat(),
        "aqi": aqi if known else None,
        "category": level_of(aqi).category_zh if known else None,
        "particles_lead": bool(calendar.particles_lead[day]) if known else None,
    }


def _iso(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _table(report: Json) -> str:
    """The report as lines for people."""
    listed = cast(list[dict[str, Any]], report["episodes"])
    lines = [
        f"{report['place']} ({report['stations']} stations), {report['rules']}, {report['days']} days, "
        f"{report['aqi_edition']}, {len(listed)} episodes"
    ]
    for one in listed:
        lifted = one["lifted"]
        lines.append(
            f"{_short(one['start'])} .. {_short(one['end'])}  {one['hours']:4d} h  peak AQI {one['peak_aqi']:3d} at "
            f"{_short(one['peak_time'])}  {one['level_zh']}  "
            + (f"lifted {_short(lifted)}" if lifted else _UNLIFTED[one["closing"]])
        )
        lines.extend(f"    {level['level_zh']}  {_short(level['reached'])}" for level in one["levels"])
        days = ("-" if day["aqi"] is None else str(day["aqi"]) for day in one["calendar_days"])
        lines.append(f"    calendar days from {one['calendar_days'][0]['date']}: {' '.join(days)}")
    return "\n".join(lines)


def _short(text: object) -> str:
    return str(text)[:16].replace("T", " ")
