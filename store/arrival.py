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
    device, device_ids = ranks([one.device_id or "" for one in messages])
    moments = [one.received_at for one in messages]
    received_us = {at: (at - _EPOCH) // _MICROSECOND for at in set(moments)}  # messages of one read share theirs
    return Arrivals(
        np.fromiter(map(received_us.__getitem__, moments), np.int64, size),
        device,
        device_ids,
        np.fromiter((one.link is not None for one in messages), np.bool_, size),
    )
