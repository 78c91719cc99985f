"""The outbox's workers: a lane per channel and one for the gravest notices, each claiming, sending, recording."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alerting.backoff import pause
from alerting.channel import Channel
from alerting.message import LinkOf, composed, no_link
from domain.alert import ChannelPolicy
from domain.error import LantianError, ServiceError
from store.connection import Connection
from store.delivery import Claim, Lane, claim_message, listen, note_failed, note_sent, wait_for_delivery
from store.error import translated

logger = logging.getLogger(__name__)
#: Longest wait between two looks for deliveries whose time has come.
POLL_S: Final = 0.5
_RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Post:
    """What a lane works with.

    Attributes
    ----------
    open_connection : callable
        Connects to the database, role lantian_app, autocommit.
    channels : mapping of str to callable
        Channel -> makes it; called once per lane, inside its thread, when the first message needs it.
    policies : mapping of str to ChannelPolicy
        How each channel is used.
    clock : callable
        The aware present moment.
    chance : callable
        Random numbers in [0, 1), for the jitter of pauses.
    link_of : callable
        Makes the link under which a notice is answered.
    """

    open_connection: Callable[[], Connection]
    channels: Mapping[str, Callable[[], Channel]]
    policies: Mapping[str, ChannelPolicy]
    clock: Callable[[], dt.datetime]
    chance: Callable[[], float]
    link_of: LinkOf = no_link


class Worker:
    """One lane.

    Parameters
    ----------
    post : Post
        What it works with.
    lane : Lane
        What it takes.
    """

    def __init__(self, post: Post, lane: Lane) -> None:
        self._post = post
        self._lane = lane
        self._made: dict[str, Channel] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, which is looked at between two messages; an unreachable database is tried again."""
        try:
            while not stop.is_set():
                try:
                    with translated("send notices"), self._post.open_connection() as conn:
                        self._serve(conn, stop)
                except ServiceError as error:
                    _log(event="dispatch_retry", worker=self._lane.worker, error=str(error))
                    stop.wait(_RETRY_S)
        finally:
            for channel in self._made.values():
                channel.close()

    def _serve(self, conn: Connection, stop: threading.Event) -> None:
        listen(conn)
        while not stop.is_set():
            if not self.send_next(conn):
                wait_for_delivery(conn, POLL_S)

    def send_next(self, conn: Connection) -> bool:
        """Claim, send and record one message; False when none is due."""
        claim = claim_message(conn, self._lane, self._post.policies, now=self._post.clock())
        if claim is None:
            return False
        began = self._post.clock()
        error = self._tried(claim)
        now = self._post.clock()
        outcome = "sent"
        if error is None:
            done = note_sent(conn, claim, now=now)
        else:
            later = self._later(claim, error)
            outcome = "dead" if later is None else "failed"
            due = None if later is None else now + later
            done = note_failed(conn, claim, error=str(error), due_at=due, now=now)
        seconds = round((now - began).total_seconds(), 3)
        _log(
            event="delivery", outcome=outcome if done else "late", channel=claim.channel, contact=claim.contact_id,
            key=str(claim.key), notices=len(claim.items), attempt=claim.attempt, seconds=seconds,
            **({} if error is None else {"error": str(error)}),
        )  # fmt: skip
        return True

    def _tried(self, claim: Claim) -> LantianError | None:
        try:
            channel = self._made.get(claim.channel)
            if channel is None:
                channel = self._made[claim.channel] = self._post.channels[claim.channel]()
            channel.send(composed(claim, self._post.link_of))
        except LantianError as error:
            return error
        return None

    def _later(self, claim: Claim, error: LantianError) -> dt.timedelta | None:
        if not error.retryable:
            return None
        return pause(self._post.policies[claim.channel], claim.attempt, self._post.chance())


def lanes(name: str, policies: Mapping[str, ChannelPolicy], express_floor: int) -> tuple[Lane, ...]:
    """One lane per channel, and one through which the gravest notices of every channel pass when those are busy.

    Parameters
    ----------
    name : str
        Of the process; no other running one has it.
    policies : mapping of str to ChannelPolicy
        The channels.
    express_floor : int
        Severity from which on the express lane takes them.

    Returns
    -------
    tuple of Lane
        With leases three times as long as a try may take, and no shorter than 15 s.
    """

    def lease(channels: Sequence[str]) -> dt.timedelta:
        return dt.timedelta(seconds=max(15.0, 3 * max(policies[each].timeout_s for each in channels)))

    every = tuple(policies)
    express = Lane(f"{name}-express", every, express_floor, lease(every))
    return (*(Lane(f"{name}-{each}", (each,), 1, lease((each,))) for each in every), express)


def dispatch(
    post: Post, taken: Sequence[Lane], stop: threading.Event, agents: Sequence[Callable[[threading.Event], None]] = ()
) -> None:
    """Work every lane in a thread of its own until `stop` is set; an error that time does not mend ends all of them.

    Parameters
    ----------
    post : Post
        What the lanes work with.
    taken : sequence of Lane
        The lanes.
    stop : Event
        Ends the work.
    agents : sequence of callable
        What else runs beside them until `stop` is set.
    """
    faults: list[BaseException] = []

    def live(run: Callable[[threading.Event], None]) -> None:
        try:
            run(stop)
        except BaseException as error:
            faults.append(error)
            stop.set()

    runs = [*(Worker(post, lane).run for lane in taken), *agents]
    threads = [threading.Thread(target=live, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def _log(**fields: object) -> None:
    logger.info(json.dumps(fields, ensure_ascii=False))
