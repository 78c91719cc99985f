"""`lantian aqi`: IAQI, AQI, level, category and primary pollutants of a CSV table."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import click
import numpy as np
import numpy.typing as npt

from analytics.index import IndexResult, report_index
from app.pollutant_table import Chunk, PollutantTable, column_positions, decoded, normal_name
from domain.edition import AQI_EDITIONS
from domain.error import LantianError
from domain.family import AIR
from domain.level import levels
from domain.screening_table import screening_limits
from domain.standard import report_items

Report = Literal["hour", "day"]
NOT_AVAILABLE: Final = "NA"
NOT_MONITORED: Final = "/"
#: Highest plausible concentration of each column of family `air`: above it a remark asks whether the unit is right.
_PLAUSIBLE: Final = {limit.column: limit.suspect_high for limit in screening_limits(AIR.key)}

_EPILOG = """\b
Example:
  lantian aqi --edition hj633-2026 --report hour hours.csv -o indices.csv
  zcat days.csv.gz | lantian aqi --edition hj633-2012 --report day -

\b
An input of
  time,pm25,pm10,so2,no2,co,o3
  2026-03-01 08:00,61,80,12,40,0.8,55
becomes, under hj633-2026,
  time,pm25,pm10,so2,no2,co,o3,iaqi_pm25,...,iaqi_o3,aqi,level,category,primary
  2026-03-01 08:00,61,80,12,40,0.8,55,101,...,18,101,3,轻度污染,pm25

