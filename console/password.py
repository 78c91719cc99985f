"""Passwords of the console: generated, judged, hashed with argon2id."""

from __future__ import annotations

import secrets
import string
import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 10
LONGEST: Final = 200
_FEWEST_DIFFERENT: Final = 5
#: Letters and digits that nobody confuses when reading them from paper.
_LETTERS: Final = "".join(letter for letter in string.ascii_letters + string.digits if letter not in "0O1lI")
#: RFC 9106, second recommended option, with one lane: 64 MiB and about 0.1 s each.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
#: So many are hashed at once, so that a flood of attempts cannot take the machine's memory.
_GATE: Final = threading.BoundedSemaphore(2)
#: Hash of a password that nobody has: an unknown name costs as much time as a wrong password.
_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$R2qVJb7pYF2U8vJq1g0tWcX1m7m3d3lqC8m1h0m1m1E"


def generated_password() -> str:
    """A password of 16 letters and digits (93 bits) in four groups."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def hashed_password(password: str) -> str:
    """The argon2id hash, with its parameters and its salt."""
    with _GATE:
        return _HASHER.hash(password)


def is_password(kept: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed; takes the same time when there is no such account (None)."""
    with _GATE:
        try:
            _HASHER.verify(kept or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def password_fault(password: str, account: str) -> str | None:
    """Why a password is refused, in Chinese for the person who chose it; None when it is accepted.

    Parameters
    ----------
    password : str
        The new password.
    account : str
        The name of its account.

    Returns
    -------
    str or None
        Too short or long, too few different characters, one kind of characters only, or made of the name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        return f"口令长度为 {len(password)} 个字符，应为 {SHORTEST} 至 {LONGEST} 个"
    if len(set(password)) < _FEWEST_DIFFERENT:
        return f"口令只用了 {len(set(password))} 种字符，至少应有 {_FEWEST_DIFFERENT} 种"
    if account.lower() in password.lower():
        return "口令中不应包含用户名"
    kinds = (str.isdigit, str.islower, str.isupper)
    if any(all(kind(letter) for letter in password) for kind in kinds):
        return "口令只有一类字符，应同时使用字母、数字、符号中的至少两类"
    return None
