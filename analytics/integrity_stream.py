"""Streams of heavy vehicles: frozen, impossible, told with the malfunction lamp on, or kept back while driving."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.integrity import Check, Figure, Floats, Found, Integers, checked, runs, undetermined

#: Readings further apart than this are not neighbours.
_NEIGHBOUR_S: Final = 600
#: Odometer and speed are compared over blocks of this length.
_BLOCK_S: Final = 7200
_EARTH_KM: Final = 6371.0


def _numbers(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def frozen_stream(
    times_s: npt.ArrayLike, values: npt.ArrayLike, *, running: npt.ArrayLike, least_minutes: float
) -> Check:
    """A quantity that does not change at all while the engine runs.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    values : array_like
        Shape (n,); NaN = not available.
    running : array_like of bool
        Shape (n,); the engine turns.
    least_minutes : float
        Shortest time between neighbouring readings.

    Returns
    -------
    Check
        Figures: ``value``, ``minutes``.
    """
    times, shown = np.asarray(times_s, dtype=np.int64), _numbers(values)
    kept = ~np.isnan(shown) & np.asarray(running, dtype=np.bool_)
    times, shown = times[kept], shown[kept]
    near = np.diff(times) <= _NEIGHBOUR_S
    if np.diff(times)[near].sum() < least_minutes * 60:
        return undetermined("readings of a running engine")
    same = np.concatenate(([False], (shown[1:] == shown[:-1]) & near))
    first, last = runs(same, times, gap_s=_NEIGHBOUR_S)
    lengths = (times[last] - times[first - 1]) / 60.0
    return checked(
        Found(int(times[a - 1]), int(times[b]), {"value": float(shown[b]), "minutes": float(minutes)})
        for a, b, minutes in zip(first.tolist(), last.tolist(), lengths.tolist(), strict=True)
        if minutes >= least_minutes
    )


def implausible_stream(  # noqa: PLR0913 - keyword-only
    times_s: npt.ArrayLike,
    speed: npt.ArrayLike,
    engine: npt.ArrayLike,
    *,
    odometer: npt.ArrayLike,
    least_minutes: float,
    least_km: float,
    largest_share: float,
) -> Check:
    """Driving without a turning engine, an odometer that goes back or does not fit the speed.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    speed, engine, odometer : array_like
        Shape (n,); km/h, r/min, km; NaN = not available.
    least_minutes : float
        Least time of driving without an engine.
    least_km : float
        Way within two hours from which odometer and speed are compared.
    largest_share : float
        Their largest relative difference.

    Returns
    -------
    Check
        Figures: ``what``, and ``minutes``, ``back_km``, or ``odometer_km`` and ``speed_km``.
    """
    times, pace, turns, way = np.asarray(times_s, dtype=np.int64), *map(_numbers, (speed, engine, odometer))
    found, looked = [], False
    spans = np.diff(times, append=times[-1:]).astype(np.float64)
    spans[spans > _NEIGHBOUR_S] = 0.0
    known = ~np.isnan(pace) & ~np.isnan(turns)
    if known.any():
        looked = True
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(known & (pace >= 20.0) & (turns == 0.0))
        minutes = float(spans[rows].sum()) / 60.0
        if minutes >= least_minutes:
            found.append(Found(int(times[rows[0]]), int(times[rows[-1]]), {"what": "engine", "minutes": minutes}))
    at = np.flatnonzero(~np.isnan(way))
    back = np.diff(way[at])
    if (back < -1.0).any():
        row = int(np.argmin(back))
        found.append(
            Found(int(times[at[row]]), int(times[at[row + 1]]), {"what": "odometer", "back_km": float(-back[row])})
        )
    ways = _ways(times, pace, way)
    compared = np.maximum(ways[:, 2], ways[:, 3]) >= least_km
    wrong = compared & (np.abs(ways[:, 2] - ways[:, 3]) > largest_share * np.maximum(ways[:, 2], ways[:, 3]))
    for first, last, counted, driven in ways[wrong].tolist():
        figures: dict[str, Figure] = {"what": "way", "odometer_km": counted, "speed_km": driven}
        found.append(Found(int(first), int(last), figures))
    looked |= bool(compared.any())
    if not looked and not found:
        return undetermined("speed, engine speed and odometer")
    return checked(found)


def _ways(times: Integers, pace: Floats, way: Floats) -> Floats:
    """First and last reading of each block of two hours, and km in it by odometer and by speed; shape (m, 4)."""
    both = (np.diff(times) <= _NEIGHBOUR_S) & ~np.isnan(way[1:] + way[:-1] + pace[1:] + pace[:-1])
    rows = np.flatnonzero(both)
    if not len(rows):
        return np.zeros((0, 4))
    _, first, block = np.unique(times[rows] // _BLOCK_S, return_index=True, return_inverse=True)
    last = np.append(first[1:], len(rows)) - 1
    driven = ((pace[1:] + pace[:-1]) / 2 * np.diff(times) / 3600)[rows]
    sums = [np.bincount(block.reshape(-1), part) for part in (np.diff(way)[rows], driven)]
    return np.column_stack([times[rows[first]], times[rows[last] + 1], *sums]).astype(np.float64)


def lamp_on(times_s: npt.ArrayLike, lamp: npt.ArrayLike, odometer: npt.ArrayLike, *, least_minutes: float) -> Check:
    """A vehicle that goes on driving with its malfunction lamp on.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    lamp : array_like
        Shape (n,); 1 = on, NaN = not told; what was told last holds for the readings of the next day at most.
    odometer : array_like
        Shape (n,); km.
    least_minutes : float
        Time of sending readings with the lamp on, silences left out.

    Returns
    -------
    Check
        Figures: ``minutes``, ``km``.
    """
    times, told, way = np.asarray(times_s, dtype=np.int64), _numbers(lamp), _numbers(odometer)
    rows = np.where(~np.isnan(told), np.arange(len(told)), -1)
    newest = np.maximum.accumulate(rows) if len(rows) else rows
    on = (newest >= 0) & (told[newest] == 1) if len(rows) else np.zeros(0, dtype=np.bool_)
    if not len(rows) or newest[-1] < 0:
        return undetermined("states of the lamp")
    first, last = runs(on, times, gap_s=np.inf)
    steps = np.diff(times, prepend=times[:1]).astype(np.float64)
    steps[steps > _NEIGHBOUR_S] = 0.0
    found = []
    for a, b in zip(first.tolist(), last.tolist(), strict=True):
        minutes, part = float(steps[a + 1 : b + 1].sum()) / 60.0, way[a : b + 1]
        part = part[~np.isnan(part)]
        if minutes >= least_minutes:
            km = float(part[-1] - part[0]) if len(part) else 0.0
            found.append(Found(int(times[a]), int(times[b]), {"minutes": minutes, "km": km}))
    return checked(found)


def silent_moving(  # noqa: PLR0913 - keyword-only
    times_s: npt.ArrayLike,
    odometer: npt.ArrayLike,
    *,
    longitude: npt.ArrayLike,
    latitude: npt.ArrayLike,
    least_minutes: float,
    least_km: float,
) -> Check:
    """A vehicle that sent nothing for a while and was elsewhere afterwards.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times, the last reading before the span included.
    odometer : array_like
        Shape (n,); km, NaN = not available.
    longitude, latitude : array_like
        Shape (n,); degrees, NaN = not available.
    least_minutes : float
        Shortest silence.
    least_km : float
        Way by odometer, or distance between the two places.

    Returns
    -------
    Check
        Figures: ``minutes``, ``km``. A silence that goes on has no reading after it and is no finding.
    """
    times, way = np.asarray(times_s, dtype=np.int64), _numbers(odometer)
    if len(times) < 2:
        return undetermined("readings")
    east, north = np.radians(_numbers(longitude)), np.radians(_numbers(latitude))
    x = np.diff(east) * np.cos((north[1:] + north[:-1]) / 2)
    distances = _EARTH_KM * np.hypot(x, np.diff(north))
    moved = np.fmax(np.diff(way), distances)
    silent = np.diff(times) >= least_minutes * 60
    known = ~np.isnan(moved)
    if not known.any():
        return undetermined("places and odometer")
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(silent & known & (moved >= least_km))
    return checked(
        Found(
            int(times[at]),
            int(times[at + 1]),
            {"minutes": float(times[at + 1] - times[at]) / 60.0, "km": float(moved[at])},
        )
        for at in rows.tolist()
    )
