"""Progress of slow steps: a moving bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol, Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Reporter(Protocol):
    """What slow steps tell: a new step begins, a part of it (0 to 1) is done, a remark."""

    def step(self, text: str) -> None:
        """Begin a step."""

    def part(self, done: float) -> None:
        """Say which part of the step is done, 0 to 1."""

    def say(self, text: str) -> None:
        """Tell something that stays readable."""


class Silence:
    """Tells nothing; for tests and for processes without a reader."""

    def step(self, text: str) -> None:
        """Ignore a step."""

    def part(self, done: float) -> None:
        """Ignore a part."""

    def say(self, text: str) -> None:
        """Ignore a remark."""


class Lines:
    """One plain line per step, and one per quarter of a long step."""

    def __init__(self) -> None:
        self._text = ""
        self._quarter = 0

    def step(self, text: str) -> None:
        """Print the step."""
        self._text, self._quarter = text, 0
        click.echo(f"{text} ...", err=True)

    def part(self, done: float) -> None:
        """Print the part when another quarter is done."""
        quarter = int(done * 4)
        if quarter > self._quarter:
            self._quarter = quarter
            click.echo(f"{self._text}: {quarter * 25} %", err=True)

    def say(self, text: str) -> None:
        """Print the remark."""
        click.echo(text, err=True)


class Bar:
    """A rich progress display on standard error, one row per step."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30), TimeElapsedColumn(), console=self._console
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._finish(kind is None)
        self._progress.stop()

    def _finish(self, succeeded: bool) -> None:
        if self._task is not None and succeeded:
            self._progress.update(self._task, total=1.0, completed=1.0)
        if self._task is not None:
            self._progress.stop_task(self._task)
        self._task = None

    def step(self, text: str) -> None:
        """Finish the row before and begin one."""
        self._finish(True)
        self._task = self._progress.add_task(text, total=None)

    def part(self, done: float) -> None:
        """Move the bar of the current row."""
        if self._task is not None:
            self._progress.update(self._task, total=1.0, completed=done)

    def say(self, text: str) -> None:
        """Print the remark above the rows."""
        self._console.print(text, highlight=False, markup=False)


def is_terminal() -> bool:
    """Whether a moving bar can be shown."""
    return sys.stderr.isatty()
