"""Reports as files: HTML, PDF, one Excel workbook, one CSV file per table."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.report.browser import print_pdf
from app.report.chart import draw
from app.report.content import NONE_ZH, Report, Table, cell_text
from app.workbook import Sheet, write_sheets
from domain.error import ConfigurationError

FORMATS: Final = ("html", "pdf", "xlsx", "csv")
_BOM: Final = "\ufeff"


@cache
def _environment() -> Environment:
    folder = Path(__file__).parent / "template"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


def report_page(report: Report) -> str:
    """The report as one HTML document that needs nothing else."""
    parts: list[dict[str, Any]] = []
    for part in report.parts:
        if isinstance(part, Table):
            numbers, dates = _columns_of(part, (int, float)), _columns_of(part, (dt.date,))
            parts.append({"table": part, "rows": part.texts(), "numbers": numbers, "dates": dates})
        else:
            parts.append({"title": part.title_zh, "drawing": draw(part)})
    return (
        _environment()
        .get_template("report.html")
        .render(report=report, parts=parts, known_at=cell_text(report.known_at, None), none_zh=NONE_ZH)
    )


def _columns_of(shown: Table, kinds: tuple[type, ...]) -> set[int]:
    """Positions of the columns that hold a value of some kinds."""
    return {at for at in range(len(shown.columns)) if any(isinstance(row[at], kinds) for row in shown.rows)}


def table_csv(shown: Table) -> str:
    """A table as CSV (RFC 4180) behind a byte order mark; a missing cell is empty."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([column.heading for column in shown.columns])
    writer.writerows([_harmless(text) for text in row] for row in shown.texts())
    return _BOM + out.getvalue()


def _harmless(text: str) -> str:
    """A text that a spreadsheet would take for a formula, behind an apostrophe; numbers stay."""
    if not text.startswith(("=", "+", "-", "@")):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def write_report(report: Report, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write a report into a folder in some formats.

    Parameters
    ----------
    report : Report
        What.
    folder : Path
        Where; made when absent.
    formats : sequence of str
        Some of `FORMATS`. Without a browser ``pdf`` is a `PrerequisiteError`, raised after the others are written.

    Returns
    -------
    list of Path
        The files.
    """
    return write_pages({report.stem: report_page(report)}, report, folder, formats)


def write_pages(pages: Mapping[str, str], report: Report, folder: Path, formats: Sequence[str]) -> list[Path]:
    """As `write_report`, of pages made elsewhere, by name of the file; tables are those of the report."""
    files: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if "xlsx" in formats:
            files.append(folder / f"{report.stem}.xlsx")
            write_sheets(files[-1], [_sheet(shown) for shown in report.tables()])
        if "csv" in formats:
            for shown in report.tables():
                files.append(folder / f"{report.stem}-{shown.key}.csv")
                files[-1].write_text(table_csv(shown), encoding="utf-8", newline="")
        for stem, text in pages.items():
            _write_page(folder / stem, text, formats, files.append)
    except OSError as error:
        raise ConfigurationError(f"{folder}: found {error.strerror}, expected a folder that can be written") from error
    return files


def _write_page(stem: Path, text: str, formats: Sequence[str], note: Callable[[Path], None]) -> None:
    if not {"html", "pdf"} & set(formats):
        return
    page, pdf = (stem.with_name(f"{stem.name}.{ending}") for ending in ("html", "pdf"))
    page.write_text(text, encoding="utf-8")
    if "html" in formats:
        note(page)
    try:
        if "pdf" in formats:
            print_pdf(page, pdf)
            note(pdf)
    finally:
        if "html" not in formats:
            page.unlink()


def _sheet(shown: Table) -> Sheet:
    name = shown.title_zh.translate(str.maketrans("", "", "[]:*?/\\"))
    return Sheet(name, [c.heading for c in shown.columns], shown.rows, [c.decimals for c in shown.columns])
