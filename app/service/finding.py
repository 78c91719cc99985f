"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One prerequisite: how it stands, what was found, and what to do about it."""

    verdict: Verdict
    subject: str
    found: str
    advice: str = ""


def judged(good: bool, subject: str, found: str, advice: str, *, otherwise: Verdict = "fail") -> Finding:
    """A finding that is ok when `good`, and gives advice when not.

    Parameters
    ----------
    good : bool
        Whether the prerequisite is met.
    subject, found : str
        What was looked at and what was seen.
    advice : str
        What to do when it is not met.
    otherwise : {'fail', 'warn', 'ok'}
        Verdict when it is not met.

    Returns
    -------
    Finding
        Without advice when ok.
    """
    return Finding("ok", subject, found) if good else Finding(otherwise, subject, found, advice)
