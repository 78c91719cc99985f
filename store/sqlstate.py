"""What an SQLSTATE asks for: set the row aside, try again later, or stop."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Kind(Enum):
    """What to do about a database error."""

    POISON = "poison"
    """The data cannot be stored: isolate and reject them."""
    TRANSIENT = "transient"
    """The same action may succeed later: keep the data and try again."""
    STANDING = "standing"
    """Only a person can help: stop and say so."""


#: Classes of SQLSTATE (PostgreSQL documentation, appendix A) that are not STANDING.
_CLASSES: Final = {
    "22": Kind.POISON,  # data exception
    "23": Kind.POISON,  # integrity constraint violation
    "08": Kind.TRANSIENT,  # connection exception
    "40": Kind.TRANSIENT,  # transaction rollback: deadlock, serialization failure
    "55": Kind.TRANSIENT,  # object not in prerequisite state: lock not available
    "57": Kind.TRANSIENT,  # operator intervention: shutdown, cancelled query
}


def kind_of(sqlstate: str | None) -> Kind:
    """Kind of an error.

    Parameters
    ----------
    sqlstate : str or None
        Five characters; None when the connection broke before the server could say anything.

    Returns
    -------
    Kind
        By class; whatever is not known to be poison or transient is STANDING.
    """
    if sqlstate is None:
        return Kind.TRANSIENT
    return _CLASSES.get(sqlstate[:2], Kind.STANDING)
