"""Code tables of HJ 212: system types, commands, answers and marks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from domain.document import SOURCE, source, standard_folder
from domain.error import ConfigurationError
from domain.table import Row, load_table

CODE_TABLES: Final[tuple[str, ...]] = (
    "system_types",
    "commands",
    "request_results",
    "execution_results",
    "marks",
)


@dataclass(frozen=True, slots=True)
class Code:
    """One code, its names and the days on which it means this; `valid_to` None is open."""

    code: str
    name_zh: str
    name_en: str
    valid_from: dt.date
    valid_to: dt.date | None
    clause: str
    confidence: str


def _code(row: Row) -> Code:
    valid_to = row.date("valid_to") if row.optional("valid_to") else None
    names = row.text("name_zh"), row.text("name_en")
    return Code(row.text("code"), *names, row.date("valid_from"), valid_to, *source(row))


@cache
def codes(table: str) -> Mapping[str, Code]:
    """One code table of HJ 212-2017 by code.

    Parameters
    ----------
    table : str
        ``system_types`` (ST, table 5), ``commands`` (CN, table 9), ``request_results`` (QnRtn, table 7),
        ``execution_results`` (ExeRtn, table 6) or ``marks`` (table 8).

    Returns
    -------
    mapping of str to Code
        In the standard's order.
    """
    if table not in CODE_TABLES:
        raise ConfigurationError(f"code table {table!r} is unknown; expected one of {', '.join(CODE_TABLES)}")
    columns = ("code", "name_zh", "name_en", "valid_from", "valid_to", *SOURCE)
    rows = load_table(standard_folder("hj212-2017") / f"{table}.csv", columns, _code)
    return MappingProxyType({row.code: row for row in rows})
