"""`lantian simulate`: the county's stations, simulated, until somebody stops them."""

from __future__ import annotations

import datetime as dt
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from app.first_play import first_played
from app.scenario import Stage, play, register_and_wait, retire
from app.service.address import broker_for
from app.settings import Settings, load_settings
from domain.county import load_county
from domain.error import ConfigurationError
from domain.period import ZONE, local_date, midnight
from firmware_sim.episode import RISE_S, SUDDEN_RISE_S, Episode
from firmware_sim.fault import VALUE_KINDS
from firmware_sim.fleet import Fleet, Tally, own_links, shared_link
from firmware_sim.history import History
from firmware_sim.link import Account, Link
from firmware_sim.outbox import Outbox
from firmware_sim.scenario_file import Scenario, load_scenario, scenario_path
from firmware_sim.station import Station, county_stations
from firmware_sim.troupe import Troupe
from firmware_sim.weather import Sky

REPORT_S: Final = 60.0
_log = logging.getLogger("lantian.simulate")


@dataclass(frozen=True, slots=True)
class Clock:
    """The simulation's clock: from `start_s` on `speed` times as fast, until it has caught up with the world."""

    began_s: float
    start_s: float
    speed: float = 1.0

    def time_s(self, world_s: float) -> float:
        """Unix time in the simulation when the world's is `world_s`."""
        return min(self.start_s + (world_s - self.began_s) * self.speed, world_s)


def parse_moment(text: str) -> float:
    """Unix time of an ISO 8601 date or moment; local time unless it has an offset."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"found {text!r}, expected a date or moment such as 2026-11-23T08:00") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).timestamp()


def asked_episodes(text: str, now_s: float) -> tuple[Episode, ...]:
    """Episodes of the option `--episode`: ``none``, ``now`` (fills the air within the hour) or the moment it starts."""
    if text == "none":
        return ()
    if text == "now":
        return (Episode(int(now_s), SUDDEN_RISE_S),)
    return (Episode(int(parse_moment(text)), RISE_S),)


def recalled_sky(outbox: Outbox, seed: int, asked: tuple[Episode, ...]) -> Sky:
    """The sky under which this outbox was filled: one seed for ever, and every episode that was ever asked for.

    Otherwise a second run would contradict what the first has sent.
    """
    known = outbox.fact("seed")
    if known is not None and int(known) != seed:
        raise ConfigurationError(
            f"found --seed {seed}, but the stations' state was made with seed {known}; expected --seed {known}, "
            "or another --state file"
        )
    outbox.note_fact("seed", str(seed))
    recalled = tuple(Episode(*one) for one in json.loads(outbox.fact("episodes") or "[]"))
    episodes = tuple(dict.fromkeys((*recalled, *asked)))
    outbox.note_fact("episodes", json.dumps([[one.start_s, one.rise_s] for one in episodes]))
    return Sky(seed, episodes)


def with_faults(stations: Sequence[Station], scenario: Scenario) -> tuple[Station, ...]:
    """The stations with the faults of their values in a scenario."""
    faults = {one.id: tuple(each for each in one.faults if each.kind in VALUE_KINDS) for one in scenario.devices}
    return tuple(replace(station, faults=faults.get(station.id, ())) for station in stations)


def history_start(text: str, now_s: float) -> int | None:
    """Unix second of the option `--history`: ``year`` is 1 January of last year; None for ``none``."""
    if text == "none":
        return None
    if text == "year":
        today = local_date(dt.datetime.fromtimestamp(now_s, ZONE))
        return int(midnight(dt.date(today.year - 1, 1, 1)).timestamp())
    return int(parse_moment(text))


def report(fleet: Fleet | Troupe, outbox: Outbox, tally: Tally, now_s: float) -> None:
    """Log one line about the time since the last one."""
    line: dict[str, object] = {
        "event": "simulate",
        "time": dt.datetime.fromtimestamp(now_s, ZONE).isoformat(timespec="seconds"),
        "connected": fleet.ready,
        "measured": tally.measured,
        "published": tally.published,
        "answers": dict(tally.outcomes),
        "unanswered": len(outbox),
    }
    if tally.last_error:
        line |= {"rejected": dict(tally.reasons), "last_error": tally.last_error}
    if isinstance(fleet, Fleet) and fleet.history is not None:
        line["history"] = {
            "sent": fleet.history.sent,
            "answered": fleet.history.answered,
            "rejected": fleet.history.rejected,
            "done": fleet.history.done,
        }
    _log.info("%s", json.dumps(line, ensure_ascii=False))


def run(fleet: Fleet, outbox: Outbox, clock: Clock, stopped: Callable[[], bool]) -> None:
    """Let the fleet live until `stopped`; whatever happens, it says goodbye and keeps its outbox."""
    fleet.start()
    next_report = time.monotonic() + 5.0
    try:
        while not stopped():
            now_s = clock.time_s(time.time())
            fleet.step(now_s)
            if time.monotonic() >= next_report:
                next_report = time.monotonic() + REPORT_S
                tally, fleet.tally = fleet.tally, Tally()
                report(fleet, outbox, tally, now_s)
    finally:
        fleet.stop(clock.time_s(time.time()))
        report(fleet, outbox, fleet.tally, clock.time_s(time.time()))


def links_of(
    settings: Settings, county: str, stations: tuple[Station, ...], *, own: bool, now_s: float
) -> dict[str, Link]:
    """Connection of each station: one for all with the account ``simulator``, or each its own."""

    def account(name: str) -> Account:
        address = broker_for(settings, name)
        trust = None if address.tls is None else Path(address.tls)
        return Account(address.host, address.port, address.username, address.password, trust)

    if own:
        return own_links(account, stations, now_s)
    return shared_link(account("simulator"), county, stations, now_s)


def state_path(text: str | None, settings: Settings, county: str) -> Path | None:
    """File of the stations' memory; None keeps it in memory."""
    if text == "memory":
        return None
    path = Path(text) if text else settings.home / "simulator" / f"{county}.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@dataclass(frozen=True, slots=True)
