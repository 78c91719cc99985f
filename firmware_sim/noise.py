"""Random numbers by address: the value at (seed, place, moment) is computed, not drawn.

So any window of time can be produced alone, again, and by another process, and is always the same.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_TO_UNIT: Final = 1.0 / 2**53


@lru_cache(maxsize=4096)
def stream_key(seed: int, name: str) -> int:
    """Key of the random stream `name` (such as ``"temperature@station"``) under `seed`; 64 bits."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big")


def uniform(seed: int, name: str, indexes: Times) -> Floats:
    """One number in (0, 1) per integer index.

    Parameters
    ----------
    seed : int
        Seed of the whole simulation.
    name : str
        Name of the stream; streams are independent.
    indexes : ndarray of int64
        Addresses within the stream, any shape.

    Returns
    -------
    ndarray of float64
        Same shape.
    """
    # SplitMix64: the index-th member of the sequence that starts at the stream's key.
    bits = indexes.astype(np.uint64) * _GOLDEN + np.uint64(stream_key(seed, name))
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    bits = bits ^ (bits >> np.uint64(31))
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * _TO_UNIT


def normal(seed: int, name: str, indexes: Times) -> Floats:
    """One standard normal number per integer index; arguments as for `uniform`."""
    first, second = uniform(seed, name, 2 * indexes), uniform(seed, name, 2 * indexes + 1)
    return np.asarray(np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second))


def drift(seed: int, name: str, times_s: Times, period_s: int) -> Floats:
    """Continuous noise of mean 0 and variance 1 that keeps its value for about `period_s`.

    Independent normal numbers stand at multiples of `period_s`; between them both neighbours are mixed with weights
    cos and sin, whose squares sum to one, so the variance is the same at every moment.

    Parameters
    ----------
    seed : int
        Seed of the whole simulation.
    name : str
        Name of the stream.
    times_s : ndarray of int64
        Unix times in seconds, any shape.
    period_s : int
        Distance of the independent numbers in seconds.

    Returns
    -------
    ndarray of float64
        Same shape as `times_s`.
    """
    cells = times_s // period_s
    angles = (times_s - cells * period_s) * (np.pi / 2 / period_s)
    address = f"{name}/{period_s}"
    return np.asarray(np.cos(angles) * normal(seed, address, cells) + np.sin(angles) * normal(seed, address, cells + 1))


def constant(seed: int, name: str) -> float:
    """One standard normal number that belongs to `name` for ever, such as the bias of one instrument."""
    return float(normal(seed, name, np.zeros(1, dtype=np.int64))[0])
