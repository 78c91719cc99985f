"""Every command of the table can be loaded and has a help text."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from app.main import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.help