class Choices:
    """The command's options."""

    county: str | None
    devices: tuple[str, ...]
    seed: int | None
    history: str | None
    episode: str
    start: str | None
    speed: float
    own_connections: bool
    state: str | None
    scenario: str | None = None
    retire: bool = False
    faults: str | None = None


@click.command("simulate", context_settings={"show_default": True})
@click.option("--county", help="Data set whose air stations are simulated; that of the settings otherwise.")
@click.option("--devices", multiple=True, help="Only these device ids, separated by commas; all otherwise.")
@click.option("--seed", type=click.IntRange(0), help="Seed of the weather; that of the settings otherwise.")
@click.option("--history", help="Send hours from then on: a date, year (1 January of last year) or none.")
@click.option("--episode", default="none", help="A heavy episode more: now, or the moment it starts.")
@click.option("--start", help="Moment at which the stations' clock starts; now otherwise.")
@click.option("--speed", type=click.FloatRange(0, min_open=True), default=1.0, help="Times real time, until caught up.")
@click.option("--own-connections", is_flag=True, help="One connection per device with its own credentials.")
@click.option(
    "--faults", help="Let the stations have the faults and episodes of this scenario, a file or a shipped one."
)
@click.option("--scenario", help="Play this scenario, a file or the name of a shipped one, instead of the county.")
@click.option("--retire", is_flag=True, help="Take the devices of --scenario out of the registry instead of playing.")
@click.option("--state", help="File of the stations' memory, or memory; in the home folder otherwise.")
def command(**options: Any) -> None:
    """Let the simulated stations of a county measure and send until stopped; one JSON line a minute."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    simulate(Choices(**options), load_settings(), stop.is_set)


def simulate(choices: Choices, settings: Settings, stopped: Callable[[], bool]) -> None:
    """Run the stations until `stopped`.

    Parameters
    ----------
    choices : Choices
        What the command line chose.
    settings : Settings
        Settings in force.
    stopped : callable
        Asked again and again; true ends the run.

    Raises
    ------
    ConfigurationError
        When an option, the data set or the state file does not fit.
    LinkError
        When the broker refuses.
    """
    if choices.retire and choices.scenario is None:
        raise ConfigurationError("found --retire alone, expected --scenario with it")
    if choices.scenario is not None:
        simulate_scenario(choices.scenario, choices, settings, stopped)
        return
    world_s = time.time()
    clock = Clock(world_s, world_s if choices.start is None else parse_moment(choices.start), choices.speed)
    if choices.speed != 1.0 and choices.start is None:
        raise ConfigurationError(
            f"found --speed {choices.speed:g} alone, expected --start with a moment of the past too"
        )
    now_s = clock.time_s(world_s)
    county = load_county(choices.county or settings.county)
    wanted = [name for names in choices.devices for name in names.split(",") if name]
    stations = county_stations(county, wanted)
    asked = asked_episodes(choices.episode, now_s)
    if choices.faults is not None:
        scenario = load_scenario(scenario_path(choices.faults), county, now_s, first_played(settings, now_s))
        stations, asked = with_faults(stations, scenario), (*asked, *scenario.episodes)
    if not stations:
        raise ConfigurationError(f"county {county.id}: found no air device of protocol json or hj212 to simulate")
    seed = settings.simulator_seed if choices.seed is None else choices.seed
    outbox = Outbox(state_path(choices.state, settings, county.id), int(world_s * 1000))
    try:
        sky = recalled_sky(outbox, seed, asked)
        from_s = history_start(choices.history or settings.simulator_history, now_s)
        history = None if from_s is None else History(sky, stations, outbox, bounds_s=(from_s, int(now_s)))
        links = links_of(settings, county.id, stations, own=choices.own_connections, now_s=now_s)
        run(Fleet(sky, stations, outbox, links, history=history), outbox, clock, stopped)
    finally:
        outbox.close()


def simulate_scenario(name: str, choices: Choices, settings: Settings, stopped: Callable[[], bool]) -> None:
    """Play the scenario `name` until `stopped`; `choices` may name county, seed and state besides.

    Parameters
    ----------
    name : str
        A shipped scenario or a path.
    choices : Choices
        What the command line chose.
    settings : Settings
        Settings in force.
    stopped : callable
        Asked again and again; true ends the run.

    Raises
    ------
    ConfigurationError
        When the file, the data set, the state file or another option does not fit.
    LinkError
        When the broker refuses.
    """
    usual = Choices(
        choices.county, (), choices.seed, None, "none", None, 1.0, False, choices.state, name, choices.retire
    )
    if choices != usual:
        raise ConfigurationError(
            "found --scenario with other options, expected --county, --seed, --state or --retire only"
        )
    world_s = time.time()
    county = load_county(choices.county or settings.county)
    scenario = load_scenario(scenario_path(name), county, world_s, first_played(settings, world_s))
    if choices.retire:
        gone = retire(scenario, settings, dt.datetime.fromtimestamp(world_s, dt.UTC))
        click.echo(f"{gone} devices of scenario {scenario.name} retired; their readings stay")
        return
    register_and_wait(scenario, county, settings)
    clock = Clock(time.time(), scenario.start_s, scenario.speed)
    seeds = (choices.seed, scenario.seed, settings.simulator_seed)
    # Stations of the county have one memory, whoever plays them: otherwise one run would contradict the other.
    memory = county.id if len(scenario.own) < len(scenario.devices) else f"scenario-{scenario.name}"
    outbox = Outbox(state_path(choices.state, settings, memory), int(world_s * 1000))
    try:
        seed = next(one for one in seeds if one is not None)
        sky = recalled_sky(outbox, seed, scenario.episodes)
        stage = Stage(outbox, sky, clock.time_s, lambda troupe, tally, now_s: report(troupe, outbox, tally, now_s))
        play(scenario, settings, stage, stopped)
    finally:
        outbox.close()
