"""From a reading over the limit to the notice in the enterprise's hands, with everything running.

Usage: python -m benchmarks.alert [--seconds 60] [--rate 500] [--over 2]

500 stacks of 50 enterprises send `rate` readings a second through Mosquitto; `over` of them a second, each of another
stack, are over the limit. Collector, watch and dispatcher are processes of their own; every enterprise listens by MQTT.
Timed from the publication of the reading to the arrival of the notice that names its stack. Prints JSON.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from app.service.account import enterprise_account
from app.service.local import LocalServices
from benchmarks.scratch import machine, scratch_services
from domain.alert import shipped_rules
from domain.production import OutletRow
from store.alert_rule import load_rules
from store.connection import connect
from store.contact import Contact, write_contacts
from store.outlet import write_outlets
from store.registry import NewDevice, NewSite, upsert_device, upsert_site

STACKS: Final = 500
ENTERPRISES: Final = 50
AREA: Final = "bench"


def enterprise_of(stack: int) -> str:
    """Enterprise of a stack."""
    return f"works-{stack % ENTERPRISES:02}"


def register(url: str) -> None:
    """Stacks with outlets, enterprises with a contact each."""
    with connect(url) as conn:
        conn.execute("insert into area (id, name_zh) values (%s, '基准')", (AREA,))
        for number in range(ENTERPRISES):
            row = (enterprise_of(number), AREA, f"企业{number}")
            conn.execute("insert into enterprise (id, area_id, name_zh, industry) values (%s, %s, %s, 'steel')", row)
        for stack in range(STACKS):
            upsert_site(
                conn, NewSite(f"stack-{stack}", AREA, "stack", f"排口{stack}", enterprise_id=enterprise_of(stack))
            )
            upsert_device(conn, NewDevice(f"cems-{stack}", f"stack-{stack}", "json", "stack", span_s=0, interval_s=1))
        write_outlets(
            conn, [OutletRow(f"stack-{stack}", dt.date(2020, 1, 1), None, "steel_other") for stack in range(STACKS)]
        )
        load_rules(conn, shipped_rules())
        names = [enterprise_of(number) for number in range(ENTERPRISES)]
        write_contacts(conn, [Contact(name, None, name, name, channels=(("mqtt", name),)) for name in names])
        write_contacts(conn, [Contact("duty", None, None, "值班", channels=(("mail", "duty@localhost"),))])


@contextmanager
def processes(services: LocalServices) -> Iterator[None]:
    """Collector, watch and dispatcher as `lantian up` runs them."""
    children = []
    for name, arguments in {"collect": ["collect"], "watch": ["alert", "watch"], "dispatch": ["dispatch"]}.items():
        with (services.folder / f"{name}.log").open("wb") as log:
            environment = {**os.environ, "LANTIAN_HOME": str(services.folder)}
            children.append(subprocess.Popen([sys.executable, "-m", "app", *arguments], env=environment, stderr=log))
    try:
        time.sleep(8)
        yield
    finally:
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.wait(30)


class Listener:
    """One enterprise: notes when a notice that names a stack arrives."""

    def __init__(self, services: LocalServices, name: str, arrived: dict[str, float]) -> None:
        address = services.broker_for(enterprise_account(name))
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{name}", protocol=mqtt.MQTTv5)
        self.client.username_pw_set(address.username, address.password)
        self.client.on_connect = lambda it, *_: it.subscribe(f"lt/v1/{AREA}/enterprise/{name}/notice", 1)
        self.client.on_message = lambda _client, _data, message: self.note(message.payload, arrived)
        self.client.connect(address.host, address.port)
        self.client.loop_start()

    @staticmethod
    def note(content: bytes, arrived: dict[str, float]) -> None:
        """Keep the first arrival for each stack."""
        now = time.monotonic()
        for notice in json.loads(content)["notices"]:
            if notice["kind"] == "alert":
                arrived.setdefault(notice["payload"]["source_id"], now)


def publish(services: LocalServices, seconds: float, rate: int, over: float) -> dict[str, float]:
    """Send readings at `rate` a second; when each stack was first over the limit."""
    address = services.broker_for("simulator")
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-load", protocol=mqtt.MQTTv5)
    client.username_pw_set(address.username, address.password)
    client.max_inflight_messages_set(0)
    client.connect(address.host, address.port)
    client.loop_start()
    sent: dict[str, float] = {}
    begin, every = time.monotonic(), int(rate / over)
    for number in range(int(seconds * rate)):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        stack = number % STACKS if number % every else (number // every * 7) % STACKS
        high = number % every == 0 and number >= rate and f"stack-{stack}" not in sent
        body = {
            "v": 1,
            "ts": dt.datetime.now(dt.UTC).isoformat(),
            "span": 0,
            "values": {"pm": 15 if high else 5, "o2": 10},
        }
        if high:
            sent[f"stack-{stack}"] = time.monotonic()
        client.publish(f"lt/v1/{AREA}/json/cems-{stack}/data", json.dumps(body), qos=1)
    client.disconnect()
    client.loop_stop()
    return sent


def measured(arguments: Any) -> dict[str, object]:
    """Run once and describe the delays."""
    with scratch_services() as services:
        register(services.database_url("lantian_owner"))
        for number in range(ENTERPRISES):
            services.set_device_account(enterprise_account(enterprise_of(number)), dt.datetime.now(dt.UTC))
        arrived: dict[str, float] = {}
        listeners = [Listener(services, enterprise_of(number), arrived) for number in range(ENTERPRISES)]
        with processes(services):
            sent = publish(services, arguments.seconds, arguments.rate, arguments.over)
            until = time.monotonic() + 30
            while len(arrived) < len(sent) and time.monotonic() < until:
                threading.Event().wait(0.1)
        for listener in listeners:
            listener.client.disconnect()
            listener.client.loop_stop()
        with connect(services.database_url("lantian_app")) as conn:
            row = conn.execute("select count(*) from stack_reading").fetchone()
    delays = np.array([arrived[stack] - sent[stack] for stack in sent if stack in arrived])
    percentiles = {f"p{level}": round(float(np.percentile(delays, level)), 3) for level in (50, 95, 99)}
    return {
        **{"stored": row and row[0], "over": len(sent), "arrived": len(delays), **percentiles},
        **{"longest": round(float(delays.max()), 3), "rate": arguments.rate, "machine": machine()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--over", type=float, default=2.0)
    print(json.dumps(measured(parser.parse_args()), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
