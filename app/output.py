"""Where a command's result goes: to a file, or to standard output."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console


def put_result(text: str, output: Path | None) -> None:
    """Write `text` and a line end to `output`, None = standard output; `ClickException` when that is not possible."""
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error


def table_console() -> Console:
    """Where tables go: as wide as the terminal, wide enough for whole lines in a pipe or a file."""
    return Console(width=None if sys.stdout.isatty() else 200)
