"""GB 17691 frames: both dialects, both heads, every field, and no error but the codec's own."""

import datetime as dt
import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from app.command.decode import command
from domain.error import RejectError
from domain.family import VEHICLE
from domain.period import ZONE
from ingest.wire.gb17691 import bcc, decode, frame_checks
from ingest.wire.gb17691_layout import OBD_SIZE, STREAM, STREAM_SIZE, SUPPLEMENT_SIZE

REAL_A = bytes.fromhex(
    "2323024C47444348413147384D41313237373333010100AD15080E082F230100010100ABDEA9D64C47444348413147384D41"
    "31323737333359435933303136352D363020202020200000EC40A1BF00000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000007145600AFE00200AFE06200AFE00900AF204700AF24"
    "5500AFE01200AF0200010000C57D830000000000000000610000FEFFFEFFFEFF3D000006AFD31701EA55FE000000289F"
)
LOGIN = bytes.fromhex(
    "2323014C47444348393147384B413134313236390101001C1401080E0806000338393836313131393232323033353530373837373A"
)
LOGOUT = bytes.fromhex("2323044C47365A44414E4837455932303831383202010008140911132E34001A5E")
OBD_ONLY = bytes.fromhex(
    "2323024C4349414D4D42453447303030343637310201006914051D0D341E0100010000000000004C4349414D4D4245344730"
    "3030343637313030303030303030303030303030303030303030303030303030303030303030303030303030303030303030"
    "303030303030303030303030303030303030303030303030303030300043"
)
FILLER_A = bytes.fromhex(
    "2323024C45575043413030304A463236303133340101009114060B10131801C4B6232375218BA64C45575043413030304A46"
    "3236303133343131313131313131313131313131313131313131313131313131313131313131313131313030303030303030"
    "3030303030303030303030303030303030303030303030303030303000025F82890F6D7A8A8739000100020FDCAF003C2240"
    "47A058822E710005EC987D020600D68F8922A2FA"
)
SIGNED_B = bytes.fromhex(
    "2323024C57485445535431323334353637383935110101131306030F193B000401010000EB00804C57485445535431323334"
    "3536373839353630313630332D4532303030303030303030545A574830303030583030303030303030303130323031303230"
    "0000000000000000000000000000000000000000000000000000000000203131303030334142423033334646414143443033"
    "383943434544313239454400203232303042433033414242303333464641414344453830383943434544314544022621CA98"
    "B41B5601631CA8109AAA00172BAA2A2204A25B54000686C1D7020D043F00002AFD2031313030303341424230333346464141"
    "434430333839434345443132394544002032323030424330334142423033334646414143444538303839434345443145445F"
)
SYNTHETIC_A = bytes.fromhex(
    "2323024C544553544C4C323630303030303030310101002E1A03010A05000200013C00CAAA83258000FA4268125C64258049"
    "20476000207AA000069FC767023C7DAD0012D68762"
)
ALL = [REAL_A, LOGIN, LOGOUT, OBD_ONLY, FILLER_A, SIGNED_B, SYNTHETIC_A]


def framed(data: bytes, *, command: int = 2, vin: bytes = b"LTESTLL2600000001") -> bytes:
    """A frame of the GB 17691 layout around `data`."""
    body = bytes([command]) + vin + b"\x01\x01" + len(data).to_bytes(2, "big") + data
    return b"##" + body + bytes([bcc(body)])


def test_record_sizes_are_those_of_the_annex() -> None:
    assert (OBD_SIZE, STREAM_SIZE, SUPPLEMENT_SIZE) == (96, 37, 17)


def test_every_stream_value_has_a_column_but_the_position_status() -> None:
    keys = [field.key for field in STREAM if field.key != "position_status"]
    assert keys == list(VEHICLE.keys[:-1])


def test_real_frame_of_dialect_a() -> None:
    frame = decode(REAL_A)
    obd, stream = frame.records
    assert (frame.layout, frame.command_name, frame.vin, frame.dialect, frame.rest) == (
        "17691",
        "realtime",
        "LGDCHA1G8MA127733",
        "A",
        b"",
    )
    assert frame.time == dt.datetime(2021, 8, 14, 8, 47, 35, tzinfo=ZONE)
    assert obd.values["protocol"] == 1 and obd.values["mil"] == 0
    assert (obd.values["support"], obd.values["ready"]) == ("ABDE", "A9D6")
    assert obd.values["calibration_id"] == "YCY30165-60"
    assert str(obd.values["cvn"]).startswith("EC40A1BF")
    assert obd.values["faults"] == [
        "145600AF",
        "E00200AF",
        "E06200AF",
        "E00900AF",
        "204700AF",
        "245500AF",
        "E01200AF",
    ]
    assert stream.values == {
        "speed": 0.0,
        "barometric_pressure": 98.5,
        "net_torque": 0,
        "friction_torque": 6,
        "engine_speed": 0.0,
        "fuel_rate": 0.0,
        "nox_upstream": None,
        "nox_downstream": None,
        "reagent_level": 38.8,
        "intake_air": 0.0,
        "scr_inlet_temperature": None,
        "scr_outlet_temperature": None,
        "dpf_pressure": None,
        "coolant_temperature": 21,
        "tank_level": 0.0,
        "position_status": 0,
        "longitude": 112.186135,
        "latitude": 32.134654,
        "odometer": 4.0,
    }
    assert stream.raw["scr_inlet_temperature"] == 0xFEFF, "the raw number is kept"


