"""Rejected messages sent through again, after an operator has put the cause right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ingest.assembly import assemble
from ingest.registry import Registry
from store.batch import Batch, Rejection, write_batch
from store.connection import Connection
from store.reject import Reject

#: Name of replayed batches in the ledger.
COLLECTOR: Final = "reject-replay"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of rejects.

    Attributes
    ----------
    outcomes : list of str
        Per reject ``stored``, ``duplicate``, ``revised``, or the reason for which it is rejected still.
    batch_id : int or None
        The ledger's number of the batch; None when nothing could be decoded.
    """

    outcomes: list[str]
    batch_id: int | None


def replay_rejects(
    conn: Connection, rejects: Sequence[Reject], registry: Registry, *, opened_at: dt.datetime
) -> Replayed:
    """Decode and store rejected messages once more, at the time they were received.

    Parameters
    ----------
    conn : Connection
        As the writer, with no transaction open.
    rejects : sequence of Reject
        What to try, oldest first.
    registry : Registry
        The devices as they are known now.
    opened_at : datetime
        For the ledger.

    Returns
    -------
    Replayed
        What cannot be decoded still is left where it is; what the database refuses again is a new reject of the batch.
    """
    parts = [(reject.topic, reject.payload, reject.received_at) for reject in rejects]
    assembled = assemble(parts, registry, collector=COLLECTOR, opened_at=opened_at)
    first = assembled.batch
    outcomes = [message.rejection.reason if message.rejection else "" for message in first.messages]
    for at in assembled.draft.waiting:
        outcomes[at] = "incomplete"
    good = [at for at, outcome in enumerate(outcomes) if not outcome]
    if not good:
        return Replayed(outcomes, None)
    batch = assemble([parts[at] for at in good], registry, collector=COLLECTOR, opened_at=opened_at).batch
    result = write_batch(conn, _without_links(batch), registry.devices)
    refused = Rejection("database_refused", "")
    for position, (at, outcome) in enumerate(zip(good, result.outcomes, strict=True)):
        rejected = result.rejections.get(position, refused).reason
        outcomes[at] = rejected if outcome == "rejected" else outcome
    return Replayed(outcomes, result.batch_id)


def _without_links(batch: Batch) -> Batch:
    """A link state that was rejected long ago says nothing about the link now."""
    return replace(batch, messages=[message._replace(link=None) for message in batch.messages])
