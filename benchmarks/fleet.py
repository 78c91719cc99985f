"""5,000 simulated devices at one reading a minute: rate, processor time and memory of the one process that plays them.

The broker is a real one of its own; a second process answers every message as the platform would. Run as
``python -m benchmarks.fleet [SECONDS] [CONNECTIONS]``; CONNECTIONS may be ``each``.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from app.scenario_link import wire
from app.service.address import BrokerAddress
from app.service.folder import cache_folder
from app.service.local import LocalServices
from app.service.progress import Lines
from app.settings import Settings
from domain.county import load_county
from firmware_sim import frame_hj212
from firmware_sim.device import World
from firmware_sim.outbox import Outbox
from firmware_sim.scenario_file import load_scenario, scenario_path
from firmware_sim.troupe import Troupe
from firmware_sim.weather import Sky


def answer(address: BrokerAddress, ready: Any) -> None:
    """Answer every message until killed."""

    def take(client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        payload, where = message.payload, message.topic.removesuffix("data") + "reply"
        if payload.startswith(b"{"):
            body = json.dumps({"v": 1, "seq": json.loads(payload)["seq"], "outcome": "stored"}).encode()
            client.publish(where, body, qos=1)
        elif found := re.match(rb"##\d{4}QN=(\d{17});", payload):
            header = frame_hj212.Header(found[1].decode(), "0", system="91", flag=4)
            client.publish(where, frame_hj212.frame(frame_hj212.segment("9014", "", header)), qos=1)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="benchmark-platform")
    client.username_pw_set(address.username, address.password)
    client.on_message = take
    client.on_connect = lambda it, *_: it.subscribe("lt/v1/+/+/+/data", 1)
    client.on_subscribe = lambda *_: ready.set()
    client.max_inflight_messages_set(0)
    client.connect(address.host, address.port)
    client.loop_forever()


def main() -> None:
    """Warm up a minute, measure, print one line of figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    connections = sys.argv[2] if len(sys.argv) > 2 else "8"
    county = load_county("zhongyang")
    scenario = load_scenario(scenario_path("fleet-5000"), county, time.time())
    scenario = replace(scenario, connections=0 if connections == "each" else int(connections))
    ready = multiprocessing.Event()
    with (
        tempfile.TemporaryDirectory(prefix="lantian-fleet-") as folder,
        LocalServices(Path(folder), cache_folder(), reporter=Lines(), database=False, broker_port=0) as services,
    ):
        platform = multiprocessing.Process(target=answer, args=(services.broker_for("collector"), ready), daemon=True)
        platform.start()
        ready.wait(10)
        outbox = Outbox(Path(folder) / "outbox.sqlite", int(time.time() * 1000))
        wiring = wire(scenario, Settings(home=services.folder), time.time())
        now_s = int(time.time())
        troupe = Troupe(World(Sky(1)), scenario.devices, outbox, links=wiring.links, inbox=wiring.inbox, from_s=now_s)
        troupe.start()
        began = time.monotonic()
        warm_s = 90.0
        while not troupe.ready or time.monotonic() < began + warm_s:
            troupe.step(time.time())
        connected_s = time.monotonic() - began
        before, since, published = time.process_time(), time.monotonic(), troupe.tally.published
        late = 0
        while time.monotonic() - since < seconds:
            troupe.step(time.time())
            late = max(late, len(outbox))
        took = time.monotonic() - since
        used = time.process_time() - before
        told = troupe.tally
        print(
            f"{len(scenario.devices)} devices, {scenario.connections or len(wiring.links)} connections, {took:.0f} s: "
            f"{(told.published - published) / took:.1f} messages/s, {told.outcomes.total()} answers, "
            f"at most {late} unanswered, {len(outbox)} now; processor {used / took * 100:.1f} % of one core, "
            f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB; ready in {connected_s:.0f} s"
        )
        troupe.stop(time.time())
        wiring.close()
        outbox.close()
        platform.kill()


if __name__ == "__main__":
    main()
