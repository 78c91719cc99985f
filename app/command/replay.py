"""`lantian replay`: real measurements through the real broker, as if their stations sent them."""

from __future__ import annotations

import hashlib
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.prsa import load_prsa
from app.replay_area import AREA, replay_area, replay_track
from app.service.address import broker_for, database_url
from app.settings import load_settings
from domain.county import County
from domain.error import ConfigurationError, ServiceError
from firmware_sim.answer import receipt
from firmware_sim.link import Account, Link, topic
from firmware_sim.playback import Playback, Track, load_track, save_track
from firmware_sim.window import Patience, Window
from store.connection import connect
from store.error import translated
from store.registry import load_county, read_devices

SAVE_S: Final = 1.0
CONNECT_S: Final = 10.0
#: The collector reads the registry again for an unknown device, at most once a second.
REGISTRY_S: Final = 1.5
LINE_S: Final = 10.0
#: Without any answer for so long the replay gives up; what was answered is remembered.
SILENCE_S: Final = 120.0


def state_file(folder: Path, file: Path, area: str, year: int | None) -> Path:
    """Where the progress of `file` is kept: named by the file's content, the area and the year."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()[:24]
    return folder / f"{area}-{year or 'all'}-{digest}.json"


def load_tracks(
    files: Sequence[Path], area: str, year: int | None, *, folder: Path, restart: bool
) -> tuple[County, dict[Path, Track]]:
    """The area to register, and per state file the rows to send.

    Parameters
    ----------
    files : sequence of Path
        PRSA files, one station each.
    area : str
        Area that the stations belong to.
    year : int or None
        Local year to send; None for all.
    folder : Path
        Where the state files are, made when absent.
    restart : bool
        Forget what earlier runs have sent.

    Returns
    -------
    tuple of (County, dict of Path to Track)
        Tracks know which rows were answered before.

    Raises
    ------
    ConfigurationError
        When a file is no PRSA file, has no rows of the year, or two files hold one station.
    """
    stations = [load_prsa(file, possible_only=False) for file in files]
    names = [station.name for station in stations]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"found several files of {', '.join(twice)}, expected one file per station")
    tracks = {}
    folder.mkdir(parents=True, exist_ok=True)
    for file, station in zip(files, stations, strict=True):
        state = state_file(folder, file, area, year)
        if restart:
            state.unlink(missing_ok=True)
        track = replay_track(area, station, year)
        load_track(track, state)
        tracks[state] = track
    return replay_area(area, names), tracks


def play(
    playback: Playback,
    link: Link,
    *,
    save: Callable[[], None],
    show: Callable[[int], None],
) -> None:
    """Drive `playback` over `link` until every row is answered.

    Parameters
    ----------
    playback : Playback
        What to send.
    link : Link
        A started connection.
    save : callable
        Called about once a second, and at the end whatever happens.
    show : callable
        Told the number of rows that were just answered.

    Raises
    ------
    ServiceError
        When messages wait and no answer has come for `SILENCE_S`.
    """
    heard = saved = time.monotonic()
    try:
        while not playback.done:
            now = time.monotonic()
            if link.ready:
                playback.pump(now, lambda parcel: link.publish(parcel.topic, parcel.payload))
            receipts = (receipt(message) for message in link.received(0.2))
            rows = sum(playback.answer(one) for one in receipts)
            if rows:
                heard = time.monotonic()
                show(rows)
            if not playback.on_way:
                heard = now
            if now - heard > SILENCE_S:
                raise ServiceError(
                    f"no answer for {SILENCE_S:.0f} s and {playback.on_way} messages wait; is the collector running? "
                    "look with `lantian status`; the same command goes on where the answers ended"
                )
            if now - saved > SAVE_S:
                saved = now
                save()
    finally:
        save()


class Lines:
    """Progress without a terminal: a plain line now and then."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total, self._done, self._shown = console, total, 0, time.monotonic()

    def add(self, rows: int) -> None:
        """Count `rows` more as answered."""
        self._done += rows
        if time.monotonic() - self._shown >= LINE_S:
            self._shown = time.monotonic()
            self._console.print(f"replay: {self._done} of {self._total} rows answered")


