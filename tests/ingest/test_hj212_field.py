"""Frames of the field, value by value, for every kind of device; and each trap that field devices set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.error import RejectError
from domain.factor import unit_preset
from domain.family import FAMILIES
from ingest.wire.hj212 import decode_frame, encode_frame
from ingest.wire.hj212_crc import hj212_crc, modbus_crc
from ingest.wire.hj212_reading import decode_hj212
from ingest.wire.reading import Decoded, Source

STACK_2005 = (
    b"##0372QN=20180315134456001;ST=31;CN=2011;PW=123456;MN=TY0102183V0001;CP=&&DataTime=20180315134400;"
    b"S03-Rtd=147.12,S03-Flag=N;S08-Rtd=1.349,S08-Flag=N;S05-Rtd=8.000,S05-Flag=N;S01-Rtd=14.913,S01-Flag=N;"
    b"S02-Rtd=6.38,S02-Flag=N;B02-Rtd=3600.0,B02-Flag=N;01-Rtd=25.2100,01-ZsRtd=63.6616,01-Flag=N;"
    b"02-Rtd=20.3400,02-ZsRtd=51.0317,02-Flag=N;03-Rtd=50.5467,03-ZsRtd=125.0510,03-Flag=N&&A781"
)
STACK_HOUR = (
    b"##0612QN=20240123101501421;ST=31;CN=2061;PW=123456;MN=81733553216103;Flag=4;CP=&&DataTime=20240122170000;"
    b"a00000-Cou=19191.973,a00000-Min=5.051,a00000-Avg=5.331,a00000-Max=5.617,a00000-Flag=N;"
    b"a01011-Min=6.686,a01011-Avg=7.029,a01011-Max=7.425,a01011-Flag=N;"
    b"a01013-Min=-0.041,a01013-Avg=-0.026,a01013-Max=0.011,a01013-Flag=N;"
    b"a01012-Min=8.074,a01012-Avg=8.524,a01012-Max=8.789,a01012-Flag=N;"
    b"a24088-Cou=0.018,a24088-Min=0.665,a24088-Avg=0.933,a24088-Max=1.418,a24088-Flag=N;"
    b"a05002-Cou=0.000,a05002-Min=0.000,a05002-Avg=0.000,a05002-Max=0.000,a05002-Flag=N;"
    b"a01014-Min=0.828,a01014-Avg=1.040,a01014-Max=1.239,a01014-Flag=N&&0E40"
)
STACK_FAULT = (
    b"##0624QN=20180303110906001;ST=32;CN=2011;PW=123456;MN=8888888000114W;Flag=4;CP=&&DataTime=20180303105900;"
    b"a00000-Rtd=0.0000,a00000-Flag=D;a34013-Rtd=0.0000,a34013-ZsRtd=0.00,a34013-Flag=D;"
    b"a21026-Rtd=0.0000,a21026-ZsRtd=0.00,a21026-Flag=D;a21002-Rtd=0.0000,a21002-ZsRtd=0.00,a21002-Flag=D;"
    b"a21005-Rtd=0.0000,a21005-ZsRtd=0.00,a21005-Flag=D;a21018-Rtd=0.0000,a21018-ZsRtd=0.00,a21018-Flag=D;"
    b"a21024-Rtd=0.0000,a21024-ZsRtd=0.00,a21024-Flag=D;a19001-Rtd=0.0000,a19001-Flag=D;a01011-Rtd=0.0000,a01011-Flag=D;"
    b"a01012-Rtd=0.0000,a01012-Flag=D;a01017-Rtd=0.0000,a01017-Flag=D;a01014-Rtd=0.0000,a01014-Flag=D;"
    b"a01013-Rtd=0.0000,a01013-Flag=D&&2A80"
)
CALIBRATING = (
    b"##0156QN=20260301100500127;ST=31;CN=2011;PW=123456;MN=141100000000000000000002;Flag=4;CP=&&"
    b"DataTime=20260301100500;a21026-Rtd=0.0,a21026-ZsRtd=0.0,a21026-Flag=C&&BA41"
)
MOBILE = (
    b"##0344QN=20220928142812336;ST=22;CN=2011;PW=123456;MN=JSRCTD000YD107;Flag=5;CP=&&DataTime=20220928142812;"
    b"l01001-Flag=N,l01001-Rtd=119.90287;l01002-Flag=N,l01002-Rtd=32.48505;a34002-Rtd=5,a34002-Flag=N;"
    b"a34004-Rtd=4,a34004-Flag=N;a21026-Rtd=22.25,a21026-Flag=N;a21004-Rtd=22.7,a21004-Flag=N;"
    b"a21005-Rtd=0.36,a21005-Flag=N;a05024-Rtd=8.82,a05024-Flag=N&&9241"
)
AIR_MINUTE = (
    b"##0411QN=20220513162608370;ST=22;CN=2051;PW=123456;MN=JLYP01_AIR01_0001;Flag=4;CP=&&DataTime=20220513162600;"
    b"a21004-Avg=4,a21004-Flag=N;a05024-Avg=63,a05024-Flag=N;a21026-Avg=6,a21026-Flag=N;a21005-Avg=0.427,a21005-Flag=N;"
    b"a34004-Avg=14,a34004-Flag=N;a34002-Avg=31,a34002-Flag=N;a01007-Avg=1,a01007-Flag=N;a01008-Avg=11,a01008-Flag=N;"
    b"a01001-Avg=17,a01001-Flag=N;a01002-Avg=85,a01002-Flag=N;a01006-Avg=95,a01006-Flag=N&&D641"
)
SWITCHES = (
    b"##0109ST=32;CN=2011;PW=123456;MN=NJGDKYYC202101q0001w0001;"
    b"CP=&&DataTime=20210305003817000;ele01-Rtd=1;ele02-Rtd=0&&8c41"
)


def read(payload: bytes, family: str = "air", preset: str = "ambient-field", **more: Any) -> Decoded:
    """Decode a frame as from the device whose number it carries."""
    frame = decode_frame(payload, more.get("crc_policy", "exact"))
    units = {**unit_preset(preset, family), **more.pop("units", {})}
    return decode_hj212(payload, Source("d1", FAMILIES[family], mn=frame.header.get("MN"), units=units, **more))


def columns(result: Decoded, family: str) -> dict[str, float]:
    """Columns that have a value."""
    row = result.readings[0].values
    return {key: value for key, value in zip(FAMILIES[family].keys, row, strict=True) if not math.isnan(value)}


def others(result: Decoded) -> dict[str, float | str]:
    """Values without a column, by ``factor-field``."""
    return {
        f"{row.factor}-{row.field}".rstrip("-"): row.value if row.text is None else row.text for row in result.factors
    }


def line(shared_data: Path, fragment: str) -> bytes:
    """The field frame that holds `fragment`."""
    rows = (shared_data / "data/protocol/hj212_packets.tsv").read_text(encoding="utf-8").splitlines()
    return next(row.split("\t")[0].encode() for row in rows if fragment in row)


def built(content: str, *, ST: str = "22", CN: str = "2011", MN: str = "M1", **header: str) -> bytes:  # noqa: N803
    fields = "".join(f"{name}={text};" for name, text in {"ST": ST, "CN": CN, "MN": MN, **header}.items())
    return encode_frame(f"QN=20260301120000001;{fields}CP=&&DataTime=20260301120000;{content}&&")


def test_stack_with_codes_of_2005() -> None:
    result = read(STACK_2005, "stack", "stack-field", units={"a00000": "m³/h"})
    assert columns(result, "stack") == {
        **{"pm": 25.21, "pm_converted": 63.6616, "so2": 20.34, "so2_converted": 51.0317, "nox": 50.5467},
        **{"nox_converted": 125.051, "o2": 14.913, "flow": 1.0, "velocity": 6.38, "flue_temperature": 147.12},
        **{"flue_pressure": 1.349, "flue_humidity": 8.0},
    }
    assert (result.readings[0].span_s, result.wants_reply, others(result)) == (0, False, {})


def test_hour_of_a_stack_with_organic_gas() -> None:
    result = read(STACK_HOUR, "stack", "stack-field")
    assert columns(result, "stack") == {
        **{"flow": 5.331, "velocity": 7.029, "flue_pressure": -0.026, "flue_temperature": 8.524, "flue_humidity": 1.04}
    }
    kept = others(result)
    assert (kept["a24088-Avg"], kept["a24088-Cou"], kept["a24088-Min"], kept["a24088-Max"]) == (
        *(0.933, 0.018, 0.665, 1.418),
    )
    assert (kept["a00000-Cou"], kept["a05002-Avg"], kept["a01013-Min"]) == (19191.973, 0.0, -0.041)
    assert result.readings[0].span_s == 3600


def test_stack_out_of_order() -> None:
    result = read(STACK_FAULT, "stack", "stack-field")
    assert set(columns(result, "stack").values()) == {0.0}
    assert len(columns(result, "stack")) == 14
    assert set(result.readings[0].marks) == {"D", "-"}
    assert {(row.factor, row.field, row.mark) for row in result.factors} == {
        *(("a21018", "Rtd", "D"), ("a21018", "ZsRtd", "D"), ("a21024", "Rtd", "D"), ("a21024", "ZsRtd", "D")),
        ("a01017", "Rtd", "D"),
    }


def test_stack_being_calibrated() -> None:
    result = read(CALIBRATING, "stack", "stack-field")
    assert columns(result, "stack") == {"so2": 0.0, "so2_converted": 0.0}
    assert result.readings[0].marks.count("C") == 2


def test_minute_of_an_air_station() -> None:
    result = read(AIR_MINUTE)
    assert columns(result, "air") == {
        **{"no2": 4.0, "o3": 63.0, "so2": 6.0, "co": 0.427, "pm25": 14.0, "pm10": 31.0, "wind_speed": 1.0},
        **{"wind_direction": 11.0, "temperature": 17.0, "humidity": 85.0, "pressure": 950.0},
    }
    assert others(result) == {}


def test_mobile_station_keeps_its_position_with_the_reading() -> None:
    result = read(MOBILE)
    assert columns(result, "air") == {"pm10": 5, "pm25": 4, "so2": 22.25, "no2": 22.7, "co": 0.36, "o3": 8.82}
    assert others(result) == {"l01001-Rtd": 119.90287, "l01002-Rtd": 32.48505}
    assert {(row.time_us, row.span_s, row.mark) for row in result.factors} == {(result.readings[0].time_us, 0, "N")}


def test_switches_of_equipment_without_request_number() -> None:
    result = read(SWITCHES, "plant", "canonical")
    assert others(result) == {"ele01-Rtd": 1.0, "ele02-Rtd": 0.0}
    assert not result.readings
    mapped = read(SWITCHES, "plant", "canonical", units={"ele01": "1"}, columns={"ELE01": "running"})
    assert (columns(mapped, "plant"), others(mapped)) == ({"running": 1.0}, {"ele02-Rtd": 0.0})


def test_gases_of_an_air_station(shared_data: Path) -> None:
    result = read(line(shared_data, "&&cc01"))
    assert columns(result, "air") == {"co": 0.0, "no2": 0.0}
    kept = others(result)
    assert (kept["a21001-Rtd"], kept["a21003-Rtd"], kept["a21002-Rtd"]) == (25.4, 101.94, 49.2)
    assert (kept["a21006-Rtd"], kept["a21007-Rtd"]) == (0.036, 0.033)


def test_black_carbon_hour(shared_data: Path) -> None:
    result = read(line(shared_data, "a34006-Avg"))
    assert others(result) == {
        **{"a34006-Avg": 2.697, "a34007-Avg": 7.966, "a34048-Avg": 3.306, "a34047-Avg": 7.357, "a34049-Avg": 10.663}
    }
    assert {row.span_s for row in result.factors} == {3600}
    assert result.answer is not None


def test_surface_water_of_2025(shared_data: Path) -> None:
    payload = line(shared_data, "Flag=8;CP=&&DataTime=20210301111100")
    kept = others(read(payload))
    assert (kept["w01001-Rtd"], kept["w01014-Rtd"], kept["w21003-Rtd"]) == (8.33, 1425.0, 0.09055002)
    assert decode_frame(payload).version == 2025


def test_hour_of_2025_wants_an_answer(shared_data: Path) -> None:
    result = read(line(shared_data, "MN=A110000_0001;Flag=9;CP=&&DataTime"))
    assert others(result) == {
        **{"w01010-Avg": 28.4, "w01014-Avg": 7.7, "w01001-Avg": 6.6, "w01017-Avg": 15.0, "w01019-Avg": 1.022}
    }
    assert result.answer is not None
    assert b"CN=9014;PW=123456;MN=A110000_0001;Flag=8" in result.answer


def test_time_of_the_sample(shared_data: Path) -> None:
    kept = others(read(line(shared_data, "QN=20231008123340461")))
    assert kept == {"w01008-SampleTime": "20231008123340", "w01008-Rtd": 123.456}


def test_restart_and_time_request_bring_no_rows(shared_data: Path) -> None:
    restart = read(line(shared_data, "##0137"))
    assert (restart.readings, restart.factors) == ([], [])
    assert restart.answer is not None and b"CN=9014" in restart.answer
    request = read(line(shared_data, "ST=80;CN=1013"))
    assert request.answer is not None and b"CN=9013" in request.answer


def test_notes_about_pollutants(shared_data: Path) -> None:
    payload = line(shared_data, "CN=3020")
    assert [pol_id for _, _, pol_id in decode_frame(payload).values] == [
        name for name in ("w01019", "w21001", "w21003", "w21011") for _ in range(2)
    ]


@pytest.mark.parametrize("system", ["80", "44"])
def test_electricity(system: str) -> None:
    content = "Ua-Rtd=231.2,Ua-Flag=N;Ub-Rtd=230.8;Uc-Rtd=232.0;Ia-Rtd=12.5;Ib-Rtd=12.4;Ic-Rtd=12.6;EP-Rtd=10482.5"
    result = read(built(f"{content};PF-Rtd=0.93;d20105-Rtd=2.75;SB1-RS=1", ST=system), "plant", "canonical")
    assert columns(result, "plant") == {
        **{"voltage_a": 231.2, "voltage_b": 230.8, "voltage_c": 232.0, "current_a": 12.5, "current_b": 12.4},
        **{"current_c": 12.6, "energy": 10482.5, "power_factor": 0.93},
    }
    assert others(result) == {"d20105-Rtd": 2.75, "SB1-RS": 1.0}


def test_codes_of_a_device_fill_the_columns_it_is_registered_with() -> None:
    payload = built("d20105-Rtd=2310,d20105-Flag=N;d20110-Rtd=4.2;p99101-Rtd=St", ST="44")
    more: Mapping[str, Any] = {"units": {"d20105": "V", "d20110": "W"}, "columns": {"d20105": "voltage_a"}}
    result = read(payload, "plant", "canonical", **more)
    assert columns(result, "plant") == {"voltage_a": 2310.0}
    assert others(result) == {"d20110-Rtd": 4.2, "p99101-Rtd": "St"}
    with pytest.raises(RejectError, match="unit_unregistered"):
        read(payload, "plant", "canonical", columns={"d20105": "voltage_a"})


def test_operating_conditions() -> None:
    content = "g10101-Rtd=1;g10201-Rtd=86.5;g11101-Rtd=5.6;g11601-Rtd=0;g30101-Rtd=3.2;I33400-Rtd=82.5,I33400-Flag=N"
    result = read(built(f"{content};p10101-Rtd=1250", ST="45"), "plant", "canonical")
    assert columns(result, "plant") == {"load": 82.5}
    assert others(result) == {
        **{"g10101-Rtd": 1, "g10201-Rtd": 86.5, "g11101-Rtd": 5.6, "g11601-Rtd": 0, "g30101-Rtd": 3.2},
        "p10101-Rtd": 1250,
    }


def test_odour_organics_and_ammonia_are_factors_of_an_air_station() -> None:
    content = "a21001-Rtd=0.12;a21028-Rtd=0.004;a24088-Rtd=0.9;a25002-Rtd=0.011;OU-Rtd=12,OU-Flag=N"
    assert others(read(built(content))) == {
        **{"a21001-Rtd": 0.12, "a21028-Rtd": 0.004, "a24088-Rtd": 0.9, "a25002-Rtd": 0.011, "OU-Rtd": 12.0}
    }


def test_ammonia_slip_and_bypass_of_a_stack() -> None:
    result = read(built("a21001-Rtd=2.4,a21001-Flag=N;g30601-Rtd=0;g30701-Rtd=0", ST="31"), "stack", "stack-field")
    assert columns(result, "stack") == {"nh3": 2.4}
    assert others(result) == {"g30601-Rtd": 0.0, "g30701-Rtd": 0.0}


def test_dust_of_a_construction_site() -> None:
    result = read(built("a34001-Rtd=182.5,a34001-Flag=N;a34002-Rtd=97;LA-Rtd=61.3,LA-Flag=N", ST="39"))
    assert columns(result, "air") == {"tsp": 182.5, "pm10": 97.0}
    assert others(result) == {"LA-Rtd": 61.3}


def test_mark_of_a_resent_frame_changes_nothing() -> None:
    first, again = read(built("a34004-Rtd=40")), read(built("a34004-Rtd=40", RF="1"))
    assert str(first.readings) == str(again.readings)


# The traps of the field.


def wrongly(payload: bytes, crc: int) -> bytes:
    return payload.rstrip()[:-4] + b"%04X" % crc


@pytest.mark.parametrize(("policy", "naming"), [("swapped", "exchanged"), ("modbus", "Modbus")])
def test_wrong_checksum_is_named_and_taken_only_by_agreement(policy: str, naming: str) -> None:
    segment = AIR_MINUTE[6:-4]
    crc = hj212_crc(segment)
    sent = {"swapped": (crc & 0xFF) << 8 | crc >> 8, "modbus": modbus_crc(segment)}
    payload = wrongly(AIR_MINUTE, sent[policy])
    for other in {"exact", "swapped", "modbus"} - {policy}:
        with pytest.raises(RejectError, match=f"crc_mismatch: .*{naming}"):
            decode_frame(payload, other)
    assert columns(read(payload, crc_policy=policy), "air")["pm25"] == 14.0
    assert columns(read(AIR_MINUTE, crc_policy=policy), "air")["pm25"] == 14.0
    with pytest.raises(RejectError, match="crc_mismatch"):
        decode_frame(wrongly(AIR_MINUTE, crc ^ 0x0100), policy)


def test_swapped_checksum_of_the_field() -> None:
    body = b"ST=22;CN=2011;MN=M1;CP=&&DataTime=20260301120000;NOIS-Rtd=51.2,NOIS-Flag=N&&"
    crc = hj212_crc(body)
    payload = b"##%04d%s%04X" % (len(body), body, (crc & 0xFF) << 8 | crc >> 8)
    with pytest.raises(RejectError, match="exchanged"):
        read(payload)
    assert others(read(payload, crc_policy="swapped")) == {"NOIS-Rtd": 51.2}


@pytest.mark.parametrize(
    "content", ["a34004-Flag=D,a34004-Rtd=40", "a34004-Rtd=40,a34004-flag=D", "a34004-rtd=40;a34004-FLAG=D"]
)
def test_mark_before_its_value_and_in_lower_case(content: str) -> None:
    result = read(built(content))
    assert columns(result, "air") == {"pm25": 40.0}
    assert result.readings[0].marks[FAMILIES["air"].position("pm25")] == "D"


def test_codes_of_2005_in_an_envelope_of_2017() -> None:
    result = read(built("02-Rtd=20.3,02-ZsRtd=51.0,02-Flag=N;S01-Rtd=14.9", ST="31", Flag="5"), "stack", "stack-field")
    assert columns(result, "stack") == {"so2": 20.3, "so2_converted": 51.0, "o2": 14.9}
    assert result.wants_reply


def test_missing_request_number_and_flag() -> None:
    result = read(SWITCHES, "plant", "canonical")
    assert (result.wants_reply, result.answer) == (False, None)


def test_stray_separators() -> None:
    plain = read(built("a34004-Rtd=40,a34004-Flag=N;a34002-Rtd=70,a34002-Flag=N"))
    stray = read(built(";a34004-Rtd=40,a34004-Flag=N,;;a34002-Rtd=70,,a34002-Flag=N;"))
    assert str(stray) == str(plain)


def test_names_instead_of_codes() -> None:
    result = read(built("PM25-Rtd=40,PM25-Flag=N;PM10-Rtd=70;O3-Rtd=88;TSP-Rtd=120"))
    assert columns(result, "air") == {"pm25": 40.0, "pm10": 70.0, "o3": 88.0, "tsp": 120.0}


def test_chinese_text_of_old_devices() -> None:
    body = "ST=22;CN=2011;MN=M1;CP=&&DataTime=20260301120000;a34004-Rtd=40;i11001-Info=清洗管路&&".encode("gbk")
    result = read(b"##%04d%s%04X" % (len(body), body, hj212_crc(body)))
    assert (columns(result, "air"), others(result)) == ({"pm25": 40.0}, {"i11001-Info": "清洗管路"})


def test_wrong_checksums_of_the_field_stay_outside(shared_data: Path) -> None:
    rows = (shared_data / "data/protocol/hj212_packets.tsv").read_text(encoding="utf-8").splitlines()
    bad = [row.split("\t")[0].encode() for row in rows if row.split("\t")[1:] == ["yes", "no"]]
    assert len(bad) >= 4
    for payload in bad:
        for policy in ("exact", "modbus"):
            with pytest.raises(RejectError, match="crc_mismatch"):
                decode_frame(payload, policy)
