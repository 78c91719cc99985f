"""What is asked about every message of a batch, as arrays computed once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from store.block import ranks
from store.message import Integers, Mask, Message

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """n messages.

    Attributes
    ----------
    received_us : ndarray of int64
        Shape (n,); Unix microseconds of receipt.
    device : ndarray of int64
        Shape (n,); index into `device_ids`.
    device_ids : list of str
        Distinct names, sorted; the empty one stands for none.
    link : ndarray of bool
        Shape (n,); the message states the device's link.
    """

    received_us: Integers
    device: Integers
    device_ids: list[str]
    link: Mask


def arrivals_of(messages: Sequence[Message]) -> Arrivals:
    """The arrays of `messages`; `TypeError` for a time of receipt without zone."""
    size = len(messages)
    _, _, moments, names, _, links = zip(*messages, strict=True) if size else ((),) * 6
    device, device_ids = ranks([name or "" for name in names])
    owners = list(map(id, moments))  # messages of one read share their moment
    received_us = {
        owner: (at - _EPOCH) // _MICROSECOND for owner, at in dict(zip(owners, moments, strict=True)).items()
    }
    return Arrivals(
        np.fromiter(map(received_us.__getitem__, owners), np.int64, size),
        device,
        device_ids,
        np.array([link is not None for link in links], dtype=np.bool_),
    )
