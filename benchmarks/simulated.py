"""A network's readings and messages, minute after minute, as the simulated stations measure and send them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from domain.county import load_county
from firmware_sim.frame_json import Reading, data_message
from firmware_sim.station import Station, county_stations, measured, parcels
from firmware_sim.weather import Sky
from store.frame_archive import Frame

SPAN_S: Final = 60
_SKY: Final = Sky(1)
#: Messages that the collector takes in one batch at this rate.
_BATCH: Final = 50


def stations(count: int) -> list[Station]:
    """So many stations, three quarters of them micro stations with JSON, the others with HJ 212."""
    known = county_stations(load_county("zhongyang"))
    kinds = {protocol: [one for one in known if one.protocol == protocol] for protocol in ("json", "hj212")}
    found = []
    for at in range(count):
        like = kinds["hj212" if at % 4 == 3 else "json"][at // 4 % 3 % len(kinds["hj212"])]
        found.append(replace(like, id=f"sim-{at:03d}", site=f"sim-{at:03d}", mn=f"SIM{at:013d}"))
    return found


def readings(station: Station, start: dt.datetime, count: int) -> tuple[np.ndarray, dict[str, list[float]]]:
    """`count` minutes from `start`: Unix seconds, and the values of each column."""
    starts_s = int(start.timestamp()) + SPAN_S * np.arange(count)
    return starts_s, {name: values.tolist() for name, values in measured(_SKY, station, starts_s, SPAN_S).items()}


def frames(chosen: list[Station], start: dt.datetime, count: int) -> Iterator[Frame]:
    """Their messages in the order of arrival, as table raw_frame keeps them."""
    sent = [list(_payloads(station, start, count)) for station in chosen]
    number = 0
    for minute in range(count):
        for at, station in enumerate(chosen):
            arrived_us = int(start.timestamp() + SPAN_S * (minute + 1)) * 1_000_000 + at * 30_000_000 // len(chosen)
            yield Frame(arrived_us, station.id, station.topic("data"), "stored", 1 + number // _BATCH, sent[at][minute])
            number += 1


def _payloads(station: Station, start: dt.datetime, count: int) -> Iterator[bytes]:
    starts_s, values = readings(station, start, count)
    if station.protocol == "hj212":
        for parcel, _ in parcels(
            _SKY, station, starts_s.tolist(), SPAN_S, (1000 * (one + 61) for one in starts_s.tolist())
        ):
            yield parcel.payload
        return
    for at, moment in enumerate(starts_s.tolist()):
        shown = {name: column[at] for name, column in values.items()}
        yield data_message(at, [Reading(moment, SPAN_S, shown)])
