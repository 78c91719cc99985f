"""Quality flags (QARTOD) and the status marks devices send (HJ 212-2017 6.6.6, table 8)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.table import Row, load_table

Flags = npt.NDArray[np.uint8]

GOOD: Final = 1
NOT_EVALUATED: Final = 2
SUSPECT: Final = 3
FAIL: Final = 4
MISSING: Final = 9

#: Weakest to strongest: when tests disagree, the later one wins.
PRECEDENCE: Final[tuple[int, ...]] = (NOT_EVALUATED, GOOD, SUSPECT, FAIL, MISSING)
NAMES_ZH: Final = MappingProxyType(
    {GOOD: "正常", NOT_EVALUATED: "未审核", SUSPECT: "可疑", FAIL: "无效", MISSING: "缺测"}
)
#: Flags whose values enter statistics: all valid data must (GB 3095-2026 6.4); suspicion alone removes nothing.
USABLE: Final[tuple[int, ...]] = (GOOD, NOT_EVALUATED, SUSPECT)

#: Letter stored where the device sent no mark.
NO_MARK: Final = "-"
_WORDS: Final = {"good": GOOD, "suspect": SUSPECT, "fail": FAIL}


def _mark(row: Row) -> tuple[str, str, int]:
    letter = row.text("letter")
    if len(letter) != 1:
        raise row.fault("letter", "one letter")
    row.text("clause")
    return letter, row.text("name_zh"), _WORDS[row.choice("flag", tuple(_WORDS))]


_MARKS = load_table(Path(__file__).parent / "screening" / "mark.csv", ("letter", "name_zh", "flag", "clause"), _mark)
#: Marks of HJ 212-2017: letter -> Chinese meaning. Anything but N says the device itself does not vouch for the value.
MARKS_ZH: Final = MappingProxyType({letter: name for letter, name, _ in _MARKS if letter != NO_MARK})
#: The flag a mark alone justifies; other letters are kept as sent and lead to SUSPECT.
MARK_FLAGS: Final = MappingProxyType({letter: flag for letter, _, flag in _MARKS})

_RANK = np.full(256, 0, dtype=np.uint8)
for _rank, _flag in enumerate(PRECEDENCE):
    _RANK[_flag] = _rank


def strongest(flags: Iterable[Flags]) -> Flags:
    """Combine the results of several tests by `PRECEDENCE`.

    Parameters
    ----------
    flags : iterable of ndarray of uint8
        Arrays of one shape, each holding flags.

    Returns
    -------
    ndarray of uint8
        Same shape; the strongest flag per element.
    """
    arrays = list(flags)
    result = arrays[0].copy()
    for other in arrays[1:]:
        np.copyto(result, other, where=_RANK[other] > _RANK[result])
    return result


def usable(flags: Flags) -> npt.NDArray[np.bool_]:
    """True where a flagged value enters statistics (`USABLE`); same shape as `flags`."""
    return np.isin(flags, USABLE)


def to_text(flags: Flags) -> list[str]:
    """Flags (rows x columns) as one text per row, one character per column, e.g. ``"119"``."""
    codes = np.ascontiguousarray(flags + np.uint8(ord("0")))
    return [row.tobytes().decode("ascii") for row in codes]


def from_text(texts: Iterable[str], width: int) -> Flags:
    """Inverse of `to_text`: an array (rows x `width`) of uint8."""
    joined = "".join(texts).encode("ascii")
    return (np.frombuffer(joined, dtype=np.uint8) - np.uint8(ord("0"))).reshape(-1, width)