Columns are found by name, whatever their case and place: pm25, pm10, so2, no2, co, o3 for hours; pm25, pm10, so2, no2,
co, o3_8h and (2012) o3_1h for days. PM2.5, pm2_5, PM₂.₅ are pm25; O3_1h is the o3 of an hour. CO is in mg/m³, the
others in µg/m³; every other column passes through.
"""


@click.command("aqi", epilog=_EPILOG)
@click.argument("source", metavar="INPUT.csv", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--edition", required=True, type=click.Choice(AQI_EDITIONS), help="Edition of HJ 633 that judges.")
@click.option("--report", required=True, type=click.Choice(["hour", "day"]), help="1 h values or values of days.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="File to write; standard output when absent.")
@click.option(
    "--not-monitored",
    multiple=True,
    metavar="POLLUTANT",
    help="A pollutant outside the monitoring plan that was never the primary one of a polluted day in three years: its "
    "absence does not hide the AQI (HJ 633-2026 5.3.2). May be repeated.",
)
@click.option("--encoding", default="auto", show_default=True, help="Encoding of the input; auto is UTF-8 or GB18030.")
def command(  # noqa: PLR0913, PLR0917 - one argument per option
    source: str, edition: str, report: str, output: str | None, not_monitored: tuple[str, ...], encoding: str
) -> None:
    """Add IAQI, AQI, level, category and primary pollutants to a CSV table of concentrations.

    INPUT.csv is a file, or - for standard input. Missing values are empty, NaN, NA or —; results that do not exist are
    NA. Under hj633-2026 a row with a missing pollutant and an AQI up to 100 has AQI NA, as the standard says; under
    hj633-2012 the AQI is computed from the rest. A negative value counts as missing.
    """
    calculation = Calculation(edition, cast("Report", report), _canonical(edition, report, not_monitored))
    try:
        "".encode(encoding if encoding != "auto" else "utf-8")
        with _source(source) as binary, _sink(output) as text:
            name = "standard input" if source == "-" else Path(source).name
            calculation.run(PollutantTable(decoded(binary, encoding), name), text, note=_note)
    except LookupError as error:
        raise click.ClickException(f"encoding {encoding!r} is unknown, expected a name such as utf-8") from error
    except LantianError as error:
        raise click.ClickException(str(error)) from error


@dataclass(slots=True)
class Strange:
    """Values of one sort that a remark tells of: how many, and where the first one is."""

    count: int = 0
    first: str = ""

    def take(self, found: npt.NDArray[np.bool_], lines: Sequence[int], column: str) -> None:
        """Add those of a part of one column."""
        if found.any() and not self.count:
            self.first = f"line {lines[int(np.argmax(found))]}, column {column}"
        self.count += int(np.count_nonzero(found))


@dataclass(slots=True)
class Calculation:
    """What one run computes and how it is written."""

    edition: str
    report: Report
    not_monitored: Collection[str]
    negative: Strange = field(default_factory=Strange)
    huge: Strange = field(default_factory=Strange)
    _primaries: dict[bytes, str] = field(default_factory=dict)

    def run(self, table: PollutantTable, sink: io.TextIOBase, *, note: Callable[[str], None]) -> None:
        """Write `table` with its indices to `sink`; `note` takes remarks for the person at the keyboard."""
        items = report_items(self.edition, self.report)
        positions = column_positions(table.header, [item.column for item in items], self.report)
        unmonitored = [item for item in items if {item.column, item.pollutant} & set(self.not_monitored)]
        absent = [
            item.column
            for item in items
            if item.column not in positions and not item.optional and item not in unmonitored
        ]
        if absent:
            note(f"no column for {', '.join(absent)}: missing in every row; found columns {', '.join(table.header)}")
        blank = {
            item.column: NOT_MONITORED if item in unmonitored else NOT_AVAILABLE
            for item in items
            if item.column in positions or not item.optional
        }
        added = [*(f"iaqi_{column}" for column in blank), "aqi", "level", "category", "primary"]
        header = _renamed(table.header, added)
        for before, after in zip(table.header, header, strict=True):
            if before != after:
                note(f"input column {before} is kept as {after}")
        # A check of the names before the first line is written; an empty input is checked too.
        report_index(self.edition, self.report, {}, not_monitored=self.not_monitored)
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow([*header, *added])
        for chunk in table.chunks(positions):
            self._look(chunk)
            result = report_index(self.edition, self.report, chunk.concentrations, not_monitored=self.not_monitored)
            writer.writerows(self._lines(chunk, result, blank))
        if self.negative.count:
            note(f"{self.negative.count} negative values count as missing; the first is in {self.negative.first}")
        if self.huge.count:
            note(
                f"{self.huge.count} values are higher than was ever measured (CO is in mg/m³, the others in µg/m³) and"
                f" are used as they are; the first is in {self.huge.first}"
            )

    def _look(self, chunk: Chunk) -> None:
        """Count values that a remark tells of."""
        for column, values in chunk.concentrations.items():
            self.negative.take(values < 0, chunk.lines, column)
            self.huge.take(values > _PLAUSIBLE[column.partition("_")[0]], chunk.lines, column)

    def _lines(self, chunk: Chunk, result: IndexResult, blank: Mapping[str, str]) -> Iterator[list[str]]:
        """Rows of the output; `blank` says which index columns are written and what stands for no index in each."""
        indices = {column: result.iaqi[:, at] for at, column in enumerate(result.columns)}
        texts = [_texts(indices[column], sign) for column, sign in blank.items()]
        texts.append(_texts(result.aqi, NOT_AVAILABLE))
        grades = [*(str(level) for level in range(7)), NOT_AVAILABLE]
        categories = ["", *(level.category_zh for level in levels(self.edition)), NOT_AVAILABLE]
        grade_numbers = [int(level) for level in result.level]
        primaries = self._primary_texts(result)
        for row, cells, level, primary in zip(
            chunk.rows, zip(*texts, strict=True), grade_numbers, primaries, strict=True
        ):
            yield [*row, *cells, grades[level], categories[level], NOT_AVAILABLE if level < 0 else primary]

    def _primary_texts(self, result: IndexResult) -> list[str]:
        """Names of the primary pollutants of each row, joined by ``;``."""
        width = result.primary.shape[1]
        packed = np.ascontiguousarray(result.primary).tobytes()
        keys = [packed[at : at + width] for at in range(0, len(packed), width)]
        for key in set(keys) - self._primaries.keys():
            self._primaries[key] = ";".join(name for name, named in zip(result.columns, key, strict=True) if named)
        return [self._primaries[key] for key in keys]


def _canonical(edition: str, report: str, names: Sequence[str]) -> tuple[str, ...]:
    """Names of pollutants as the report spells them; an unknown one stays, to be refused by the calculation."""
    items = report_items(edition, cast("Report", report))
    known = {normal_name(name): name for item in items for name in (item.column, item.pollutant)}
    return tuple(known.get(normal_name(name), name) for name in names)


def _renamed(header: Sequence[str], added: Collection[str]) -> list[str]:
    """The input's columns, those whose name an added column takes with ``input_`` before it."""
    taken = {*header, *added}
    result = []
    for name in header:
        new = name
        while new in added or (new != name and new in taken):
            new = f"input_{new}"
        taken.add(new)
        result.append(new)
    return result


def _texts(indices: npt.NDArray[np.int16], sign: str) -> list[str]:
    """Indices as text; `NO_INDEX`, which is -1, picks the last entry of the table."""
    table = [*(str(number) for number in range(501)), sign]
    return [table[index] for index in cast("list[int]", indices.tolist())]


@contextmanager
def _source(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(source).open("rb")  # noqa: SIM115 - closed below, but only this call is translated
    except OSError as error:
        raise click.ClickException(f"cannot read {source}: {error.strerror}") from error
    with stream:
        yield stream


@contextmanager
def _sink(output: str | None) -> Iterator[io.TextIOBase]:
    """Text to standard output, or to a file that appears only when everything went well."""
    if output is None:
        text = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        try:
            yield text
            text.flush()
        finally:
            text.detach()
        return
    target = Path(output)
    # A pipe or device is written as it stands; a file is replaced in one step.
    direct = target.exists() and not target.is_file()
    partial = target if direct else target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        stream = partial.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
    try:
        with stream:
            yield stream
        if not direct:
            partial.replace(target)
    except BaseException:
        if not direct:
            partial.unlink(missing_ok=True)
        raise


def _note(text: str) -> None:
    click.echo(f"aqi: {text}", err=True)
