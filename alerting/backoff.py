"""When to try a delivery again: pauses that double, with jitter so that many do not come back at once."""

from __future__ import annotations

import datetime as dt

from domain.alert import ChannelPolicy


def pause(policy: ChannelPolicy, attempt: int, chance: float) -> dt.timedelta | None:
    """Time until the next try.

    Parameters
    ----------
    policy : ChannelPolicy
        First and longest pause, tries allowed.
    attempt : int
        Tries made, from 1.
    chance : float
        A random number in [0, 1): the pause is between half and all of the doubled one.

    Returns
    -------
    timedelta or None
        None when no try is left.
    """
    if attempt >= policy.attempts:
        return None
    doubled = min(policy.first_pause_s * 2.0 ** min(attempt - 1, 60), policy.longest_pause_s)
    return dt.timedelta(seconds=doubled * (0.5 + 0.5 * chance))
