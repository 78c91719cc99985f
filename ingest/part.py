"""Split frames put together: parts wait here, and in the database, until the last one comes.

docs/decisions/0005-parts-are-committed-one-by-one.md says why each part is accepted, and answered, by itself.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import OrderedDict
from collections.abc import Container, Iterable, Sequence
from typing import Final, TypeAlias

from domain.error import RejectError
from domain.flag import NO_MARK
from ingest.wire.reading import Decoded, FactorReading, Reading
from store.message import Batch, FramePart, Message, Rejection

#: Seconds after the newest part of a set until the set is given up; devices repeat what was not answered sooner.
PART_TIMEOUT_S: Final = 600.0
#: Parts that may wait at once; what comes above is rejected and not kept.
MAX_WAITING: Final = 20_000
_MAX_RECENT: Final = 4096

SetKey: TypeAlias = tuple[str, str]


class PartBook:
    """Parts that wait, as the database has them, and the sets that became whole lately.

    Parameters
    ----------
    parts : iterable of FramePart
        Those that wait already.
    since : datetime, optional
        When this process began to listen: what waited before is given the whole time once more.
    """

    def __init__(self, parts: Iterable[FramePart] = (), since: dt.datetime | None = None) -> None:
        self.since = since
        self.sets: dict[SetKey, dict[int, FramePart]] = {}
        self.recent: OrderedDict[SetKey, frozenset[bytes]] = OrderedDict()
        self.refill(parts)

    def refill(self, parts: Iterable[FramePart]) -> None:
        """Know these waiting parts and no others: another collector may have put some together."""
        self.sets.clear()
        for part in parts:
            self.sets.setdefault(key_of(part), {})[part.number] = part

    @property
    def waiting(self) -> int:
        """Number of parts that wait."""
        return sum(map(len, self.sets.values()))

    def expired(self, now: dt.datetime, timeout_s: float = PART_TIMEOUT_S) -> list[FramePart]:
        """Parts of the sets to which nothing has come for `timeout_s` seconds."""
        limit = now - dt.timedelta(seconds=timeout_s)
        if self.since is not None and self.since > limit:
            return []
        stale = [parts for parts in self.sets.values() if max(part.received_at for part in parts.values()) <= limit]
        return [part for parts in stale for part in parts.values()]

    def drop(self, keys: Iterable[SetKey]) -> None:
        """Let go of sets that were given up."""
        for key in keys:
            self.sets.pop(key, None)


class PartDraft:
    """What one batch does to a book; nothing changes there before `settle`, so that a batch can be tried again."""

    def __init__(self, book: PartBook) -> None:
        self._book = book
        self._sets: dict[SetKey, dict[int, FramePart]] = {}
        self._whole: dict[SetKey, tuple[int, frozenset[bytes]]] = {}
        self._room = MAX_WAITING - book.waiting if book.sets else MAX_WAITING
        #: Whether any message of this batch is a part of a split frame.
        self.touched = False
        #: Parts of this batch that did not complete a frame when they came, with their messages.
        self.parts: list[tuple[int, FramePart]] = []

    def offer(self, part: FramePart) -> list[FramePart] | None:
        """All parts of its frame, in order, when this one makes it whole; None while others are missing.

        Raises
        ------
        RejectError
            ``incomplete`` when too many parts wait already.
        """
        known = self._known(key_of(part))
        if len(known) + (part.number not in known) == part.total:
            return [part if number == part.number else known[number] for number in range(1, part.total + 1)]
        if self._room <= 0:
            raise RejectError("incomplete", f"{MAX_WAITING} parts wait already; expected fewer before another begins")
        return None

    def repeats(self, part: FramePart) -> bool:
        """Whether the part belonged to a frame that became whole lately, so that nothing is to be awaited."""
        self.touched = True
        key = key_of(part)
        seen = self._whole[key][1] if key in self._whole else self._book.recent.get(key, frozenset())
        return part.payload in seen

    def follows(self, part: FramePart) -> bool:
        """Whether the part's frame became whole earlier in this batch."""
        return key_of(part) in self._whole

    def accept(self, owner: int, part: FramePart, whole: Sequence[FramePart] | None) -> None:
        """Note a part of message `owner`, and that it made its frame `whole`."""
        key = key_of(part)
        if whole is None:
            self._known(key)[part.number] = part
            self.parts.append((owner, part))
            self._room -= 1
        else:
            self._whole[key] = (owner, frozenset(each.payload for each in whole))

    def _known(self, key: SetKey) -> dict[int, FramePart]:
        return self._sets.setdefault(key, dict(self._book.sets.get(key, {})))

    @property
    def closed(self) -> list[tuple[int | None, str, str]]:
        """Sets that this batch makes whole, with the message that does."""
        return [(owner, *key) for key, (owner, _) in self._whole.items()]

    @property
    def waiting(self) -> list[int]:
        """Messages whose parts wait after this batch."""
        return [owner for owner, part in self.parts if key_of(part) not in self._whole]

    def settle(self, rejected: Container[int]) -> None:
        """Enter into the book what the database has committed; `rejected` messages leave no trace."""
        book = self._book
        for owner, part in self.parts:
            if owner not in rejected:
                book.sets.setdefault(key_of(part), {})[part.number] = part
        for key, (owner, payloads) in self._whole.items():
            if owner not in rejected:
                book.sets.pop(key, None)
                book.recent[key] = payloads
                book.recent.move_to_end(key)
        while len(book.recent) > _MAX_RECENT:
            book.recent.popitem(last=False)


