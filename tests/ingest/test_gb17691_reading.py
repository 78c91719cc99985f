"""GB 17691 frames to rows: one row a second of engine stream, the rest as factors, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import pytest

from domain.error import RejectError
from domain.family import AIR, VEHICLE
from domain.period import ZONE
from ingest.answer import outcome_answer, rejection_answer
from ingest.assembly import Assembled, assemble
from ingest.registry import Registry
from ingest.wire.gb17691 import bcc
from ingest.wire.gb17691_layout import STREAM
from ingest.wire.gb17691_reading import decode_gb17691
from ingest.wire.reading import Decoded, Source, microseconds
from store.registry import RegisteredDevice

VIN = "LTESTLL2600000001"
SYNTHETIC = bytes.fromhex(
    "2323024C544553544C4C323630303030303030310101002E1A03010A05000200013C00CAAA83258000FA4268125C64258049"
    "20476000207AA000069FC767023C7DAD0012D68762"
)
STREAM_UNIT = SYNTHETIC[30:-1]
TIME = bytes([26, 3, 1, 10, 5, 0])
START_US = microseconds(dt.datetime(2026, 3, 1, 10, 5, tzinfo=ZONE))
SUPPLEMENT = bytes([2, 100]) + (5000).to_bytes(4, "big") + bytes([65]) + (123456).to_bytes(4, "big")
SUPPLEMENT += (7890).to_bytes(4, "big") + (18000).to_bytes(2, "big")
RECEIVED = dt.datetime(2026, 3, 1, 3, 0, tzinfo=dt.UTC)


def framed(data: bytes, *, command: int = 2, vin: str = VIN, encryption: int = 1) -> bytes:
    body = bytes([command]) + vin.encode() + bytes([7, encryption]) + len(data).to_bytes(2, "big") + data
    return b"##" + body + bytes([bcc(body)])


def obd_unit(*, lamp: int, faults: tuple[str, ...] = ()) -> bytes:
    body = bytes([1, lamp]) + bytes.fromhex("ABDEA9D6") + VIN.encode() + b"CAL".ljust(18) + bytes(18) + bytes(36)
    return b"\x01\x00\x09" + body + bytes([len(faults)]) + b"".join(map(bytes.fromhex, faults))


def decoded(payload: bytes, vin: str = VIN) -> Decoded:
    return decode_gb17691(payload, Source("v1", VEHICLE, mn=vin))


def column(result: Decoded, key: str) -> list[float]:
    return [reading.values[VEHICLE.position(key)] for reading in result.readings]


def factors(result: Decoded) -> dict[tuple[str, str, int], float | str]:
    return {
        (row.factor, row.field, (row.time_us - START_US) // 1_000_000): row.value if row.text is None else row.text
        for row in result.factors
    }


def refusal(payload: bytes, vin: str = VIN) -> RejectError:
    with pytest.raises(RejectError) as caught:
        decoded(payload, vin)
    return caught.value


def test_every_column_of_a_stream_record() -> None:
    result = decoded(SYNTHETIC)
    found = {key: column(result, key)[0] for key in VEHICLE.keys}
    assert math.isnan(found.pop("mil"))
    assert found == {
        **{"speed": 60.0, "barometric_pressure": 101.0, "net_torque": 45.0, "friction_torque": 6.0},
        **{"engine_speed": 1200.0, "fuel_rate": 12.5, "nox_upstream": 650.0, "nox_downstream": 35.0},
        **{"reagent_level": 40.0, "intake_air": 480.0, "scr_inlet_temperature": 312.0},
        **{"scr_outlet_temperature": 298.0, "dpf_pressure": 3.2, "coolant_temperature": 82.0, "tank_level": 64.0},
        **{"longitude": 111.134567, "latitude": 37.518765, "odometer": 123456.7},
    }
    assert (result.readings[0].time_us, result.readings[0].span_s) == (START_US, 0)
    assert (result.wants_reply, result.seq, result.link) == (True, 1, None)


def test_records_of_one_frame_are_a_second_apart() -> None:
    result = decoded(framed(TIME + STREAM_UNIT * 10))
    assert [row.time_us - START_US for row in result.readings] == [at * 1_000_000 for at in range(10)]


def test_lamp_of_the_obd_record_goes_with_every_row() -> None:
    result = decoded(framed(TIME + STREAM_UNIT * 3 + obd_unit(lamp=1, faults=("145600AF", "E00200AF"))))
    assert column(result, "mil") == [1.0] * 3
    kept = factors(result)
    assert kept["obd", "faults", 0] == "145600AF E00200AF"
    assert (kept["obd", "protocol", 0], kept["obd", "fault_count", 0]) == (1.0, 2.0)
    assert (kept["obd", "support", 0], kept["obd", "ready", 0]) == ("ABDE", "A9D6")
    assert (kept["obd", "vin", 0], kept["obd", "calibration_id", 0]) == (VIN, "CAL")
    assert kept["terminal", "software_version", 0] == 7
    assert ("obd", "mil", 0) not in kept


def test_obd_alone_is_a_row_of_its_own() -> None:
    result = decoded(framed(TIME + obd_unit(lamp=0)))
    assert column(result, "mil") == [0.0]
    assert all(
        math.isnan(value) for key, value in zip(VEHICLE.keys, result.readings[0].values, strict=True) if key != "mil"
    )


def test_lamp_that_says_neither_is_kept_as_sent() -> None:
    result = decoded(framed(TIME + obd_unit(lamp=0x23) + STREAM_UNIT))
    assert math.isnan(column(result, "mil")[0])
    assert factors(result)["obd", "mil", 0] == 0x23
    assert not decoded(framed(TIME + obd_unit(lamp=0x23))).readings


def test_supplementary_record() -> None:
    result = decoded(framed(TIME + (b"\x80\x00\x01" + SUPPLEMENT) * 2))
    kept = factors(result)
    assert not result.readings
    for second in (0, 1):
        assert kept["supplement", "torque_mode", second] == 2
        assert kept["supplement", "accelerator", second] == 40
        assert kept["supplement", "total_fuel", second] == 2500
        assert kept["supplement", "reagent_temperature", second] == 25
        assert kept["supplement", "reagent_rate", second] == 1234.56
        assert kept["supplement", "total_reagent", second] == 7890
        assert kept["supplement", "dpf_temperature", second] == 289.5


def test_what_is_not_available_is_missing() -> None:
    unit = bytearray(STREAM_UNIT)
    unit[3:] = b"\xff" * len(unit[3:])
    result = decoded(framed(TIME + bytes(unit)))
    assert all(math.isnan(value) for value in result.readings[0].values)
    assert factors(result)["stream", "position_status", 0] == 0xFF
    unit[3:] = bytes(len(unit[3:]))
    result = decoded(framed(TIME + bytes(unit)))
    assert math.isnan(column(result, "nox_upstream")[0])
    assert column(result, "net_torque") == [-125.0]


def test_each_column_of_the_stream_has_the_field_of_its_name() -> None:
    keys = {entry.key for entry in STREAM}
    assert keys - set(VEHICLE.keys) == {"position_status"}


def test_login_and_logout_are_link_states() -> None:
    login = decoded(framed(TIME + b"\x00\x05" + b"89860616020046379629", command=1))
    assert (login.link, login.seq, login.readings) == ("online", 5, [])
    assert factors(login)["terminal", "iccid", 0] == "89860616020046379629"
    logout = decoded(framed(TIME + b"\x00\x06", command=4))
    assert (logout.link, logout.seq) == ("offline", 6)
    time = decoded(framed(b"", command=5))
    assert (time.link, time.readings, time.factors, time.wants_reply) == (None, [], [], True)


def test_resend_brings_the_same_rows() -> None:
    first, again = decoded(framed(TIME + STREAM_UNIT)), decoded(framed(TIME + STREAM_UNIT, command=3))
    assert str(first.readings) == str(again.readings)
    assert not again.readings[0].announced


def test_what_is_refused() -> None:
    assert refusal(SYNTHETIC, "LANOTHERVEHICLE00").reason == "identity_mismatch"
    assert refusal(framed(TIME + STREAM_UNIT, encryption=2)).reason == "encrypted"
    assert "sm2" in refusal(framed(TIME + STREAM_UNIT, encryption=3)).detail
    assert refusal(framed(TIME + b"\x55\x01\x02")).reason == "malformed"
    assert refusal(framed(TIME)).reason == "malformed"
    assert refusal(framed(b"\x1a")).reason == "malformed"
    assert refusal(SYNTHETIC[:-1] + b"\x00").reason == "crc_mismatch"
    with pytest.raises(RejectError, match="family air"):
        decode_gb17691(SYNTHETIC, Source("v1", AIR, mn=VIN))


def test_records_under_the_head_of_gbt_32960() -> None:
    body = b"\x02\xfe" + VIN.encode() + b"\x01" + (6 + len(STREAM_UNIT)).to_bytes(2, "big") + TIME + STREAM_UNIT
    result = decoded(b"##" + body + bytes([bcc(body)]))
    assert column(result, "speed") == [60.0]
    electric = b"\x02\xfe" + VIN.encode() + b"\x01" + (6 + 21).to_bytes(2, "big") + TIME + b"\x01" + bytes(20)
    assert refusal(b"##" + electric + bytes([bcc(electric)])).reason == "malformed"


def batch(*payloads: bytes) -> Assembled:
    registry = Registry()
    facts = ("v1", "s1", "zy", "gb17691", "vehicle", VIN, "start", 28800, 0, 1, 1, "explicit", RECEIVED, None)
    registry.take({"v1": RegisteredDevice(*facts)})
    arrivals = [("lt/v1/zy/gb17691/v1/data", payload, RECEIVED) for payload in payloads]
    return assemble(arrivals, registry, collector="c1", opened_at=RECEIVED)


def test_through_the_assembly() -> None:
    late = framed(bytes([26, 3, 1, 11, 10, 1]) + STREAM_UNIT)
    login = framed(TIME + b"\x00\x05" + b"89860616020046379629", command=1)
    assembled = batch(SYNTHETIC, login, late, b"##")
    messages = assembled.batch.messages
    assert [message.rejection.reason if message.rejection else None for message in messages] == [
        *(None, None, "impossible_time", "malformed")
    ]
    assert [message.link for message in messages] == [None, "online", None, None]
    assert assembled.batch.readings["vehicle"].values.shape == (1, VEHICLE.width)
    assert assembled.decoded[0] is not None
    assert outcome_answer(messages[0], assembled.decoded[0], "stored") == (
        "lt/v1/zy/gb17691/v1/reply",
        b'{"v":1,"seq":1,"outcome":"stored"}',
    )
    said = [json.loads(rejection_answer(message, None)[1]) for message in messages[2:]]
    assert [(answer["seq"], answer["reason"]) for answer in said] == [(1, "impossible_time"), (None, "malformed")]


def test_frames_of_the_field_become_rows(shared_data: Path) -> None:
    rows = {}
    for line in (shared_data / "data/protocol/obd_frames.tsv").read_text().splitlines():
        layout, length_ok, bcc_ok, command, vin, text = line.split("\t")
        if layout == "17691" and length_ok == bcc_ok == "yes" and command == "02":
            rows[vin] = decoded(bytes.fromhex(text), vin)
    first = rows["LGDCHA1G8MA127733"]
    assert (column(first, "longitude"), column(first, "latitude")) == ([112.186135], [32.134654])
    assert (column(first, "odometer"), column(first, "coolant_temperature")) == ([4.0], [21.0])
    assert (column(first, "reagent_level"), column(first, "barometric_pressure")) == ([pytest.approx(38.8)], [98.5])
    assert column(first, "mil") == [0.0]
    assert math.isnan(column(first, "scr_inlet_temperature")[0])
    assert math.isnan(column(first, "nox_upstream")[0])
    assert "E00200AF" in str([row.text for row in first.factors if row.field == "faults"])
    assert column(rows["LCIAMMBE4G0004671"], "mil") == [0.0]
    assert len(rows["LEWPCA000JF260134"].readings) == 1
