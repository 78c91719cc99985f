"""Pages for people name only what exists: files that links point to, commands of the program."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from app.main import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("README*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:`|^|\s)(?:\./)?lantian (?!lantian )([a-z][a-z-]*)(?: ([a-z][a-z0-9-]*))?", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`|```\w*\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_point_to_files_that_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_are_those_of_the_program(page: Path) -> None:
    context = click.Context(main)
    code = "\n".join(one or many for one, many in CODE.findall(page.read_text(encoding="utf-8")))
    wrong = []
    for name, second in COMMAND.findall(code):
        command = main.get_command(context, name)
        if command is None:
            wrong.append(name)
        elif isinstance(command, click.Group) and second and command.get_command(context, second) is None:
            wrong.append(f"{name} {second}")
    assert not wrong
