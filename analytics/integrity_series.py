"""One quantity of one device over time: constant, clipped and copied values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.integrity import Check, Found, Integers, checked, merged, runs, undetermined, usual_step_s

Floats = npt.NDArray[np.float64]

#: Neighbouring readings further apart than so many usual steps do not belong together.
_STEPS: Final = 3.0
#: Fewer values than these say nothing about how often an instrument repeats one.
_ENOUGH: Final = 60


def constant_values(  # noqa: PLR0913 - keyword-only
    times_s: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    least_minutes: float,
    chance: float,
    times_usual: float,
    largest_usual: float,
    certain_minutes: float,
) -> Check:
    """Values that stay the same longer than the instrument's resolution explains.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times of the readings in operation.
    values : array_like
        Shape (n,); NaN = missing.
    least_minutes : float
        Shortest run that may be suspected.
    chance : float
        Largest probability of the run: p ** steps, p being the share of unchanged neighbours outside long runs.
    times_usual : float
        How many times longer than the longest run below `least_minutes`: what changes slowly repeats values at its
        turning points.
    largest_usual : float
        Share of unchanged neighbours above which the instrument is too coarse to tell.
    certain_minutes : float
        A run this long is suspected whatever the instrument does otherwise; below it, too few other values or a coarse
        instrument give no verdict.

    Returns
    -------
    Check
        Figures: ``value``, ``minutes``, ``usual_percent`` of unchanged neighbours.
    """
    times, data = _present(times_s, values)
    step = usual_step_s(times)
    if not len(times) or (len(times) - 1) * step < least_minutes * 60 or len(times) < 3:
        return undetermined("values")
    same = np.concatenate(([False], data[1:] == data[:-1]))
    near = np.concatenate(([False], np.diff(times) <= _STEPS * step))
    first, last = runs(same & near, times, gap_s=_STEPS * step)
    first = first - 1
    minutes = (times[last] - times[first] + step) / 60.0
    long = minutes >= least_minutes
    outside = np.ones(len(times), dtype=np.bool_)
    for begin, end in zip(first[long].tolist(), last[long].tolist(), strict=True):
        outside[begin : end + 1] = False
    others = near & outside
    count = int(np.count_nonzero(others))
    usual = (np.count_nonzero(same & others) + 1) / (count + 2)
    longest = float(minutes[~long].max(initial=step / 60.0))
    told = count >= _ENOUGH and usual <= largest_usual
    improbable = (usual ** (last - first) <= chance) & (minutes >= times_usual * longest) & told
    certain = minutes >= certain_minutes
    suspected = np.flatnonzero(long & (improbable | certain))
    if not len(suspected) and long.any() and not told:
        return undetermined("other values" if count < _ENOUGH else "a finer resolution")
    return checked(
        Found(
            int(times[first[at]]),
            int(times[last[at]]),
            {"value": float(data[first[at]]), "minutes": float(minutes[at]), "usual_percent": 100.0 * usual},
        )
        for at in suspected.tolist()
    )


def clipped_values(  # noqa: PLR0913 - keyword-only
    times_s: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    least_values: float,
    least_percent: float,
    times_usual: float,
    window_minutes: float,
) -> Check:
    """Values that end at one largest value as if cut off there.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times of the readings in operation.
    values : array_like
        Shape (n,); NaN = missing.
    least_values : float
        Times the largest value must stand.
    least_percent : float
        Its least share of the values, percent.
    times_usual : float
        How many times more often than any of the ten values just below it stands.
    window_minutes : float
        Length of the windows that are judged, each half over the next, besides the whole: what is cut off for hours
        alone shows in them only.

    Returns
    -------
    Check
        Figures: ``value`` (the largest), ``minutes``, ``share_percent``, ``usual_percent`` (the values below).
        Undetermined when no window has five times `least_values` values and a dozen different ones.
    """
    times, data = _present(times_s, values)
    checks = [_clipped(times, data, least_values, least_percent, times_usual=times_usual)]
    if len(times):
        half = window_minutes * 30
        for begin in np.arange(times[0] - times[0] % half, times[-1], half).tolist():
            low, high = np.searchsorted(times, [begin, begin + 2 * half]).tolist()
            part = slice(low, high)
            checks.append(_clipped(times[part], data[part], least_values, least_percent, times_usual=times_usual))
    one = merged(checks)
    found: list[Found] = []
    for span in sorted(one.found, key=lambda each: (each.first_s, -each.last_s)):
        # Windows overlap: one value cut off for long is one span.
        if found and span.first_s <= found[-1].last_s and span.figures["value"] == found[-1].figures["value"]:
            found[-1] = _joint(times, data, found[-1], max(span.last_s, found[-1].last_s))
        else:
            found.append(span)
    return Check(one.verdict, tuple(found), one.lacking)


def _joint(times: Integers, data: Floats, first: Found, last_s: int) -> Found:
    """A span of clipped values made longer."""
    low, high = np.searchsorted(times, [first.first_s, last_s + 1]).tolist()
    top = int(np.count_nonzero(data[low:high] == first.figures["value"]))
    longer = {"minutes": top * usual_step_s(times) / 60.0, "share_percent": 100.0 * top / (high - low)}
    return Found(first.first_s, last_s, {**first.figures, **longer})


def _clipped(times: Integers, data: Floats, least_values: float, least_percent: float, *, times_usual: float) -> Check:
    if len(times) < 5 * least_values:
        return undetermined("values")
    different, counts = np.unique(data, return_counts=True)
    if len(different) < 12:
        return undetermined("different values")
    top, usual = int(counts[-1]), float(counts[-11:-1].max())
    share = 100.0 * top / len(data)
    if top < least_values or share < least_percent or top < times_usual * usual:
        return checked(())
    rows = np.flatnonzero(data == different[-1])
    figures = {
        "value": float(different[-1]),
        "minutes": top * usual_step_s(times) / 60.0,
        "share_percent": share,
        "usual_percent": 100.0 * usual / len(data),
    }
    return checked([Found(int(times[rows[0]]), int(times[rows[-1]]), figures)])


@dataclass(frozen=True, slots=True)
class Copy:
    """A block of values that stands twice.

    Attributes
    ----------
    series, source : int
        Which series has the later block, which the earlier one (of blocks at one time, the lower number).
    first_s, last_s : int
        Unix times of the later block.
    source_s : int
        Unix time at which the earlier block begins.
    values : int
        Values in the block.
    """

    series: int
    source: int
    first_s: int
    last_s: int
    source_s: int
    values: int


def copied_blocks(
    series: npt.ArrayLike, times_s: npt.ArrayLike, values: npt.ArrayLike, *, least_values: int, least_distinct: int
) -> list[Copy]:
    """Blocks of consecutive values that stand twice, in one series or in two.

    Parameters
    ----------
    series : array_like of int
        Shape (n,); number of the device of each value.
    times_s : array_like of int
        Shape (n,); Unix times, ascending within a series.
    values : array_like
        Shape (n,); rows with NaN are left out.
    least_values : int
        Length of a block; longer ones come as one.
    least_distinct : int
        Different values in it: a standstill is no copy.

    Returns
    -------
    list of Copy
        Ordered by series and time; exact equality, found by hashes and then compared.
    """
    owners, times, data = np.asarray(series, dtype=np.int64), np.asarray(times_s, dtype=np.int64), _numbers(values)
    kept = ~np.isnan(data)
    owners, times, data = owners[kept], times[kept], data[kept]
    length = least_values
    if len(data) <= length:
        return []
    starts = np.flatnonzero(_whole(owners, times, length))
    windows = np.lib.stride_tricks.sliding_window_view(data, length)[starts]
    # Zero has two signs and must hash alike.
    bits = np.ascontiguousarray(windows + 0.0).view(np.uint64)
    factors = np.random.default_rng(212).integers(1, 2**63, length, dtype=np.uint64) | np.uint64(1)
    hashes = (bits * factors).sum(axis=1, dtype=np.uint64)
    order = np.lexsort((times[starts], hashes))
    equal = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    distinct = np.count_nonzero(np.diff(np.sort(windows, axis=1), axis=1), axis=1) + 1
    pairs = [
        (int(starts[late]), int(starts[early]))
        for early, late in zip(order[equal].tolist(), order[equal + 1].tolist(), strict=True)
        if distinct[late] >= least_distinct and (windows[late] == windows[early]).all()
    ]
    return _joined(sorted(pairs), owners, times, length)


def _whole(owners: Integers, times: Integers, length: int) -> npt.NDArray[np.bool_]:
    """Where `length` values of one series follow without a hole; shape (n - length + 1,)."""
    step = float(np.median(np.diff(times)[owners[1:] == owners[:-1]])) if len(times) > 1 else 0.0
    ends = np.arange(length - 1, len(times))
    begins = ends - length + 1
    return np.asarray((owners[begins] == owners[ends]) & (times[ends] - times[begins] <= 1.5 * (length - 1) * step))


def _joined(pairs: Sequence[tuple[int, int]], owners: Integers, times: Integers, length: int) -> list[Copy]:
    """Pairs of blocks that move on together, as one."""
    copies: list[Copy] = []
    open_ends: dict[int, tuple[int, int]] = {}
    for late, early in pairs:
        lag = late - early
        begun = open_ends.get(lag)
        open_ends[lag] = (begun[0], late) if begun is not None and late == begun[1] + 1 else (late, late)
        if begun is not None and open_ends[lag][0] != begun[0]:
            copies.append(_copy(begun, lag, owners, times, length=length))
    copies += [_copy(begun, lag, owners, times, length=length) for lag, begun in open_ends.items()]
    return sorted(copies, key=lambda one: (one.series, one.first_s, one.source_s))


def _copy(block: tuple[int, int], lag: int, owners: Integers, times: Integers, *, length: int) -> Copy:
    first, last = block[0], block[1] + length - 1
    return Copy(
        series=int(owners[first]),
        source=int(owners[first - lag]),
        first_s=int(times[first]),
        last_s=int(times[last]),
        source_s=int(times[first - lag]),
        values=last - first + 1,
    )


def _numbers(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _present(times_s: npt.ArrayLike, values: npt.ArrayLike) -> tuple[Integers, Floats]:
    times, data = np.asarray(times_s, dtype=np.int64), _numbers(values)
    kept = ~np.isnan(data)
    return times[kept], data[kept]
