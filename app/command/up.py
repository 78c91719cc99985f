"""`lantian up`: everything runs, and the first readings have arrived."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import click

from app.service.address import broker_for, database_url
from app.service.console_check import console_address
from app.service.first_account import FIRST, first_password_file, read_first_password
from app.service.home import Home
from app.service.process import log_tail
from app.service.progress import Bar, Lines, Reporter, is_terminal
from app.service.public_check import public_page_url
from app.service.state import FAILED, RUNNING, State, clear_state, read_state
from app.service.supervisor import Supervisor, local_services
from app.service.unprivileged import make_folder
from app.settings import Settings, load_settings
from domain.county import load_county
from domain.error import ConfigurationError, ServiceError
from firmware_sim.scenario_file import load_scenario, scenario_path
from store.connection import connect
from store.error import translated
from store.status import read_newest_received

_START_S: Final = 300.0
_READINGS_S: Final = 120.0
_POLL_S: Final = 0.2


@click.command("up")
@click.option("--no-simulator", is_flag=True, help="Start no simulated stations.")
@click.option("--scenario", help="Let the simulated devices play this scenario: a file, or the name of a shipped one.")
@click.option("--foreground", is_flag=True, help="Stay in the foreground until SIGTERM or Ctrl-C, for containers.")
def command(no_simulator: bool, scenario: str | None, foreground: bool) -> None:
    """Start database, broker, collector, statistics and simulated stations; wait for the first readings.

    Makes what is missing on the first run. When everything runs already, it says so.
    """
    if no_simulator:
        os.environ["LANTIAN_SIMULATOR"] = "false"
    if scenario is not None:
        if no_simulator:
            raise ConfigurationError("found --scenario with --no-simulator, expected one of them")
        # Checked here, because the process that plays it can only write into its log.
        path = scenario_path(scenario).absolute()
        load_scenario(path, load_county(load_settings().county), time.time())
        os.environ |= {"LANTIAN_SIMULATOR": "true", "LANTIAN_SIMULATOR_SCENARIO": str(path)}
    settings = load_settings()
    if foreground:
        _stay(settings)
        return
    home = Home(settings.home)
    if home.keeper() is not None and read_state(home).phase == RUNNING:
        if scenario is not None:
            raise ConfigurationError(
                "Lantian is running already; `lantian down` first, or play beside it: lantian simulate --scenario"
            )
        click.echo("Lantian is running already.")
        click.echo(_where_to_look(settings))
        return
    display: Bar | nullcontext[Lines] = Bar() if is_terminal() else nullcontext(Lines())
    with display as reporter:
        if home.keeper() is None:
            local_services(settings, reporter).prepare()
            _launch(home)
        state = _wait_for_start(home, reporter)
        arrived = _wait_for_readings(settings, state, reporter)
    click.echo(_where_to_look(settings))
    if not arrived:
        raise ServiceError(f"no readings have arrived within {_READINGS_S:.0f} s; run: ./lantian doctor")


def _stay(settings: Settings) -> None:
    supervisor = Supervisor(settings, Lines(), lambda: dt.datetime.now(dt.UTC))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop.set())
    supervisor.run(lambda: click.echo(_where_to_look(settings, for_a_log=True)))


def _launch(home: Home) -> None:
    """Start the supervisor as a process of its own that outlives this one and its terminal."""
    make_folder(home.log)
    clear_state(home)
    with (home.log / "supervisor.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "app", "supervise"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "LANTIAN_HOME": str(home.folder)},
        )
    end = time.monotonic() + 20
    while home.keeper() is None and time.monotonic() < end:
        time.sleep(_POLL_S)
    if home.keeper() is None and read_state(home).phase != FAILED:
        path = home.log / "supervisor.log"
        raise ServiceError(f"the supervisor did not start; the end of {path}:\n{log_tail(path)}")


def _wait_for_start(home: Home, reporter: Reporter) -> State:
    step, told = "", 0
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        state = read_state(home)
        if state.step and state.step != step:
            step = state.step
            reporter.step(step)
        for remark in state.remarks[told:]:
            reporter.say(remark)
        told = len(state.remarks)
        if state.phase == RUNNING:
            return state
        if state.phase == FAILED:
            raise ServiceError(f"starting failed: {state.error}")
        if home.keeper() is None:
            path = home.log / "supervisor.log"
            raise ServiceError(f"the supervisor has ended; the end of {path}:\n{log_tail(path)}")
        time.sleep(_POLL_S)
    raise ServiceError(f"not running after {_START_S:.0f} s, still at: {step}; see {home.log}")


def _wait_for_readings(settings: Settings, state: State, reporter: Reporter) -> bool:
    """Whether readings have been stored since the start; True at once when nobody simulates any."""
    if not any(process.name == "simulate" for process in state.processes) or state.began_at is None:
        return True
    reporter.step("Waiting for the first readings of the simulated stations")
    began, home = dt.datetime.fromisoformat(state.began_at), Home(settings.home)
    end = time.monotonic() + _READINGS_S
    with connect(database_url(settings), autocommit=True, application_name="lantian up") as connection:
        while time.monotonic() < end:
            with translated("wait for readings"):
                newest = read_newest_received(connection)
            if newest is not None and newest >= began:
                return True
            for process in read_state(home).processes:
                if process.restarts >= 3:
                    path = home.log / f"{process.name}.log"
                    raise ServiceError(f"{process.name} ends again and again; the end of {path}:\n{log_tail(path)}")
            time.sleep(_POLL_S)
    return False


def _program() -> str:
    return "./lantian" if Path("lantian").is_file() else "lantian"


def _console_line(settings: Settings, *, for_a_log: bool) -> str:
    address = console_address(settings)
    password = read_first_password(settings)
    if password is None:
        return f"{address} (accounts: {_program()} account --help)"
    shown = f"in {first_password_file(settings)}" if for_a_log else password
    return f"{address} (first sign-in: {FIRST}, password {shown}, to be changed then)"


def _where_to_look(settings: Settings, *, for_a_log: bool = False) -> str:
    home, program = Home(settings.home), _program()
    reader = database_url(settings, "lantian_reader").rsplit("@", 1)[1]
    broker = broker_for(settings, "collector")
    secret = home.credential_file.path if settings.database_is_local else "the settings"
    lines = {
        "console": _console_line(settings, for_a_log=for_a_log),
        "database": f"postgresql://lantian_reader@{reader} (only views; password: roles.lantian_reader in {secret})",
        "broker": f"{broker.host}:{broker.port} (device accounts: {program} device credential ID create)",
        "data, logs": f"{home.folder}, {home.log}",
        "Grafana": f"{program} dashboards --help (Grafana 9.4 or newer, docs/dashboards.md)",
        "now": f"{program} status   {program} doctor   {program} down",
    }
    if not settings.console:
        del lines["console"]
    if settings.public:
        lines["public"] = public_page_url(settings)
    return "\n".join(["Lantian is up.", *(f"  {name:<11} {text}" for name, text in lines.items())])