def given_up(parts: Sequence[FramePart], collector: str, at: dt.datetime) -> Batch:
    """A batch that rejects parts whose others have not come and takes them out of the list of what waits."""
    came: dict[SetKey, list[int]] = {}
    for part in parts:
        came.setdefault(key_of(part), []).append(part.number)
    messages = []
    for part in parts:
        missing = sorted(set(range(1, part.total + 1)) - set(came[key_of(part)]))
        detail = f"part {part.number} of {part.total}; parts {', '.join(map(str, missing[:20]))} did not come in time"
        messages.append(
            Message(part.topic, part.payload, part.received_at, part.device_id, Rejection("incomplete", detail))
        )
    return Batch(messages, {}, None, collector, at, closed=[(None, *key) for key in came], given_up=True)


def key_of(part: FramePart) -> SetKey:
    """What the parts of one frame share, with their device."""
    return part.device_id, part.set_key


def joined(parts: Sequence[Decoded]) -> Decoded:
    """The rows of a frame whose parts were decoded one by one.

    Parameters
    ----------
    parts : sequence of Decoded
        In order; the last one to arrive gives the answer and stands first.

    Returns
    -------
    Decoded
        One reading with the columns of all parts; factors of all parts.

    Raises
    ------
    RejectError
        ``bad_field`` when two parts contradict each other.
    """
    whole = Decoded([], [], parts[0].wants_reply, parts[0].seq, parts[0].answer)
    for part in parts:
        for reading in part.readings:
            whole.readings[:] = [_overlaid(whole.readings[0], reading)] if whole.readings else [reading]
    factors: dict[tuple[str, str], FactorReading] = {}
    for row in (row for part in parts for row in part.factors):
        known = factors.setdefault((row.factor, row.field), row)
        if (known.text, repr(known.value)) != (row.text, repr(row.value)):
            raise RejectError("bad_field", f"parts contradict each other in {row.factor}-{row.field}")
    whole.factors.extend(factors.values())
    return whole


def _overlaid(first: Reading, second: Reading) -> Reading:
    values, marks = list(first.values), list(first.marks)
    for at, (value, mark) in enumerate(zip(second.values, second.marks, strict=True)):
        if math.isnan(value) and mark == NO_MARK:
            continue
        if not math.isnan(values[at]) and (values[at], marks[at]) != (value, mark):
            raise RejectError("bad_field", f"parts contradict each other: {values[at]} and {value} in one column")
        values[at], marks[at] = value, mark
    return Reading(first.time_us, first.span_s, values, "".join(marks), first.announced)
