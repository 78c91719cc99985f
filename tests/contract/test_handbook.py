"""Pages for people name only what exists: files that links point to, commands, options and settings of the program."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import click
import pytest

from app.main import main
from app.settings import Settings
from console.menu import ITEMS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("README*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
HANDBOOKS = sorted((ROOT / "docs" / "handbook").glob("*.md"))
PICTURES = ROOT / "docs" / "handbook" / "picture"
MOST_BYTES = 3_000_000
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:`|^|\s)(?:\./)?lantian (?!lantian )([a-z][a-z-]*)(?: ([a-z][a-z0-9-]*))?", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`|```\w*\n(.*?)```", re.DOTALL)
LINE = re.compile(r"(?:^|[|(;&$] *|\s)(?:\./)?lantian ((?!lantian).+)")
#: Ends of a command in a line: what follows is another program, a remark, prose or an ellipsis.
END = re.compile(r"\s#|\s*[|;&<>]\s|\s*…|\s\.\.\.|$")
#: Brackets around what may be left out, placeholders for options, arrows of drawings.
PLACEHOLDER = re.compile(r"\[options\]|[\[\](){}]|─+>?")
SETTING = re.compile(r"`([a-z][a-z0-9_]*) = [^`]+`")
VARIABLE = re.compile(r"\bLANTIAN_([A-Z0-9_]+)\b")
#: Variables that the launcher and the tests read, not the settings.
OTHER_VARIABLES = {"config", "test_screenshots"}
#: Pages whose `name = value` is a setting; elsewhere it may be a field of another file.
SETTINGS_PAGES = ("README", "running", "deploy", "public", "exchange", "growth", "gateway", "warning", "administrator")


def code_of(page: Path) -> str:
    """What stands in code on a page."""
    return "\n".join(one or many for one, many in CODE.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_point_to_files_that_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_are_those_of_the_program(page: Path) -> None:
    context = click.Context(main)
    wrong = []
    for name, second in COMMAND.findall(code_of(page)):
        command = main.get_command(context, name)
        if command is None:
            wrong.append(name)
        elif isinstance(command, click.Group) and second and command.get_command(context, second) is None:
            wrong.append(f"{name} {second}")
    assert not wrong


def named_lines(code: str) -> list[list[str]]:
    """Words behind `lantian` of each command line in code; lines that go on with a backslash are one."""
    found = []
    for line in re.sub(r"\\\n\s*", " ", code).splitlines():
        for match in LINE.finditer(line):
            text = match[1][: END.search(match[1]).start()]  # type: ignore[union-attr]
            try:
                words = shlex.split(PLACEHOLDER.sub(" ", text))
            except ValueError:
                words = PLACEHOLDER.sub(" ", text).split()
            found.append([word for word in words if word])
    return found


def options_of(command: click.Command) -> dict[str, click.Option]:
    found = {"--help": click.Option(["--help"], is_flag=True), "-h": click.Option(["-h"], is_flag=True)}
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            found |= dict.fromkeys((*parameter.opts, *parameter.secondary_opts), parameter)
    return found


def faults_of(words: list[str]) -> list[str]:
    """What is wrong with a command line: options that its command does not have, more arguments than it takes."""
    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        if rest[0] in options_of(command):
            rest.pop(0)
            continue
        below = command.get_command(click.Context(command), rest[0].split("|")[0])
        if below is None:
            return []
        command = below
        rest.pop(0)
    options, faults, arguments = options_of(command), [], 0
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            arguments += 1
            continue
        for name in word.split("|"):
            option = options.get(name.split("=")[0])
            if option is None:
                faults.append(f"{' '.join(words)}: no option {name}")
            elif not option.is_flag and not option.count and "=" not in name:
                del rest[: option.nargs]
    places = [one for one in command.params if isinstance(one, click.Argument)]
    most = sum(abs(one.nargs) for one in places) if all(one.nargs > 0 for one in places) else None
    if not isinstance(command, click.Group) and most is not None and arguments > most:
        faults.append(f"{' '.join(words)}: {arguments} arguments, the command takes {most}")
    return faults


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_options_are_those_of_the_commands(page: Path) -> None:
    assert [fault for words in named_lines(code_of(page)) for fault in faults_of(words)] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("lantian report day 2026-03-04 --paper A4", "no option --paper"),
        ("./lantian backup one two", "2 arguments, the command takes 1"),
        ("lantian account add li --name-zh 李 --rolle operator", "no option --rolle"),
    ],
)
def test_a_wrong_line_is_found(line: str, fault: str) -> None:
    (words,) = named_lines(line)
    assert fault in faults_of(words)[0]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_settings_are_those_of_the_program(page: Path) -> None:
    known = {field.name for field in dataclasses.fields(Settings)}
    text = page.read_text(encoding="utf-8")
    named = {name.lower() for name in VARIABLE.findall(text)} - OTHER_VARIABLES
    if page.name.split(".")[0] in SETTINGS_PAGES:
        named |= set(SETTING.findall(text))
    assert named - known == set()


def test_each_picture_is_shown_and_each_shown_picture_exists() -> None:
    shown = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if "picture/" in link
    }
    kept = {path.resolve() for path in PICTURES.iterdir()}
    assert shown == kept
    assert sum(path.stat().st_size for path in kept) < MOST_BYTES


def test_each_page_of_the_menu_has_a_section_in_the_operators_handbook() -> None:
    text = (ROOT / "docs" / "handbook" / "operator.zh-CN.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert {item.text_zh for item in ITEMS} <= headings
