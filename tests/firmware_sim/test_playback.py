"""Playing measurements back: order, gaps, answers, interruption."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from domain.error import ConfigurationError
from firmware_sim.answer import Receipt
from firmware_sim.outbox import Parcel
from firmware_sim.playback import Playback, Track, load_track, save_track
from firmware_sim.window import Patience, Window

COLUMNS = ("pm25", "co", "temperature")


def track(device: str = "a", rows: int = 10, first_s: int = 0) -> Track:
    starts = first_s + np.arange(rows, dtype=np.int64) * 3600
    values = np.arange(rows * 3, dtype=np.float64).reshape(rows, 3)
    values[1, 0] = np.nan
    return Track(device, f"lt/v1/prsa/json/{device}/data", COLUMNS, starts, values, 3600)


def playback(*tracks: Track, window: int = 4, batch: int = 1, speed: float = 0.0) -> Playback:
    return Playback(tracks, itertools.count(1), window=Window(window, Patience(10.0, 10.0)), batch=batch, speed=speed)


def play(it: Playback, outcome: str = "stored", most: int = 10**6) -> list[Parcel]:
    """Answer every message, at most `most`."""
    sent: list[Parcel] = []
    answered = 0
    while not it.done:
        it.pump(0.0, sent.append)
        for parcel in sent[answered:]:
            if answered == most:
                return sent
            it.answer(Receipt(parcel.number, parcel.device, outcome, "bad_value", "found x"))
            answered += 1
    return sent


def test_rows_go_out_in_order_of_time_one_message_each_without_missing_values() -> None:
    sent = play(playback(track("a"), track("b", first_s=1800)))
    bodies = [json.loads(parcel.payload) for parcel in sent]
    assert [parcel.device for parcel in sent] == ["a", "b"] * 10
    assert bodies[2]["ts"] == "1970-01-01T09:00:00+08:00"
    assert bodies[2]["values"] == {"co": 4.0, "temperature": 5.0}
    assert {body["span"] for body in bodies} == {3600} and all(body["ack"] for body in bodies)
    assert [body["seq"] for body in bodies] == list(range(1, 21))


def test_batches_hold_rows_of_one_device() -> None:
    sent = play(playback(track("a"), track("b"), batch=4))
    sizes = [(parcel.device, len(json.loads(parcel.payload)["readings"])) for parcel in sent]
    assert sorted(sizes) == [("a", 2), ("a", 4), ("a", 4), ("b", 2), ("b", 4), ("b", 4)]


def test_window_is_kept_and_unanswered_messages_are_sent_again() -> None:
    it = playback(track())
    sent: list[Parcel] = []
    for now in (0.0, 5.0, 9.9):
        it.pump(now, sent.append)
    assert len(sent) == it.on_way == 4
    it.pump(10.0, sent.append)
    assert sent[4:] == sent[:4] and it.resent == 4 and it.published == 4


def test_speed_is_kept() -> None:
    it = playback(track(), window=100, speed=3600.0)
    sent: list[Parcel] = []
    it.pump(50.0, sent.append)
    assert len(sent) == 1
    it.pump(52.5, sent.append)
    assert len(sent) == 3


def test_answers_are_counted_once() -> None:
    it = playback(track(rows=3))
    it.pump(0.0, lambda _: None)
    assert it.answer(Receipt(1, "a", "stored")) == 1
    assert it.answer(Receipt(1, "a", "stored")) == 0
    assert it.answer(Receipt(77, "a", "stored")) == 0
    assert it.answer(Receipt(None, "a", "rejected", "malformed")) == 0
    assert it.answer(Receipt(2, "a", "duplicate")) == 1
    assert it.answer(Receipt(3, "a", "rejected", "bad_value", "found x")) == 1
    assert it.done
    assert it.rows == {"stored": 1, "duplicate": 1, "rejected": 1}
    assert it.examples == {"bad_value": "a: found x"}


def test_interrupted_playback_goes_on_where_the_answers_ended(tmp_path: Path) -> None:
    state, first = tmp_path / "a.json", track()
    play(playback(first), most=6)
    save_track(first, state)
    second = track()
    load_track(second, state)
    sent = play(playback(second))
    assert [json.loads(parcel.payload)["values"]["co"] for parcel in sent] == [19.0, 22.0, 25.0, 28.0]
    save_track(second, state)
    third = track()
    load_track(third, state)
    assert playback(third).done and playback(third).total == 0


def test_answers_out_of_order_leave_the_gap_to_the_next_run(tmp_path: Path) -> None:
    state, first = tmp_path / "a.json", track()
    it = playback(first)
    it.pump(0.0, lambda _: None)
    for number in (1, 2, 4):
        it.answer(Receipt(number, "a", "stored"))
    save_track(first, state)
    again = track()
    load_track(again, state)
    assert np.flatnonzero(~again.answered).tolist() == [2, 3, 4, 5, 6, 7, 8, 9]


def test_rejected_rows_are_sent_again_by_the_next_run(tmp_path: Path) -> None:
    state, first = tmp_path / "a.json", track(rows=3)
    play(playback(first), outcome="rejected")
    save_track(first, state)
    again = track(rows=3)
    load_track(again, state)
    assert playback(again).total == 3


@pytest.mark.parametrize("text", ["", "[]", '{"rows": 3}', '{"rows":9,"answered":1,"rejected":[]}'])
def test_damaged_state_says_what_to_do(tmp_path: Path, text: str) -> None:
    state = tmp_path / "a.json"
    state.write_text(text)
    with pytest.raises(ConfigurationError, match="--restart"):
        load_track(track(), state)
