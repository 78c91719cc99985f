"""Frames of vehicle terminals against real frames, byte for byte."""

import datetime as dt

import pytest

from domain.error import ConfigurationError
from domain.period import ZONE
from firmware_sim.frame_gb17691 import (
    LOGIN,
    LOGOUT,
    OBD,
    REAL_TIME,
    STREAM,
    Diagnosis,
    Record,
    data_unit,
    frame,
    login_unit,
    logout_unit,
    obd_body,
    stream_body,
)

REAL = (
    "2323024C47444348413147384D41313237373333010100AD15080E082F230100010100ABDEA9D64C47444348413147384D41"
    "31323737333359435933303136352D363020202020200000EC40A1BF00000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000007145600AFE00200AFE06200AFE00900AF204700AF24"
    "5500AFE01200AF0200010000C57D830000000000000000610000FEFFFEFFFEFF3D000006AFD31701EA55FE000000289F"
)
LOGIN_FRAME = (
    "2323014C47444348393147384B413134313236390101001C1401080E0806000338393836313131393232323033353530373837373A"
)
LOGOUT_FRAME = "2323044C47365A44414E4837455932303831383202010008140911132E34001A5E"
ZEROS = (
    "2323024C4349414D4D42453447303030343637310201006914051D0D341E0100010000000000004C4349414D4D4245344730"
    "3030343637313030303030303030303030303030303030303030303030303030303030303030303030303030303030303030"
    "303030303030303030303030303030303030303030303030303030300043"
)
SYNTHETIC = (
    "2323024C544553544C4C323630303030303030310101002E1A03010A05000200013C00CAAA83258000FA4268125C64258049"
    "20476000207AA000069FC767023C7DAD0012D68762"
)


def at(*parts: int) -> int:
    return int(dt.datetime(*parts, tzinfo=ZONE).timestamp())  # type: ignore[arg-type]


def test_login_and_logout_of_real_vehicles() -> None:
    login = frame(LOGIN, "LGDCH91G8KA141269", login_unit(at(2020, 1, 8, 14, 8, 6), 3, "89861119222035507877"))
    assert login.hex().upper() == LOGIN_FRAME
    logout = frame(LOGOUT, "LG6ZDANH7EY208182", logout_unit(at(2020, 9, 17, 19, 46, 52), 0x1A), software=2)
    assert logout.hex().upper() == LOGOUT_FRAME


def test_obd_and_stream_of_a_real_vehicle() -> None:
    faults = (0x145600AF, 0xE00200AF, 0xE06200AF, 0xE00900AF, 0x204700AF, 0x245500AF, 0xE01200AF)
    diagnosis = Diagnosis(
        "LGDCHA1G8MA127733", protocol=1, ready=0xA9D6, calibration=b"YCY30165-60     ",
        cvn=bytes.fromhex("EC40A1BF"), faults=faults,
    )  # fmt: skip
    values = {
        "speed": 0.0, "barometric_pressure": 98.5, "net_torque": 0.0, "friction_torque": 6.0, "engine_speed": 0.0,
        "fuel_rate": 0.0, "reagent_level": 38.8, "intake_air": 0.0, "coolant_temperature": 21.0, "tank_level": 0.0,
        "longitude": 112.186135, "latitude": 32.134654, "odometer": 4.0, "nox_upstream": -200.0,
        "nox_downstream": -200.0,
    }  # fmt: skip
    raw = dict.fromkeys(("scr_inlet_temperature", "scr_outlet_temperature", "dpf_pressure"), 0xFEFF)
    records = [Record(OBD, 1, obd_body(diagnosis)), Record(STREAM, 1, stream_body(values, raw))]
    made = frame(REAL_TIME, "LGDCHA1G8MA127733", data_unit(at(2021, 8, 14, 8, 47, 35), records))
    assert made.hex().upper() == REAL


def test_obd_alone_of_a_real_vehicle_filled_with_zero_digits() -> None:
    diagnosis = Diagnosis(
        "LCIAMMBE4G0004671", protocol=0, support=0, calibration=b"0" * 18, cvn=b"0" * 18, iupr=b"0" * 36
    )
    unit = data_unit(at(2020, 5, 29, 13, 52, 30), [Record(OBD, 1, obd_body(diagnosis))])
    made = frame(REAL_TIME, "LCIAMMBE4G0004671", unit, software=2)
    assert made.hex().upper() == ZEROS


STREAM_VALUES = {
    "speed": 60.0, "barometric_pressure": 101.0, "net_torque": 45.0, "friction_torque": 6.0, "engine_speed": 1200.0,
    "fuel_rate": 12.5, "nox_upstream": 650.0, "nox_downstream": 35.0, "reagent_level": 40.0, "intake_air": 480.0,
    "scr_inlet_temperature": 312.0, "scr_outlet_temperature": 298.0, "dpf_pressure": 3.2, "coolant_temperature": 82.0,
    "tank_level": 64.0, "longitude": 111.134567, "latitude": 37.518765, "odometer": 123456.7,
}  # fmt: skip


def test_stream_of_the_synthetic_vector() -> None:
    unit = data_unit(at(2026, 3, 1, 10, 5, 0), [Record(STREAM, 1, stream_body(STREAM_VALUES))])
    assert frame(REAL_TIME, "LTESTLL2600000001", unit).hex().upper() == SYNTHETIC


def test_what_is_missing_or_out_of_range_is_told() -> None:
    assert stream_body({}) == b"\xff" * 24 + b"\x01" + b"\xff" * 12
    body = stream_body(
        {**STREAM_VALUES, "speed": 1e9, "net_torque": -300.0, "longitude": -111.134567, "latitude": -1.0}
    )
    assert body[:2] == b"\xfa\xff" and body[3] == 0
    assert body[24] == 0b110 and int.from_bytes(body[25:29], "big") == 111134567


def test_dialect_b_has_one_serial() -> None:
    records = [Record(STREAM, 7, stream_body(STREAM_VALUES)), Record(STREAM, 8, stream_body({}))]
    noon = at(2026, 3, 1, 12)
    a, b = data_unit(noon, records), data_unit(noon, records, "B")
    assert len(a) == 6 + 2 * 40 and len(b) == 6 + 2 + 2 * 38
    assert b[6:9] == b"\x00\x07\x02" and a[6:9] == b"\x02\x00\x07"


def test_identities_have_their_length() -> None:
    with pytest.raises(ConfigurationError, match="17"):
        frame(REAL_TIME, "SHORT", b"")
    with pytest.raises(ConfigurationError, match="20"):
        login_unit(0, 1, "89")
