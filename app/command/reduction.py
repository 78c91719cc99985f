"""`lantian reduction`: the emergency reduction list (应急减排清单, 一厂一策)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import click
from rich.table import Table

from alerting.plan import ordered_measures, planned_orders, reductions
from alerting.plan_check import coverage, gaps
from alerting.wording import grade_zh, measure_zh
from app.command.register import export as export_register
from app.command.register import import_file as import_register_file
from app.output import table_console
from app.registry_command import registry
from app.settings import load_settings
from domain.county import county_folder
from domain.error import ConfigurationError
from domain.period import local_date
from domain.response_table import reduction_rules
from domain.warning import BY_KEY
from domain.warning_state import ISSUED
from store.reduction import ReductionList, read_area_emission, read_reduction_list
from store.registration import read_areas

#: Part of the list -> its register.
PARTS: Final = {"lines": "reduction_line", "measures": "reduction_measure"}
_NAMES_ZH: Final = {"so2": "二氧化硫", "nox": "氮氧化物", "pm": "颗粒物", "vocs": "挥发性有机物"}


@click.group("reduction")
def command() -> None:
    """The emergency reduction list: lines with their emission, measures per level (docs/reduction.md).

    History, single corrections, retirements: lantian register show|correct|retire reduction_line|reduction_measure.
    """


@command.command("import")
@click.argument("part", type=click.Choice(list(PARTS)))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", help="Who imports; by default the user of the computer.")
@click.option("--why", default="", help="Reason; by default the name of the file.")
@click.option("--partial", is_flag=True, help="Write the good rows although others are bad.")
@click.pass_context
def import_part(ctx: click.Context, part: str, file: Path, *, by: str | None, why: str, partial: bool) -> None:  # noqa: PLR0913
    """Enter the PART of the list in FILE (CSV or Excel): first the lines, then the measures.

    Rows of known ids are corrections. Every bad line is named; nothing is written unless every line is good.
    """
    ctx.invoke(import_register_file, name=PARTS[part], file=file, by=by, why=why, partial=partial)


@command.command("export")
@click.argument("part", type=click.Choice(list(PARTS)))
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="CSV file or .xlsx workbook.")
@click.option("--english", is_flag=True, help="Keys as headings and the program's words as values.")
@click.pass_context
def export_part(ctx: click.Context, part: str, output: Path | None, *, english: bool) -> None:
    """Write the PART of the list as CSV or Excel; an empty one gives a form to fill in."""
    ctx.invoke(export_register, name=PARTS[part], output=output, english=english)


@command.command("example")
@click.option("--by", help="Who loads it; by default the user of the computer.")
@click.pass_context
def example(ctx: click.Context, by: str | None) -> None:
    """Enter the example list of the county's data set, to try the response out. It is made up: replace it."""
    folder = county_folder(load_settings().county)
    for part, register in PARTS.items():
        path = folder / f"reduction_{part}.csv"
        ctx.invoke(import_register_file, name=register, file=path, by=by, why="示例清单", partial=False)


def _read(area: str | None) -> tuple[ReductionList, dict[str, float]]:
    with registry("read the reduction list") as conn:
        areas = read_areas(conn)
        if area is None and len(areas) == 1:
            area = next(iter(areas))
        if area not in areas:
            raise ConfigurationError(f"--area: found {area or 'none'}, expected one of {', '.join(areas)}")
        return read_reduction_list(conn, area), read_area_emission(conn, area)


@command.command("show")
@click.option("--level", type=click.Choice(ISSUED), help="By default every level.")
@click.option("--area", help="Area; by default the only one.")
def show(level: str | None, area: str | None) -> None:
    """Show what every enterprise would be ordered today at a level."""
    entries, _ = _read(area)
    day = local_date(dt.datetime.now(dt.UTC))
    for each in [level] if level else ISSUED:
        orders = planned_orders(entries, each, day, reduction_rules(day))
        click.echo(f"{BY_KEY[each].name_zh}：{len(orders)}家企业")
        for order in orders:
            click.echo(f"  {order.enterprise.name_zh}（{grade_zh(order.enterprise.grade)}）")
            measures = ordered_measures(order, entries)
            for measure in measures:
                click.echo(f"    {measure.measure_id} {measure_zh(measure)}")
            if not measures:
                click.echo("    按自主减排方案执行")


@command.command("check")
@click.option("--area", help="Area; by default the only one.")
def check(area: str | None) -> None:
    """Check coverage against the permit list, the total reduction of each level, and the list against its rules.

    Exit status 1 when something is to be put right.
    """
    entries, emission = _read(area)
    day = local_date(dt.datetime.now(dt.UTC))
    covered, rules = coverage(entries), reduction_rules(day)
    share = "尚无持证企业" if covered.percent is None else f"{covered.percent:.0f}%"
    click.echo(f"持证企业{covered.holders}家，列入清单{covered.covered}家，覆盖率{share}")
    table = Table("等级", "污染物", "减排 t/d", "基数 t/d", "比例 %", "要求 %", "结论", box=None)
    missed = 0
    for each in reductions(entries, emission, rules, day=day):
        missed += each.met is False
        verdict = {True: "达到", False: "未达到", None: "无基数"}[each.met]
        base = f"{each.base:.2f}" + ("（清单）" if each.base_from == "list" else "（排放清单）")
        percent = "—" if each.percent is None else f"{each.percent:.1f}"
        head = (BY_KEY[each.level].name_zh, _NAMES_ZH[each.pollutant], f"{each.reduced:.2f}", base)
        table.add_row(*head, percent, f"{each.required:g}", verdict)
    table_console().print(table)
    found = gaps(entries, rules, day=day)
    for gap in found:
        click.echo(f"  {gap.text_zh}")
    if found or missed:
        raise SystemExit(1)
    click.echo("清单完整")