def progress(console: Console, total: int) -> tuple[AbstractContextManager[object], Callable[[int], None]]:
    """What shows the progress on this console, and the function that is told of answered rows."""
    if not console.is_terminal:
        return nullcontext(), Lines(console, total).add
    columns = (TextColumn("replay"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console)
    task = bar.add_task("replay", total=total)
    return bar, lambda rows: bar.advance(task, rows)


def summary(playback: Playback, before: int, seconds: float) -> str:
    """What happened, on a line or more."""
    counts = playback.rows
    words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("stored", "duplicate", "revised", "rejected"))
    lines = [f"published {counts.total()} rows in {seconds:.1f} s: {words}; {before} rows were answered before"]
    if playback.resent:
        lines.append(f"{playback.resent} messages were sent again because their answer was late")
    for reason, count in playback.reasons.most_common():
        lines.append(f"rejected {reason}: {count} rows, for instance {playback.examples.get(reason, '')}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Pace:
    """Rows per message, rows on their way at once, and how much faster than the original (0 = as taken)."""

    batch: int = 1
    window: int = 2000
    speed: float = 0.0


def replay(tracks: dict[Path, Track], account: Account, area: str, *, pace: Pace, console: Console) -> bool:
    """Send what is unanswered and print the summary; whether nothing was rejected.

    Parameters
    ----------
    tracks : dict of Path to Track
        Rows by the file that keeps their progress.
    account : Account
        Broker and user.
    area : str
        Area whose devices the tracks are.
    pace : Pace
        How fast.
    console : Console
        Where progress and summary are shown.

    Raises
    ------
    ServiceError
        When there is no broker, or no answer for `SILENCE_S`.
    """
    numbers = itertools.count(time.time_ns() // 1_000_000)
    window: Window[int] = Window(max(pace.window // pace.batch, 1), Patience())
    playback = Playback(list(tracks.values()), numbers, window=window, batch=pace.batch, speed=pace.speed)
    before = sum(len(track.starts_s) for track in tracks.values()) - playback.total
    began = time.monotonic()
    try:
        if not playback.done:
            _run(playback, tracks, account, area, console)
    finally:
        console.print(summary(playback, before, time.monotonic() - began), soft_wrap=True, highlight=False)
    return not playback.reasons


def _run(playback: Playback, tracks: dict[Path, Track], account: Account, area: str, console: Console) -> None:
    topics = [topic(area, "json", "+", stream) for stream in ("reply", "error")]
    link = Link(account, f"lantian-replay-{area}", topics, keep_session=False)
    shown, add = progress(console, playback.total)

    def save() -> None:
        for state, track in tracks.items():
            save_track(track, state)

    link.start()
    try:
        if not link.wait_ready(CONNECT_S):
            link.received(0.0)
            raise ServiceError(
                f"found no broker at {account.host}:{account.port}; start the services with `lantian up` and try again"
            )
        with shown:
            play(playback, link, save=save, show=add)
    finally:
        link.stop()


def register(county: County, url: str) -> None:
    """Enter the area, its sites and devices into the registry; again is no change.

    A collector that was asked for a stranger within the last second would still not know new devices, so this waits
    for it to look again.
    """
    with translated("register the stations"), connect(url, application_name="lantian replay") as conn:
        known = read_devices(conn)
        load_county(conn, county)
        conn.commit()
    if any(device.id not in known for device in county.devices):
        time.sleep(REGISTRY_S)


@click.command("replay", context_settings={"show_default": True})
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["prsa"]), required=True, help="What the files are.")
@click.option("--year", type=click.IntRange(1990, 2100), help="Only this local year; all years otherwise.")
@click.option("--speed", type=click.FloatRange(0), default=0.0, help="Times real time; 0 = as the system takes them.")
@click.option("--area", default=AREA, help="Id of the area to register and fill.")
@click.option("--batch", type=click.IntRange(1, 1000), default=1, help="Hours of one station per message.")
@click.option("--window", type=click.IntRange(1, 3000), default=2000, help="Hours that may wait for their answer.")
@click.option("--restart", is_flag=True, help="Forget what earlier runs have sent.")
def command(form: str, files: tuple[Path, ...], area: str, year: int | None, **options: Any) -> None:  # noqa: ARG001
    """Send real hourly measurements from FILES through the broker, as if their stations sent them.

    An interrupted replay goes on where the answers ended. The exit status is 1 when something was rejected.
    """
    settings = load_settings()
    console = Console(stderr=True)
    url, address = database_url(settings, "lantian_app"), broker_for(settings, "replay")
    county, tracks = load_tracks(files, area, year, folder=settings.home / "replay", restart=options["restart"])
    register(county, url)
    account = Account(address.host, address.port, address.username, address.password, _path(address.tls))
    pace = Pace(options["batch"], options["window"], options["speed"])
    try:
        good = replay(tracks, account, area, pace=pace, console=console)
    except KeyboardInterrupt:
        console.print("interrupted; the same command goes on where the answers ended")
        sys.exit(130)
    if not good:
        sys.exit(1)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
