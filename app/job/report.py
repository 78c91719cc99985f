"""The reports that are due, each written once into the home folder."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.report.due import due_periods
from app.report.making import make_report
from app.report.writing import FORMATS, write_report
from app.settings import load_settings
from domain.error import PrerequisiteError
from store.air_report import read_stack_enterprises
from store.connection import Connection
from store.registration import read_areas
from store.report_made import MadeReport, add_made, read_made


def write_due(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Write what is due and not yet written, below folder ``report`` of the home."""
    return write_reports_due(conn, load_settings().home / "report", now)


def write_reports_due(
    conn: Connection, home: Path, now: dt.datetime, formats: Sequence[str] = FORMATS
) -> Mapping[str, int]:
    """Write what is due at `now` into `home`.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, in autocommit mode.
    home : Path
        Gets a folder per kind and period.
    now : datetime
        The present moment.
    formats : sequence of str
        Some of those of `app.report.writing`; a PDF that cannot be printed is remarked, not an error.

    Returns
    -------
    mapping
        Counts of reports ``made``, ``known`` and ``empty``; an empty one is not written and tried again.
    """
    counts: Counter[str] = Counter(made=0, known=0, empty=0)
    known = {(one.kind, one.area_id, one.subject, one.period_start) for one in read_made(conn)}
    for area in read_areas(conn):
        for kind, start in due_periods(now):
            for subject in read_stack_enterprises(conn, area) if kind == "validity" else ("",):
                if (kind, area, subject, start) in known:
                    counts["known"] += 1
                    continue
                report = make_report(conn, kind, area, start, now=now, subject=subject)
                counts["empty" if report.empty else "made"] += 1
                if report.empty:
                    continue
                folder, remark = home / kind / report.stem, ""
                files = write_report(report, folder, [each for each in formats if each != "pdf"])
                try:
                    files += write_report(report, folder, ["pdf"]) if "pdf" in formats else []
                except PrerequisiteError as error:
                    remark = str(error)
                names = sorted(each.name for each in files)
                add_made(conn, MadeReport(kind, area, subject, start, now, str(folder), names, remark))
    return counts
