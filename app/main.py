"""The command `lantian`: a table of commands that are loaded when they are asked for."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final

import click

from domain.error import LantianError

#: Name -> module that defines `command`, and what it is for. Loaded when used, so that one does not slow the others.
COMMANDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "up": ("app.command.up", "Start everything: database, broker, collector, statistics, simulated stations."),
        "down": ("app.command.down", "Stop everything; the data stay."),
        "status": ("app.command.status", "What runs, how fresh the data are, AQI by site, targets."),
        "doctor": ("app.command.doctor", "Check and explain every prerequisite."),
        "metrics": ("app.command.metrics", "Figures for a monitoring system."),
        "backup": ("app.command.backup", "Back up the database, credentials and certificates."),
        "restore": ("app.command.restore", "Make an installation from a backup."),
        "archive": ("app.command.archive", "Raw frames in Parquet files: write, list, verify, read, restore."),
        "storage": ("app.command.storage", "Space that tables take; compression of what is old."),
        "migrate": ("app.command.migrate", "Bring the database to this version's schema and reference data."),
        "collect": ("app.command.collect", "Carry readings from the broker into the database."),
        "console": ("app.command.console", "Web pages where people see and act (docs/console.md)."),
        "public": ("app.command.public", "Public pages and open data without signing in (docs/public.md)."),
        "account": ("app.command.account", "Accounts of the console: add, list, password, role, disable."),
        "alert": (
            "app.command.alert",
            "Alerts: list, acknowledge, assign, mute, close; their rules; the watch over stacks.",
        ),
        "contact": ("app.command.contact", "Whom notices go to: add, list, import, export, retire, test."),
        "notice": ("app.command.notice", "Notices and their answers: list, show, acknowledge, receipts."),
        "delivery": ("app.command.delivery", "Notices on their way: list, show, replay."),
        "dispatch": ("app.command.dispatch", "Send notices through every channel; hear the answers."),
        "exchange": ("app.command.exchange", "Hours and warnings to and from neighbouring counties."),
        "gateway": ("app.command.gateway", "Take HJ 212 frames from data loggers on TCP to the broker."),
        "settle": ("app.command.settle", "Recompute statistics of what has changed."),
        "job": ("app.command.job", "Scheduled jobs: list, run one now."),
        "target": ("app.command.target", "Targets with their actuals; report a figure."),
        "enterprise": ("app.command.enterprise", "Enterprises of the registry: add, list, import, export, retire."),
        "site": ("app.command.site", "Sites of the registry: add, list, import, export, retire."),
        "device": ("app.command.device", "Devices: registry, credentials, strangers to approve, health."),
        "outlet": ("app.command.outlet", "Outlets of stacks: kind, oxygen, permitted totals; import, list, export."),
        "register": ("app.command.register", "Registers of the plan: import, export, add, correct, retire, history."),
        "tls": ("app.command.tls", "Certificates of the local broker."),
        "reject": ("app.command.reject", "Rejected messages: list, send through again."),
        "revision": ("app.command.revision", "Corrected readings: list, accept, refuse."),
        "calibrate": ("app.command.calibrate", "Micro stations against reference stations: fit, list, show, correct."),
        "quality": ("app.command.quality", "Automatic quality tests: list what they found, check files."),
        "review": ("app.command.review", "Data review by two persons: list, propose, confirm, withdraw, show."),
        "dust": ("app.command.dust", "Confirmed dust processes: add, import, list, withdraw."),
        "integrity": ("app.command.integrity", "What cannot be true: run the checks, list and judge findings."),
        "simulate": ("app.command.simulate", "Let simulated stations live."),
        "replay": ("app.command.replay", "Send real hourly measurements through the broker."),
        "dashboards": ("app.command.dashboards", "Grafana dashboards: render, check, push."),
        "emission": ("app.command.emission", "Flue gas: limits met by month, hours, settle again, judge a CSV file."),
        "aqi": ("app.command.aqi", "Air quality index of hours or days in a CSV file."),
        "evaluate": ("app.command.evaluate", "A year's statistics and compliance from files."),
        "budget": ("app.command.budget", "What the rest of the year may bring, from files."),
        "warning": ("app.command.warning", "Heavy-pollution warnings: status, propose, confirm, lift, orders, report."),
        "reduction": ("app.command.reduction", "Emergency reduction list: import, export, show, check."),
        "forecast": ("app.command.forecast", "Forecasts: evaluate on files, show, issue, import."),
        "drill": ("app.command.drill", "Rehearse a whole episode with simulated enterprises."),
        "rank": ("app.command.rank", "Stations and townships by their composite index, with the change."),
        "report": ("app.command.report", "Reports: day, month, year, plan, episode, validity; list of those made."),
        "trace": ("app.command.trace", "Enterprises and sites upwind of a station's peak."),
        "window": ("app.command.window", "Time windows of the plan: what is due or forbidden today, and why."),
        "warn": ("app.command.warn", "Heavy-pollution episodes and warning levels in files."),
        "decode": ("app.command.decode", "What is in a frame."),
        "supervise": ("app.command.supervise", "Run the processes of `lantian up` (used by it)."),
    }
)
# Set before NumPy is imported by a command: beside other busy processes several threads of its linear algebra wait for
# each other a hundred times longer than one takes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HIDDEN: Final = frozenset({"supervise"})
FAILED: Final = 2


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names of the commands, in the order of the table."""
        return [name for name in COMMANDS if name not in HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        rows = [(name, text) for name, (_, text) in COMMANDS.items() if name not in HIDDEN]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error raised on purpose is one clear message and exit status 2."""
        try:
            return super().invoke(ctx)
        except LantianError as error:
            if ctx.params.get("debug"):
                click.echo(traceback.format_exc(), err=True)
            click.echo(f"lantian: {error}", err=True)
            sys.exit(FAILED)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(version("lantian"), prog_name="lantian")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
def main(debug: bool) -> None:
    """Lantian 蓝天: air-quality monitoring for a county environment bureau.

    First run: lantian up. Settings: docs/settings.md.
    """
