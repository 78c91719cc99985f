"""Where a command's result goes: to a file, or to standard output."""

from __future__ import annotations

from pathlib import Path

import click


def put_result(text: str, output: Path | None) -> None:
    """Write `text` and a line end to `output`, None = standard output; `ClickException` when that is not possible."""
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
