"""Official forecasts from the broker: it keeps them for this job, which takes, stores and answers what has come."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from app.forecast_import import forecasts, rows_from_json
from app.service.address import broker_for
from app.settings import load_settings
from domain.error import ConfigurationError, ServiceError
from domain.outlook import OFFICIAL
from ingest.link import Broker, Link, Session
from ingest.subscriber import Arrival
from ingest.topic import ROOT, answer_topic
from store.connection import Connection
from store.forecast import read_issuers, read_place_ids, write_forecast

#: lt/v1/{county}/forecast/{issuer}/issue
TOPICS: Final = f"{ROOT}/+/forecast/+/issue"
_TOPIC: Final = re.compile(rf"{ROOT}/[^/]+/forecast/([^/]+)/issue")
_CONNECT_S: Final = 10.0
_BATCH: Final = 100


def take_official(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Store the official forecasts that wait at the broker; refused ones are answered with the reason."""
    address = broker_for(load_settings(), "collector")
    tls = None if address.tls is None else Path(address.tls)
    broker = Broker(address.host, address.port, address.username, address.password, tls)
    link = Link(broker, Session("lantian-forecast", [TOPICS], window=_BATCH), lambda: now)
    counts = {"stored": 0, "known": 0, "refused": 0}
    link.start()
    try:
        if not link.listening.wait(_CONNECT_S):
            raise ServiceError(f"broker {address.host}:{address.port} did not answer within {_CONNECT_S:g} s")
        while arrivals := link.take(_BATCH, 0.5):
            for arrival in arrivals:
                outcome, detail = stored(conn, arrival, now)
                counts[outcome] += 1
                stream = "error" if outcome == "refused" else "reply"
                link.publish(answer_topic(arrival.topic, stream), msgspec.json.encode({"outcome": outcome, **detail}))
            link.acknowledge(arrivals)
    finally:
        link.stop()
    return counts


def stored(conn: Connection, arrival: Arrival, now: dt.datetime) -> tuple[str, dict[str, object]]:
    """Store one message in one transaction: ``stored``, ``known`` (the same again) or ``refused`` with the reason."""
    found = _TOPIC.fullmatch(arrival.topic)
    issuer = read_issuers(conn).get(found[1]) if found else None
    if issuer is None or issuer.source != OFFICIAL or issuer.retired_at is not None:
        return "refused", {"reason": f"topic {arrival.topic}: expected an official issuer in service"}
    try:
        places = read_place_ids(conn)
        told = forecasts(
            rows_from_json(arrival.payload),
            issuer.id,
            arrival.topic,
            known_site=places.__contains__,
            now=max(now, arrival.received_at),
        )
    except ConfigurationError as error:
        return "refused", {"reason": str(error)}
    with conn.transaction():
        ids = [written for one in told if (written := write_forecast(conn, one)) is not None]
    return ("stored", {"forecasts": len(ids)}) if ids else ("known", {})
