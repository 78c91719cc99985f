"""How a register of the plan is described: fields with their headings, types, units, words and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

#: Types of a field; a reference holds the id of an entry of another register.
FIELD_TYPES: Final[tuple[str, ...]] = ("text", "number", "integer", "date", "time", "truth", "choice", "reference")
#: What a row of a register's history did.
ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"add": "登记", "correct": "更正", "retire": "注销", "restore": "恢复"}
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a register.

    Attributes
    ----------
    key : str
        Name in the program, in the database and as English heading.
    heading_zh : str
        Chinese heading.
    type : str
        One of `FIELD_TYPES`.
    help : str
        For the command line.
    required : bool
        Whether every entry has it.
    unit : str
        Of a number.
    low, high : float
        Bounds of a number or integer, both allowed.
    words : mapping of str to str
        Of a choice: Chinese word -> the program's word; the first word of a meaning is used when exporting.
    default : str
        Text of a new entry's empty cell.
    aliases : tuple of str
        Other headings accepted.
    past : bool
        Whether a date, time or year must not lie in the future.
    not_before : str
        Field of a date that this date must not precede.
    refers : str
        Of a reference: the register, or ``enterprise``.
    needed_when : tuple, optional
        A field and its values that make this one required.
    """

    key: str
    heading_zh: str
    type: str
    help: str
    required: bool = False
    unit: str = ""
    low: float = -1e12
    high: float = 1e12
    words: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    aliases: tuple[str, ...] = ()
    past: bool = False
    not_before: str = ""
    refers: str = ""
    needed_when: tuple[str, tuple[str, ...]] | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """The program's words of a choice."""
        return tuple(dict.fromkeys(self.words.values()))


@dataclass(frozen=True, slots=True)
class Register:
    """One register: its name, Chinese title, clause of the plan, fields (without id and area), what makes its ids.

    Attributes
    ----------
    natural : tuple of str
        Fields that make the id of an entry entered without one; empty when every entry needs its own number.
    listed : tuple of str
        Fields shown in lists.
    id_aliases : tuple of str
        Other headings of the column of ids.
    """

    name: str
    title_zh: str
    clause: str
    fields: tuple[Field, ...]
    listed: tuple[str, ...]
    natural: tuple[str, ...] = ()
    id_aliases: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """Its table in the database."""
        return f"register_{self.name}"
