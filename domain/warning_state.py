"""States of a heavy-pollution warning and the legal steps between them; the database holds the same table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from domain.error import ConfigurationError
from domain.warning import BY_KEY

#: Before the first proposal.
NONE: Final = "none"
PROPOSED: Final = "proposed"
#: Levels in force, ascending.
ISSUED: Final[tuple[str, ...]] = ("yellow", "orange", "red")
CLOSED: Final[tuple[str, ...]] = ("lifted", "rejected", "lapsed")

STATES_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        NONE: "无预警",
        PROPOSED: "待确认",
        **{level: BY_KEY[level].name_zh for level in ISSUED},
        "lifted": "已解除",
        "rejected": "未采纳",
        "lapsed": "已失效",
    }
)
ACTIONS_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "propose": "提出建议",
        "confirm": "启动",
        "reject": "不采纳",
        "lapse": "建议失效",
        "upgrade": "升级",
        "downgrade": "降级",
        "extend": "调整时段",
        "lift": "解除",
    }
)


class Transition(NamedTuple):
    """One legal step."""

    before: str
    action: str
    after: str


def _transitions() -> frozenset[Transition]:
    steps = {
        Transition(NONE, "propose", PROPOSED),
        Transition(PROPOSED, "propose", PROPOSED),
        Transition(PROPOSED, "reject", "rejected"),
        Transition(PROPOSED, "lapse", "lapsed"),
    }
    for rank, level in enumerate(ISSUED):
        steps.add(Transition(PROPOSED, "confirm", level))
        steps.add(Transition(level, "lift", "lifted"))
        steps |= {Transition(level, action, level) for action in ("propose", "reject", "lapse", "extend")}
        steps |= {Transition(level, "upgrade", higher) for higher in ISSUED[rank + 1 :]}
        steps |= {Transition(level, "downgrade", lower) for lower in ISSUED[:rank]}
    return frozenset(steps)


TRANSITIONS: Final[frozenset[Transition]] = _transitions()


def rank_of(level: str) -> int:
    """Rank of a level, 0 for ``none``; grows with severity (`domain.warning.LEVELS`)."""
    return BY_KEY[level].rank


def change_action(before: str, level: str) -> str:
    """Which action brings a warning in state `before` to `level` (``none`` = no warning).

    Parameters
    ----------
    before : str
        State now.
    level : str
        ``none`` or one of `ISSUED`.

    Returns
    -------
    str
        ``confirm``, ``upgrade``, ``downgrade``, ``lift`` or ``reject``; `ConfigurationError` when nothing changes.
    """
    if before == PROPOSED:
        return "reject" if level == NONE else "confirm"
    if before not in ISSUED or before == level:
        raise ConfigurationError(f"found a warning in state {before}, expected one that {level} changes")
    if level == NONE:
        return "lift"
    return "upgrade" if rank_of(level) > rank_of(before) else "downgrade"


def step(before: str, action: str, after: str) -> Transition:
    """The step, when it is legal.

    Parameters
    ----------
    before, action, after : str
        State, what is done, and the state it leads to.

    Raises
    ------
    ConfigurationError
        Otherwise; names what is legal from `before`.
    """
    transition = Transition(before, action, after)
    if transition not in TRANSITIONS:
        legal = sorted(f"{each.action} -> {each.after}" for each in TRANSITIONS if each.before == before)
        raise ConfigurationError(
            f"a warning in state {before}: found {action} -> {after}, expected {', '.join(legal) or 'nothing more'}"
        )
    return transition
