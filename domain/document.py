"""The documents in `domain/standards`, the editions in them and the days on which they judge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from domain.error import ConfigurationError
from domain.table import CONFIDENCES, Row, load_toml

STANDARDS: Final = Path(__file__).parent / "standards"
#: Columns that every transcribed table has.
SOURCE: Final = ("clause", "confidence")


@dataclass(frozen=True, slots=True)
class Edition:
    """A set of rules and the local data dates it judges, both included; `valid_to` None is open."""

    id: str
    standard: str
    kind: str
    valid_from: dt.date
    valid_to: dt.date | None


@dataclass(frozen=True, slots=True)
class Standard:
    """One document: number, titles, validity and the editions in it (itself, or its stages)."""

    id: str
    number: str
    title_zh: str
    title_en: str
    editions: tuple[Edition, ...]


def source(row: Row) -> tuple[str, str]:
    """Clause and confidence of a row; every transcribed row has both."""
    return row.text("clause"), row.choice("confidence", CONFIDENCES)


def standard_folder(standard: str) -> Path:
    """The data folder of `standard`, such as ``gb3095-2026``."""
    known = sorted(path.name for path in STANDARDS.iterdir() if path.is_dir())
    if standard not in known:
        raise ConfigurationError(f"standard {standard!r} is unknown; expected one of {', '.join(known)}")
    return STANDARDS / standard


@cache
def standards() -> Mapping[str, Standard]:
    """Every shipped document by its id, in order of id."""
    folders = sorted(path for path in STANDARDS.iterdir() if path.is_dir())
    return MappingProxyType({folder.name: load_standard(folder) for folder in folders})


def load_standard(folder: Path) -> Standard:
    """The document described by `folder`/standard.toml."""
    table = load_toml(folder / "standard.toml")
    place = f"{folder.name}/standard.toml"

    def text(key: str) -> str:
        value = table.get(key)
        if not isinstance(value, str):
            raise ConfigurationError(f"{place}: key {key}: found {value!r}, expected a text")
        return value

    stages = table.get("edition", [table])
    if not isinstance(stages, list):
        raise ConfigurationError(f"{place}: key edition: found {stages!r}, expected tables [[edition]]")
    editions = []
    for stage in stages:
        start, end = stage.get("valid_from"), stage.get("valid_to")
        if not isinstance(start, dt.date) or not (end is None or isinstance(end, dt.date)):
            raise ConfigurationError(f"{place}: found valid_from {start!r}, valid_to {end!r}, expected dates")
        editions.append(Edition(str(stage.get("id")), text("id"), text("kind"), start, end))
    return Standard(text("id"), text("number"), text("title_zh"), text("title_en"), tuple(editions))


@cache
def editions(kind: str) -> tuple[Edition, ...]:
    """Editions of one kind (``aqi``, ``limits``, ``evaluation``, ``warning``, ``wire``) by the day they start."""
    found = [edition for standard in standards().values() for edition in standard.editions if edition.kind == kind]
    if not found:
        kinds = sorted({edition.kind for standard in standards().values() for edition in standard.editions})
        raise ConfigurationError(f"no standard of kind {kind!r}; expected one of {', '.join(kinds)}")
    return tuple(sorted(found, key=lambda edition: edition.valid_from))


def edition_named(kind: str, name: str) -> Edition:
    """The edition of `kind` with identifier `name`."""
    for edition in editions(kind):
        if edition.id == name:
            return edition
    names = ", ".join(edition.id for edition in editions(kind))
    raise ConfigurationError(f"{kind} edition {name!r} is unknown; expected one of {names}")
