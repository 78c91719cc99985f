"""The process behind `lantian up`: starts services and children, brings back what dies, ends all in order."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.service.first_account import ensure_first_account
from app.service.local import LocalServices
from app.service.process import end_process, start_process, trim_log
from app.service.progress import Reporter
from app.service.schema import prepare_database
from app.service.state import FAILED, RUNNING, STARTING, STOPPING, ProcessState, State, write_state
from app.service.unprivileged import ServiceUser
from app.settings import Settings
from domain.error import LantianError

#: The scenario that plays the demonstration county's industry, and the one whose faults and episodes its stations have.
WORKS: Final = "works"
STATIONS: Final = "stations"
_TICK_S: Final = 0.25
_HOUSEKEEPING_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 60.0
#: A process that lived so long starts again at once, without the pause that grows with every quick death.
_HEALTHY_S: Final = 60.0


def local_services(settings: Settings, reporter: Reporter) -> LocalServices:
    """Services that the settings leave to this machine, not started yet."""
    return LocalServices(
        settings.home,
        settings.cache,
        reporter=reporter,
        database=settings.database_is_local,
        broker=settings.broker_is_local,
        user=settings.service_user,
        database_port=settings.database_port,
        broker_port=settings.broker_port,
        max_queued_messages=settings.broker_max_queued_messages,
        autosave_s=settings.broker_autosave_s,
        tls=settings.tls_listener(),
    )


def child_commands(settings: Settings) -> dict[str, list[str]]:
    """Arguments of `lantian` for each process beside the services."""
    commands = {"collect": ["collect"], "settle": ["settle", "--follow"], "job": ["job", "follow"]}
    for number in range(2, settings.collectors + 1):
        commands[f"collect-{number}"] = ["collect", "--number", str(number), "--share", "lantian"]
    if settings.collectors > 1:
        commands["collect"] += ["--share", "lantian"]
    commands["watch"] = ["alert", "watch"]
    for number in range(1, settings.dispatchers + 1):
        commands["dispatch" if number == 1 else f"dispatch-{number}"] = ["dispatch"]
    if settings.gateway_port:
        commands["gateway"] = ["gateway"]
    if settings.console:
        commands["console"] = ["console"]
    if settings.metrics_port:
        commands["metrics"] = ["metrics"]
    if settings.exchange:
        commands["exchange"] = ["exchange", "follow"]
    if settings.public:
        commands["public"] = ["public"]
    if settings.simulator:
        scenario = settings.simulator_scenario
        commands["simulate"] = ["simulate"] if scenario is None else ["simulate", "--scenario", scenario]
        if settings.demonstrates:
            commands["simulate"] += ["--faults", STATIONS]
            commands["works"] = ["simulate", "--scenario", WORKS]
    return commands


@dataclass(slots=True)
class Child:
    """One process of ours: how it is started, whether it lives, when it may start again."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    state: ProcessState = field(default_factory=lambda: ProcessState(""))
    began: float = 0.0
    not_before: float = 0.0
    pause_s: float = 1.0

    def __post_init__(self) -> None:
        self.state = ProcessState(self.name)


class _Told:
    """Reporter that writes steps and remarks into the state file and passes them on."""

    def __init__(self, supervisor: Supervisor, further: Reporter) -> None:
        self._supervisor = supervisor
        self._further = further

    def step(self, text: str) -> None:
        self._supervisor.state.step = text
        self._supervisor.save()
        self._further.step(text)

    def part(self, done: float) -> None:
        self._further.part(done)

    def say(self, text: str) -> None:
        self._supervisor.state.remarks = [*self._supervisor.state.remarks[-49:], text]
        self._supervisor.save()
        self._further.say(text)


