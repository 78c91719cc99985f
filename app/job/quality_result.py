"""Which results of quality tests must be appended after testing again: pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from domain.flag import NOT_EVALUATED
from store.quality import Results


def difference(found: Results, before: Results) -> tuple[Results, npt.NDArray[np.bool_]]:
    """What must be appended so that exactly `found` counts, and whether the flags of each differ from before.

    Parameters
    ----------
    found : Results
        What the tests find now, of one level.
    before : Results
        What they found before in all that was tested now, of the same level; what counts no longer has no mask.

    Returns
    -------
    appended : Results
        Those found now that were not there or are different, and those of before that are found no longer.
    changed : ndarray of bool
        For each of them, whether its flags, and so the statistics of its hour, change.
    """
    order = np.argsort(before.keys)
    sorted_keys = before.keys[order]
    place = np.searchsorted(sorted_keys, found.keys)
    known = place < len(order)
    known[known] = sorted_keys[place[known]] == found.keys[known]
    flags, failed = np.full_like(found.flags, NOT_EVALUATED), np.zeros_like(found.failed)
    flags[known], failed[known] = before.flags[order[place[known]]], before.failed[order[place[known]]]
    doubted = (found.flags != flags).any(axis=1)
    new = doubted | (found.failed != failed).any(axis=1)
    gone = before.rows(before.failed.any(axis=1) & ~np.isin(before.keys, found.keys))
    nothing = replace(gone, flags=np.full_like(gone.flags, NOT_EVALUATED), failed=np.zeros_like(gone.failed))
    changed = np.concatenate((doubted[new], (gone.flags != NOT_EVALUATED).any(axis=1)))
    return found.rows(new).followed_by(nothing), changed