def test_synthetic_frame_has_the_figures_it_was_made_of() -> None:
    values = decode(SYNTHETIC_A).records[0].values
    expected = {"speed": 60, "net_torque": 45, "engine_speed": 1200, "fuel_rate": 12.5, "nox_upstream": 650}
    expected |= {"nox_downstream": 35, "reagent_level": 40, "intake_air": 480, "scr_inlet_temperature": 312}
    expected |= {"scr_outlet_temperature": 298, "dpf_pressure": 3.2, "coolant_temperature": 82, "tank_level": 64}
    expected |= {"longitude": 111.134567, "latitude": 37.518765, "odometer": 123456.7}
    assert {key: values[key] for key in expected} == pytest.approx(expected)


def test_signed_records_of_dialect_b() -> None:
    frame = decode(SIGNED_B)
    assert (frame.dialect, frame.serial, [record.name for record in frame.records], frame.rest) == (
        "B",
        4,
        ["obd", "stream"],
        b"",
    )
    assert frame.records[1].values["longitude"] == pytest.approx(109.494743)


@pytest.mark.parametrize(
    ("frame", "command", "vin", "serial", "iccid"),
    [
        (LOGIN, "login", "LGDCH91G8KA141269", 3, "89861119222035507877"),
        (LOGOUT, "logout", "LG6ZDANH7EY208182", 26, None),
    ],
)
def test_sessions(frame: bytes, command: str, vin: str, serial: int, iccid: str | None) -> None:
    decoded = decode(frame)
    assert (decoded.command_name, decoded.vin, decoded.serial, decoded.iccid) == (command, vin, serial, iccid)


def test_time_frame_has_no_data() -> None:
    assert decode(framed(b"", command=5)).command_name == "time"


def test_ten_stream_records_in_one_frame() -> None:
    body = decode(SYNTHETIC_A)
    unit = SYNTHETIC_A[30:-1]
    assert body.records[0].serial == 1
    many = decode(framed(SYNTHETIC_A[24:30] + unit * 10))
    assert many.dialect == "A" and len(many.records) == 10


def test_position_without_fix_is_missing_and_west_and_south_are_negative() -> None:
    at = 24 + 6 + 3 + 24
    for status, longitude, latitude in ((0, 111.134567, 37.518765), (6, -111.134567, -37.518765), (1, None, None)):
        changed = bytearray(SYNTHETIC_A)
        changed[at] = status
        changed[-1] = bcc(bytes(changed[2:-1]))
        values = decode(bytes(changed)).records[0].values
        assert (values["longitude"], values["latitude"]) == (longitude, latitude)


def test_head_of_gbt_32960_is_told_apart() -> None:
    body = bytes([1, 0xFE]) + b"LZYTUGEW5G1059545" + b"\x01" + (30).to_bytes(2, "big")
    body += bytes([18, 6, 22, 16, 21, 15, 0, 31]) + b"89860616020046379629" + b"\x01\x00"
    decoded = decode(b"##" + body + bytes([bcc(body)]))
    assert (decoded.layout, decoded.vin, decoded.answer) == ("32960", "LZYTUGEW5G1059545", 0xFE)
    assert (decoded.command_name, decoded.serial, decoded.iccid) == ("login", 31, "89860616020046379629")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "malformed"),
        (b"#!" + REAL_A[2:], "malformed"),
        (REAL_A[:-5], "length_mismatch"),
        (REAL_A[:-1] + b"\x00", "crc_mismatch"),
        (framed(bytes([21, 13, 1, 0, 0, 0]) + b"\x00\x01"), "bad_time"),
        (framed(bytes([21, 12, 1, 0, 0, 0]) + b"\x55\x01\x02"), "malformed"),
    ],
)
def test_what_is_wrong_is_named(frame: bytes, reason: str) -> None:
    with pytest.raises(RejectError) as caught:
        decode(frame)
    assert caught.value.reason == reason


@given(frame=st.sampled_from(ALL), at=st.integers(2, 400), value=st.integers(0, 255), repair=st.booleans())
def test_mutated_frames_raise_nothing_else(frame: bytes, at: int, value: int, repair: bool) -> None:
    changed = bytearray(frame)
    changed[at % (len(frame) - 2) + 2] = value
    if repair:
        changed[-1] = bcc(bytes(changed[2:-1]))
    try:
        decode(bytes(changed))
    except RejectError as error:
        assert error.detail


def test_every_frame_of_the_field_agrees_with_its_columns(shared_data) -> None:
    for line in (shared_data / "data/protocol/obd_frames.tsv").read_text().splitlines():
        layout, length_ok, bcc_ok, command, vin, text = line.split("\t")
        good = length_ok == bcc_ok == "yes"
        try:
            frame = decode(bytes.fromhex(text))
        except RejectError as error:
            assert not good and error.reason in ("length_mismatch", "crc_mismatch"), line[:60]
            assert frame_checks(bytes.fromhex(text)) == (length_ok == "yes", bcc_ok == "yes")
            continue
        assert good, line[:60]
        assert (frame.layout, f"{frame.command:02X}") == (layout, command)
        assert frame.vin == vin.split("\\0")[0]


def test_command_prints_one_object_per_frame(tmp_path) -> None:
    lines = [REAL_A.hex(), "", SIGNED_B.hex().upper() + "\tremark", "17691\tyes\t" + LOGIN.hex(), "232g", "zz"]
    path = tmp_path / "frames.txt"
    path.write_text("\n".join(lines))
    result = CliRunner().invoke(command, ["gb17691", str(path), "--strict"])
    shown = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["line"], each["ok"]) for each in shown] == [
        (1, True),
        (3, True),
        (4, True),
        (5, False),
        (6, False),
    ]
    assert shown[0]["records"][1]["values"]["longitude"] == 112.186135
    assert shown[0]["time"] == "2021-08-14T08:47:35+08:00"
    assert shown[3]["code"] == "malformed" and "hexadecimal" in shown[3]["message"]
    assert result.exit_code == 1
