"""HJ 212 factors to rows: columns, units, marks, spans, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.error import RejectError
from domain.family import AIR, STACK, Family
from ingest.wire.hj212 import encode_frame
from ingest.wire.hj212_reading import decode_hj212
from ingest.wire.reading import Decoded, Source

FIELD_UNITS = {
    "a34004": "µg/m³",
    "a34002": "µg/m³",
    "a21005": "mg/m³",
    "a01006": "kPa",
    "a21026": "µg/m³",
    "a01002": "%",
}
STACK_UNITS = {"a21026": "mg/m³", "a34013": "mg/m³", "a21002": "mg/m³", "a19001": "%", "a01012": "℃"}
NOON_US = 1_772_337_600_000_000  # 2026-03-01 12:00 in Beijing


def decoded(
    content: str,
    command: str = "2011",
    family: Family = AIR,
    units: Mapping[str, str] | None = None,
    *,
    label_end: bool = False,
    span_s: int = 60,
    time: str = "DataTime=20260301120000;",
) -> Decoded:
    units = (STACK_UNITS if family is STACK else FIELD_UNITS) if units is None else units
    source = Source("d1", family, mn="M1", label_end=label_end, span_s=span_s, units=units)
    return decode_hj212(encode_frame(f"QN=1;ST=22;CN={command};PW=1;MN=M1;Flag=5;CP=&&{time}{content}&&"), source)


def value(result: Decoded, family: Family, key: str) -> float:
    return result.readings[0].values[family.position(key)]


def mark(result: Decoded, family: Family, key: str) -> str:
    return result.readings[0].marks[family.position(key)]


def reason(content: str, **changes: object) -> str:
    with pytest.raises(RejectError) as caught:
        decoded(content, **changes)  # type: ignore[arg-type]
    return f"{caught.value.reason}: {caught.value.detail}"


def test_registered_units_become_canonical() -> None:
    result = decoded("a34004-Rtd=48,a34004-Flag=N;a21005-Rtd=1.25;a01006-Rtd=92.1")
    assert value(result, AIR, "pm25") == 48
    assert value(result, AIR, "co") == 1.25
    assert value(result, AIR, "pressure") == pytest.approx(921)
    assert math.isnan(value(result, AIR, "o3"))
    assert (mark(result, AIR, "pm25"), mark(result, AIR, "co")) == ("N", "-")
    nanograms = decoded("a34004-Rtd=75600.000", units={"a34004": "ng/m³"})
    assert value(nanograms, AIR, "pm25") == pytest.approx(75.6)


def test_factor_without_registered_unit_is_refused_by_name() -> None:
    said = reason("a34004-Rtd=48;a05024-Rtd=12;a21004-Rtd=30;a01002-Rtd=50")
    assert said.startswith("unit_unregistered")
    assert "a05024" in said
    assert "a21004" in said
    assert "a34004" not in said
    assert reason("a34004-Rtd=48", units={"a34004": "℃"}).startswith("unit_unregistered")


@pytest.mark.parametrize(
    ("command", "field", "span_s"),
    [("2011", "Rtd", 0), ("2051", "Avg", 60), ("2061", "Avg", 3600), ("2031", "Avg", 86400)],
)
def test_commands_to_spans(command: str, field: str, span_s: int) -> None:
    reading = decoded(f"a34004-{field}=48", command).readings[0]
    assert (reading.time_us, reading.span_s) == (NOON_US, span_s)


@pytest.mark.parametrize(("usual", "expected"), [(600, 600), (60, 60), (0, 60), (3600, 60)])
def test_minute_data_take_the_registered_span(usual: int, expected: int) -> None:
    assert decoded("a34004-Avg=48", "2051", span_s=usual).readings[0].span_s == expected


def test_device_that_labels_the_end() -> None:
    assert decoded("a34004-Avg=48", "2061", label_end=True).readings[0].time_us == NOON_US - 3_600_000_000


def test_fields_without_a_column_are_kept_as_sent() -> None:
    result = decoded(
        "a34004-Min=3,a34004-Avg=5,a34004-Max=9,a34004-Flag=D;x99999-Avg=ABC,x99999-SampleTime=20260301115900", "2061"
    )
    assert value(result, AIR, "pm25") == 5
    kept = [(row.factor, row.field, row.value, row.text, row.mark) for row in result.factors]
    assert kept[:2] == [("a34004", "Min", 3.0, None, "D"), ("a34004", "Max", 9.0, None, "D")]
    assert [(row[0], row[1], row[3]) for row in kept[2:]] == [
        ("x99999", "Avg", "ABC"),
        ("x99999", "SampleTime", "20260301115900"),
    ]
    assert all(math.isnan(row[2]) for row in kept[2:])


def test_converted_columns_of_a_stack() -> None:
    result = decoded(
        "a21026-Rtd=12.4,a21026-ZsRtd=14.1,a21026-Flag=C;a19001-Rtd=7.9;a34013-Rtd=3.2,a34013-ZsRtd=3.6", family=STACK
    )
    assert (value(result, STACK, "so2"), value(result, STACK, "so2_converted")) == (12.4, 14.1)
    assert (value(result, STACK, "pm"), value(result, STACK, "pm_converted"), value(result, STACK, "o2")) == (
        3.2,
        3.6,
        7.9,
    )
    assert (mark(result, STACK, "so2"), mark(result, STACK, "so2_converted"), mark(result, STACK, "o2")) == (
        "C",
        "C",
        "-",
    )


def test_codes_of_2005_and_names_from_the_field() -> None:
    units = {"02": "mg/m³", "01": "mg/m³", "S01": "%"}
    result = decoded("02-Rtd=20.34,02-ZsRtd=51.03;01-Rtd=25.21;S01-Rtd=14.9", family=STACK, units=units)
    assert (value(result, STACK, "so2"), value(result, STACK, "so2_converted")) == (20.34, 51.03)
    assert (value(result, STACK, "pm"), value(result, STACK, "o2")) == (25.21, 14.9)
    # the unit may be registered under the standard's code as well
    assert value(decoded("PM25-Rtd=35"), AIR, "pm25") == 35


def test_value_that_is_no_number() -> None:
    result = decoded("a34004-Rtd=--,a34004-Flag=B;a34002-Rtd=,a34002-Flag=F")
    assert math.isnan(value(result, AIR, "pm25"))
    assert math.isnan(value(result, AIR, "pm10"))
    assert (mark(result, AIR, "pm25"), mark(result, AIR, "pm10")) == ("B", "F")
    assert [(row.factor, row.text) for row in result.factors] == [("a34004", "--")]


def test_two_names_of_one_column() -> None:
    result = decoded("a34004-Rtd=35;PM25-Rtd=36")
    assert value(result, AIR, "pm25") == 35
    assert [(row.factor, row.field, row.value) for row in result.factors] == [("PM25", "Rtd", 36.0)]


def test_repeated_value() -> None:
    assert value(decoded("a34004-Rtd=35;a34004-Rtd=35"), AIR, "pm25") == 35
    assert reason("a34004-Rtd=35;a34004-Rtd=36").startswith("bad_field: 'a34004-Rtd' stands twice")
    assert reason("x-Rtd=1;RestartTime=1;RestartTime=2").startswith("bad_field")


def test_equipment_states_and_parameters() -> None:
    states = decoded("SB1-RS=1;SB2-RS=0", "2021")
    assert [(row.factor, row.field, row.value) for row in states.factors] == [("SB1", "RS", 1.0), ("SB2", "RS", 0.0)]
    assert not states.readings
    about = decoded("PolId=w01019,i12001-Info=0;PolId=w21001,i12001-Info=1;RestartTime=20260301110000")
    assert [(row.factor, row.field, row.text) for row in about.factors] == [
        ("w01019/i12001", "Info", None),
        ("w21001/i12001", "Info", None),
        ("RestartTime", "", "20260301110000"),
    ]


def test_long_mark_and_mark_without_value() -> None:
    result = decoded("a34004-Rtd=35,a34004-Flag=N1;a34002-Flag=D")
    assert mark(result, AIR, "pm25") == "N"
    assert [row.field for row in result.factors] == ["Flag", "Flag"]
    assert [(row.factor, row.text) for row in result.factors] == [("a34004", "N1"), ("a34002", "D")]
    assert mark(decoded("a34004-Rtd=35,a34004-Flag=n"), AIR, "pm25") == "N"
    assert mark(decoded("a34004-Rtd=35,a34004-Flag=停"), AIR, "pm25") == "?"


def test_frames_without_data_yield_no_rows() -> None:
    for command in ("3020", "2081", "9014", "1013"):
        result = decoded("x-Info=1", command, time="")
        assert not result.readings
        assert not result.factors
    assert decoded("", "1013", time="").answer is not None


def test_refused_content() -> None:
    assert reason("a34004-Rtd=1", time="").startswith("bad_time: DataTime is missing")
    assert reason("a34004-Rtd=1", time="DataTime=20260231000000;").startswith("bad_time")
    assert reason("").startswith("empty")
    assert reason(f"{'x' * 70}-Rtd=1").startswith("bad_field")
    source = Source("d1", AIR, mn="M2")
    for segment, expected in (("CN=2011;MN=M1;CP=&&&&", "identity_mismatch"), ("MN=M2;CP=&&&&", "bad_field")):
        with pytest.raises(RejectError) as caught:
            decode_hj212(encode_frame(segment), source)
        assert caught.value.reason == expected
    with pytest.raises(RejectError, match="identity_mismatch"):
        decode_hj212(encode_frame("CN=2011;CP=&&&&"), Source("d1", AIR, mn=None))


def test_many_names_do_not_fill_the_memory() -> None:
    source = Source("d1", AIR, mn="M1")
    for start in range(0, 12_000, 400):
        names = ";".join(f"x{number}-Rtd=1" for number in range(start, start + 400))
        decode_hj212(encode_frame(f"CN=2011;MN=M1;CP=&&DataTime=20260301120000;{names}&&"), source)
    assert len(source.rules["Rtd"]) == 10_000


@settings(max_examples=400, deadline=None)
@given(
    st.text(alphabet=st.sampled_from(list("a34004-RtdFlag=;,& \x000129.N量")), max_size=120),
    st.sampled_from(["2011", "2061"]),
)
def test_any_content_is_decoded_or_rejected(content: str, command: str) -> None:
    try:
        result = decoded(content, command)
    except RejectError as error:
        assert error.detail
    else:
        assert len(result.readings) <= 1
        assert result.readings or result.factors
