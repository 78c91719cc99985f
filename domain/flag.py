"""Quality flags (QARTOD) and the status marks devices send (HJ 212-2017 6.6.6, table 8)."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

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

#: Marks of HJ 212-2017: letter -> Chinese meaning. Anything but N says the device itself does not vouch for the value.
MARKS_ZH: Final = MappingProxyType(
    {"N": "正常", "F": "停运", "M": "维护", "S": "手工输入", "D": "故障", "C": "校准", "T": "超上限", "B": "通讯异常"}
)
#: Letter stored where the device sent no mark.
NO_MARK: Final = "-"
#: The flag a mark alone justifies; other letters are kept as sent and lead to SUSPECT.
MARK_FLAGS: Final = MappingProxyType(
    {"N": GOOD, "-": GOOD, "S": SUSPECT, "F": FAIL, "M": FAIL, "D": FAIL, "C": FAIL, "T": FAIL, "B": FAIL}
)

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
