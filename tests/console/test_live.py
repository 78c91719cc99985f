"""The live overview: an event when something changes, none for what stays, the end with the session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.console.test_alert_page import raised


def events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Name and data of each event of a stream."""
    name, data = "", list[str]()
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data.append(line.removeprefix("data: "))
        elif not line and name:
            yield name, "\n".join(data)
            name, data = "", []


def test_changes_arrive_and_the_stream_ends_with_the_session(console: Any) -> None:
    duty = console.person("li", "operator")
    with duty.client.stream("GET", "/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer.iter_lines())
        name, before = next(stream)
        assert name == "overview"
        assert "排放超标" not in before
        raised(console)
        name, after = next(stream)
        assert name == "overview"
        assert "test-works排放超标" in after
        console.rows("delete from session")
        assert next(stream)[0] == "ended"
        assert list(stream) == []
