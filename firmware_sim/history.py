"""What the stations measured before the simulation started: hour data, newest days first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.period import DAY_S, HOUR_S, OFFSET_S
from firmware_sim.outbox import Outbox, Parcel
from firmware_sim.station import Station, parcels
from firmware_sim.weather import Sky
from firmware_sim.window import Patience, Window

#: Local days whose hours are computed together; 20 days of hours fit into one JSON message.
BLOCK_DAYS: Final = 20
#: A micro station's memory: it has hours of this many days.
MICRO_DAYS: Final = 14
#: Messages on their way at once.
WINDOW: Final = 3000


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message on its way and the (device, day) pairs whose hours it carries."""

    parcel: Parcel
    days: frozenset[int]


class History:
    """Sends hour data of the time before for stations, a window of messages at a time.

    Days that were answered completely are noted in the outbox and not sent again by a later run.

    Parameters
    ----------
    sky : Sky
        Seed and episodes.
    stations : sequence of Station
        Whose history.
    outbox : Outbox
        Supplies message numbers and remembers answered days.
    bounds_s : (int, int)
        Unix seconds; hours that begin at or after the first and end by the second are sent.
    window : Window or None
        How many messages may be on their way, and when one is sent again.
    """

    def __init__(
        self,
        sky: Sky,
        stations: Sequence[Station],
        outbox: Outbox,
        *,
        bounds_s: tuple[int, int],
        window: Window[int] | None = None,
    ) -> None:
        self.sent = 0
        self.answered = 0
        self.rejected = 0
        self._sky = sky
        self._outbox = outbox
        self._from_s, self._until_s = bounds_s
        self._window = Window(WINDOW, Patience()) if window is None else window
        self._on_way: dict[int, _Sent] = {}
        self._open_days: dict[tuple[str, int], int] = {}
        self._supply = self._messages(stations)
        self._exhausted = False

    @property
    def done(self) -> bool:
        """Whether everything has been sent and answered."""
        return self._exhausted and not self._on_way

    @property
    def hungry(self) -> bool:
        """Whether more could be sent at once."""
        return not self._exhausted and self._window.room > 0

    def pump(self, now_s: float, send: Callable[[Parcel], None], most: int = 300) -> None:
        """Send again what waited too long, then at most `most` new messages as the window permits."""
        for number in self._window.overdue(now_s):
            self._window.open(number, now_s)
            send(self._on_way[number].parcel)
        for _ in range(min(self._window.room, 0 if self._exhausted else most)):
            message = next(self._supply, None)
            if message is None:
                self._exhausted = True
                break
            self._window.open(message.parcel.number, now_s)
            self._on_way[message.parcel.number] = message
            send(message.parcel)
            self.sent += 1

    def answer(self, number: int, *, rejected: bool = False) -> bool:
        """Note the answer to message `number`; False when it is not one of the history's."""
        message = self._on_way.pop(number, None)
        if message is None:
            return False
        self._window.close(number)
        self.answered += 1
        self.rejected += rejected
        for day in message.days:
            key = (message.parcel.device, day)
            self._open_days[key] -= 1
            if not self._open_days[key]:
                del self._open_days[key]
                if self._complete(day):
                    self._outbox.note_answered_days(message.parcel.device, [day])
        return True

    def _complete(self, day: int) -> bool:
        start = day * DAY_S - OFFSET_S
        return start >= self._from_s and start + DAY_S <= self._until_s

    def _messages(self, stations: Sequence[Station]) -> Iterator[_Sent]:
        """Messages of all stations, block by block from the newest; a device's answered days are left out."""
        answered = {station.id: self._outbox.answered_days(station.id) for station in stations}
        newest, oldest = ((at + OFFSET_S) // DAY_S for at in (self._until_s - 1, self._from_s))
        for last in range(newest, oldest - 1, -BLOCK_DAYS):
            first = max(last - BLOCK_DAYS + 1, oldest)
            for station in stations:
                days = [day for day in range(first, last + 1) if day not in answered[station.id]]
                if station.micro:
                    days = [day for day in days if day > newest - MICRO_DAYS]
                yield from self._block(station, days)

    def _block(self, station: Station, days: Sequence[int]) -> Iterator[_Sent]:
        hours = [day * DAY_S - OFFSET_S + hour * HOUR_S for day in reversed(days) for hour in range(23, -1, -1)]
        starts = [start for start in hours if self._from_s <= start and start + HOUR_S <= self._until_s]
        numbers = (self._outbox.new_number() for _ in starts)
        messages = [
            _Sent(parcel, frozenset((start + OFFSET_S) // DAY_S for start in carried))
            for parcel, carried in parcels(self._sky, station, starts, HOUR_S, numbers)
        ]
        # Counted before the first is sent, so that a day is complete only when its last message is answered.
        for message in messages:
            for day in message.days:
                key = (station.id, day)
                self._open_days[key] = self._open_days.get(key, 0) + 1
        yield from messages
