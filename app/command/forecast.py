"""`lantian forecast`: evaluate on files; train, issue, show and import in the database."""

from __future__ import annotations

import json
from pathlib import Path

import click

from app.forecast_evaluation import Plan, evaluate_forecast, load_histories, parse_years, report_lines

_EPILOG = """\b
Example:
  lantian forecast evaluate --format prsa --fit-years 2013-2015 --test-years 2016 PRSA_Data_*.csv.gz
  lantian forecast evaluate --format prsa --fit-years 2013-2014 --test-years 2015-2016 \\
      --test-station Dongsi --test-station Wanliu PRSA_Data_*.csv.gz

\b
Of each station, item and lead:
  hour            the hour that many hours ahead
  24 h mean       the mean of the 24 hours that end with it; at 24 h the next 24 hours
  o3 max 8 h, daily aqi   of the same 24 hours
  persistence     hours: the newest value (O3: that of the same clock hour of the last day);
                  days: the value of the last 24 hours
  climatology     mean of the fitted years by month (and clock hour)
  below persistence   by how much the RMSE lies below that of persistence

An issue is made at every hour of the test years from what was measured up to it.
"""


class _ForecastGroup(click.Group):
    """Without the name of a command the files are evaluated."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the command there when it is left out."""
        if args and args[0] not in self.commands and not {"-h", "--help"} & set(args[:1]):
            args = ["evaluate", *args]
        return super().parse_args(ctx, args)


@click.group("forecast", cls=_ForecastGroup)
def command() -> None:
    """Forecasts of the next three days: evaluate the method on files, show, issue and import forecasts.

    Files without the name of a command are evaluated.
    """


@command.command("evaluate", epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "file_format", required=True, type=click.Choice(["prsa"]), help="Format of the files.")
@click.option("--fit-years", default="2013-2015", show_default=True, help="Years the model is fitted to.")
@click.option("--test-years", default="2016", show_default=True, help="Years it is judged on.")
@click.option(
    "--test-station", "test_stations", multiple=True, help="Judged only, by a model of the others; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
def evaluate(  # noqa: PLR0913, PLR0917 - one argument per option
    files: tuple[Path, ...],
    file_format: str,
    fit_years: str,
    test_years: str,
    test_stations: tuple[str, ...],
    as_json: bool,
    output: Path | None,
) -> None:
    """Fit the forecast to some years of files of hourly measurements and judge it on others.

    Prints RMSE beside that of persistence and climatology, and the share of outcomes inside the 80 % interval. Each
    station has a model of its own; with --test-station those are judged by a model that has seen only the others.
    """
    plan = Plan(parse_years(fit_years), parse_years(test_years), test_stations)
    stations = evaluate_forecast(load_histories(files), plan, told=lambda name: click.echo(f"{name} ...", err=True))
    report = {
        "format": file_format,
        "fit_years": plan.fit_years,
        "test_years": plan.test_years,
        "stations": stations,
    }
    text = json.dumps(report, ensure_ascii=False, indent=2) if as_json else "\n".join(report_lines(stations))
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