class Supervisor:
    """Everything of one home folder, alive until `stop` is set.

    Parameters
    ----------
    settings : Settings
        What to run.
    reporter : Reporter
        Told the steps.
    now : callable
        The clock; aware moments.
    """

    def __init__(self, settings: Settings, reporter: Reporter, now: Callable[[], dt.datetime]) -> None:
        self.state = State(phase=STARTING, began_at=now().isoformat(timespec="seconds"))
        self.stop = threading.Event()
        self._settings = settings
        self._now = now
        self._told = _Told(self, reporter)
        self._services = local_services(settings, self._told)
        self._children = [Child(name, arguments) for name, arguments in child_commands(settings).items()]
        self._service_pause_s = 0.0

    def save(self) -> None:
        """Write the state file."""
        services = [
            ProcessState(name, service.pid, self.state.began_at)
            for name, service in (("postgres", self._services.cluster), ("mosquitto", self._services.broker))
            if service is not None
        ]
        self.state.processes = services + [child.state for child in self._children]
        write_state(self._services, self.state)

    def run(self, when_running: Callable[[], None] | None = None) -> None:
        """Start everything and keep it alive until `stop` is set; an error of the start is kept in the state file.

        Parameters
        ----------
        when_running : callable, optional
            Called once when everything has been started.
        """
        try:
            self._services.start()
            self._told.step("Preparing the database")
            prepare_database(self._settings, self._told)
            ensure_first_account(self._settings)
            self._told.step("Starting collector and statistics")
            self._start_children()
            self.state.phase, self.state.step = RUNNING, ""
            self.save()
            if when_running is not None:
                when_running()
            self._watch()
        except LantianError as error:
            self.state.phase, self.state.error = FAILED, str(error)
            raise
        finally:
            self._end()

    def _start_children(self) -> bool:
        due = [each for each in self._children if each.process is None and time.monotonic() >= each.not_before]
        for child in due:
            self._start(child)
        return bool(due)

    def _start(self, child: Child) -> None:
        own = ServiceUser("", os.geteuid(), os.getegid(), dropped=False)
        command = [sys.executable, "-m", "app", *child.arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "LANTIAN_HOME": str(self._settings.home)}
        log = self._services.log / f"{child.name}.log"
        child.process = start_process(
            own, command, folder=self._services.folder, log=log, dies_by=signal.SIGTERM, environment=environment
        )
        child.began = time.monotonic()
        child.state.pid, child.state.started_at = child.process.pid, self._now().isoformat(timespec="seconds")

    def _watch(self) -> None:
        housekeeping = time.monotonic() + _HOUSEKEEPING_S
        while not self.stop.wait(_TICK_S):
            if self._bring_back_services() | self._note_deaths() | self._start_children():
                self.save()
            if time.monotonic() >= housekeeping:
                housekeeping = time.monotonic() + _HOUSEKEEPING_S
                for log in self._services.log.glob("*.log"):
                    trim_log(log)
                self.save()

    def _note_deaths(self) -> bool:
        changed = False
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            lived = time.monotonic() - child.began
            child.pause_s = 1.0 if lived > _HEALTHY_S else min(child.pause_s * 2, _LONGEST_PAUSE_S)
            child.not_before = time.monotonic() + child.pause_s
            child.state.pid, child.state.last_exit = None, child.process.returncode
            child.state.restarts += 1
            child.process = None
            changed = True
        return changed

    def _bring_back_services(self) -> bool:
        try:
            started = self._services.restart_missing()
        except LantianError as error:
            self._service_pause_s = min(max(1.0, self._service_pause_s * 2), _LONGEST_PAUSE_S)
            self._told.say(f"{self._now().isoformat(timespec='seconds')} {error}")
            self.stop.wait(self._service_pause_s)
            return True
        if started:
            self._told.say(f"{self._now().isoformat(timespec='seconds')} started again: {', '.join(started)}")
        return bool(started)

    def _end(self) -> None:
        if self.state.phase != FAILED:
            self.state.phase = STOPPING
        for child in reversed(self._children):
            if child.process is not None:
                end_process(child.process, signal.SIGTERM, timeout_s=20)
                child.state.pid = None
        try:
            write_state(self._services, self.state)
        finally:
            # Whatever has become of the home folder, nothing is left running. This gives the lock up, so nothing is
            # written afterwards: the next supervisor may have begun.
            self._services.stop()
