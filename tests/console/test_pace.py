"""Who asks too fast waits; others do not."""

from __future__ import annotations

from typing import Any

import httpx

from console.app import LINK_PACE
from console.pace import Pace


def test_a_burst_then_a_steady_rate_for_each_key() -> None:
    now = [0.0]
    pace = Pace(2.0, 3, lambda: now[0])
    assert [pace.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert pace.wait_s("b") == 0
    now[0] = 0.5
    assert [pace.wait_s("a") for _ in range(2)] == [0, 0.5]
    now[0] = 100.0
    assert [pace.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_buckets_are_forgotten_and_the_memory_is_bounded() -> None:
    now = [0.0]
    pace = Pace(1.0, 1, lambda: now[0])
    for number in range(30_000):
        pace.wait_s(str(number))
    assert len(pace._buckets) <= 10_000
    assert pace.wait_s("29999") > 0


def test_signed_links_are_not_tried_without_end(console: Any) -> None:
    client = console.browser().client
    answers: list[httpx.Response] = [client.get("/answer/nothing") for _ in range(LINK_PACE[1] + 20)]
    assert answers[0].status_code == 404
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert client.get("/sign-in").status_code == 200
