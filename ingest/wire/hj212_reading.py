"""HJ 212 factors become rows: commands to spans, fields to columns, registered units to canonical ones."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache, partial
from typing import Final, NamedTuple

from domain.error import ConfigurationError, RejectError
from domain.factor import factor, unit_factor
from domain.flag import MARKS_ZH
from domain.period import DAY_S, HOUR_S
from ingest.wire.hj212 import Frame, Value, decode_frame, encode_answer, number
from ingest.wire.hj212_request import answerable, request_result, time_setting
from ingest.wire.reading import (
    MISSING,
    ColumnRule,
    Decoded,
    FactorReading,
    PartLabel,
    Reading,
    Source,
    mark_letter,
    microseconds,
)

#: Factor names of real devices are short; what is longer is no name and would only fill the memory of rules.
_MAX_NAME: Final = 64
_MAX_RULES: Final = 10_000
MAX_PARTS: Final = 999
_COUNT: Final = re.compile(r"\d{1,4}", re.ASCII)
_TIME: Final = re.compile(r"\d{14}(?:\d{3})?", re.ASCII)
#: Fields whose digits are a name or a moment, never a quantity.
TEXT_FIELDS: Final = frozenset({"SampleTime", "SN", "EFlag"})
_DEVICE_SPAN: Final = -1


class Command(NamedTuple):
    """How the values of a command are kept: span in seconds, and the field that fills the columns."""

    span_s: int
    field: str | None


#: HJ 212-2017 table 9: commands whose values are stored; the others are kept as raw frames only.
DATA_COMMANDS: Final = {
    "2011": Command(0, "Rtd"),
    "2051": Command(_DEVICE_SPAN, "Avg"),
    "2061": Command(HOUR_S, "Avg"),
    "2031": Command(DAY_S, "Avg"),
    "2021": Command(0, None),
    "2041": Command(DAY_S, None),
}


def decode_hj212(payload: bytes, source: Source) -> Decoded:
    """Decode one HJ 212 frame of stream ``data``.

    Parameters
    ----------
    payload : bytes
        The frame as received.
    source : Source
        The device that sent it; its registered units decide what the numbers mean.

    Returns
    -------
    Decoded
        At most one reading in canonical units, missing values NaN; factors and fields without a column as sent.

    Raises
    ------
    RejectError
        What `decode_frame` raises, ``identity_mismatch``, ``bad_field``, ``bad_time``, ``unit_unregistered`` or
        ``empty``.
    """
    frame = decode_frame(payload, source.crc_policy, source.keys)
    identity = frame.header.get("MN", "")
    if identity != source.mn:
        raise RejectError(
            "identity_mismatch", f"MN {identity[:40]!r}; {source.device_id} is registered as {source.mn!r}"
        )
    decoded = Decoded([], [], frame.wants_answer, None, encode_answer(frame))
    code = frame.header.get("CN", "")
    if not code:
        raise RejectError("bad_field", "CN is missing; expected a command of HJ 212-2017 table 9")
    command = DATA_COMMANDS.get(code)
    if command is not None:
        if "PNUM" in frame.header:
            decoded.part = part_label(frame)
        _take(decoded, frame, source, command)
    else:
        decoded.result = request_result(frame)
        if code == "1013" and answerable(frame):
            decoded.request = partial(time_setting, frame, zone_offset_s=source.zone_offset_s)
    return decoded


def part_label(frame: Frame) -> PartLabel | None:
    """Which part of a split frame this is; None for a frame that is whole.

    Parts are told to belong together by what they carry alike: system, command, number of parts and ``DataTime``. Their
    ``QN`` differ (HJ 212-2017 tables C.49 and C.50).

    Parameters
    ----------
    frame : Frame
        A decoded frame.

    Raises
    ------
    RejectError
        ``bad_field`` for numbers that make no sense, ``too_large`` for more than 999 parts.
    """
    header = frame.header
    total, number = (header.get(name, "") for name in ("PNUM", "PNO"))
    if not _COUNT.fullmatch(total):
        raise RejectError("bad_field", f"PNUM {total[:40]!r}; expected a number of parts")
    if int(total) <= 1:
        return None
    if int(total) > MAX_PARTS:
        raise RejectError("too_large", f"PNUM {total}; expected at most {MAX_PARTS} parts")
    if not (_COUNT.fullmatch(number) and 1 <= int(number) <= int(total)):
        raise RejectError("bad_field", f"PNO {number[:40]!r}; expected 1 to {int(total)}")
    shared = (header.get("ST", ""), header.get("CN", ""), str(int(total)), frame.data_time or "")
    return PartLabel("/".join(shared)[:_MAX_NAME], int(number), int(total))


def _take(decoded: Decoded, frame: Frame, source: Source, command: Command) -> None:
    """Append the rows of a data frame to `decoded`."""
    if not (frame.values or frame.marks or frame.parameters):
        raise RejectError("empty", "no value in the frame; expected at least one factor")
    span_s = command.span_s
    if span_s == _DEVICE_SPAN:
        span_s = source.span_s if 60 <= source.span_s < HOUR_S else 60
    time_us = data_time_us(frame.data_time, source.zone_offset_s) - (span_s * 1_000_000 if source.label_end else 0)
    rows = _Rows(decoded.factors, source, frame.marks, (time_us, span_s))
    rows.take_values(frame.values, command.field or "")
    rows.take_rest(frame)
    if rows.unregistered:
        names = ", ".join(dict.fromkeys(rows.unregistered))
        raise RejectError("unit_unregistered", f"no unit registered for {names[:300]} of {source.device_id}")
    if rows.letters is not None:
        decoded.readings.append(Reading(time_us, span_s, rows.row, "".join(rows.letters), False))


class _Rows:
    """The rows of one frame while they are being filled."""

    def __init__(
        self, factors: list[FactorReading], source: Source, marks: dict[str, str], label: tuple[int, int]
    ) -> None:
        self.factors = factors
        self.source = source
        self.marks = marks
        self.label = label
        self.row = [MISSING] * source.family.width
        self.letters: list[str] | None = None
        self.unregistered: list[str] = []
        self.seen: dict[str, str] = {}

    def take_values(self, values: list[Value], basic: str) -> None:
        """Put each value into its column, or into the rows of factors where it has none."""
        rules = self.source.rules.setdefault(basic, {})
        seen, marks = self.seen, self.marks
        taken: set[int] = set()
        for name, text, pol_id in values:
            factor_name, suffix, key = name
            if pol_id is not None:
                factor_name, key = f"{pol_id}/{factor_name}", f"{pol_id}/{key}"
            if key in seen:
                self._check_repeat(key, text)
                continue
            seen[key] = text
            try:
                rule = rules[key]
            except KeyError:
                rule = _column_rule(self.source, (factor_name, suffix), basic)
                if len(rules) < _MAX_RULES:
                    rules[key] = rule
            mark = marks.get(name[0], "")
            if rule is None or rule[0] in taken:
                self._keep(factor_name, suffix, text, mark)
                continue
            position, multiplier = rule
            if multiplier is None:
                self.unregistered.append(factor_name)
                continue
            taken.add(position)
            value = number(text)
            if value is not None:
                self.row[position] = value * multiplier
            elif text:
                self._keep(factor_name, suffix, text, mark)
            if self.letters is None:
                self.letters = list(self.source.blank_marks)
            self.letters[position] = mark if mark in MARKS_ZH else mark_letter(mark)

    def take_rest(self, frame: Frame) -> None:
        """Keep what is no value of a factor: long marks, marks without a value, parameters."""
        valued = {name[0] for name, _, _ in frame.values}
        for name, mark in self.marks.items():
            if len(mark) > 1 or name not in valued:
                self._keep(name, "Flag", mark, "")
        for name, text in frame.parameters:
            if name in self.seen:
                self._check_repeat(name, text)
                continue
            self.seen[name] = text
            self._keep(name, "", text, "")

    def _check_repeat(self, key: str, text: str) -> None:
        if self.seen[key] != text:
            raise RejectError("bad_field", f"{key[:80]!r} stands twice, as {self.seen[key][:40]!r} and {text[:40]!r}")

    def _keep(self, name: str, suffix: str, text: str, mark: str) -> None:
        if len(name) > _MAX_NAME or len(suffix) > _MAX_NAME:
            raise RejectError(
                "bad_field", f"name {name[:80]!r}-{suffix[:80]!r}; expected at most {_MAX_NAME} characters"
            )
        plain = suffix in TEXT_FIELDS or (not suffix and parse_time(text) is not None)
        value = None if plain else number(text)
        kept = FactorReading(
            *self.label,
            name,
            suffix,
            MISSING if value is None else value,
            text if value is None else None,
            mark_letter(mark),
        )
        self.factors.append(kept)


def _column_rule(source: Source, name_and_field: tuple[str, str], basic: str) -> ColumnRule | None:
    """What becomes of a field of a factor of this device, where `basic` fields fill the columns."""
    name, suffix = name_and_field
    if not basic or suffix not in (basic, f"Zs{basic}"):
        return None
    known = factor(name)
    column = source.columns.get(name.casefold()) if suffix == basic else None
    if column is None and known is not None:
        column = (known.columns if suffix == basic else known.converted).get(source.family.key)
    if column is None:
        return None
    position = source.positions[column]
    unit = source.units.get(name.casefold()) or (source.units.get(known.code.casefold()) if known else None)
    if unit is None:
        return ColumnRule(position, None)
    canonical = source.family.columns[position].unit
    try:
        multiplier = unit_factor(unit, canonical, column, state="stack" if source.family.key == "stack" else "ambient")
    except ConfigurationError as error:
        raise RejectError("unit_unregistered", f"unit of {name} of {source.device_id}: {error}") from error
    return ColumnRule(position, multiplier)


@lru_cache(maxsize=4096)
def data_time_us(text: str | None, zone_offset_s: int) -> int:
    """UTC microseconds of a ``DataTime`` of 14 digits, or 17 with milliseconds, in a zone `zone_offset_s` from UTC."""
    if text is None:
        raise RejectError("bad_time", "DataTime is missing; expected YYYYMMDDhhmmss")
    moment = parse_time(text)
    if moment is None:
        raise RejectError("bad_time", f"DataTime {text[:40]!r}; expected YYYYMMDDhhmmss")
    return microseconds(moment.replace(tzinfo=dt.UTC)) - zone_offset_s * 1_000_000


def parse_time(text: str) -> dt.datetime | None:
    """The naive moment that 14 or 17 digits write; None for anything else."""
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = dt.datetime.strptime(text[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007  the frame does not tell its zone
    except ValueError:
        return None
    return moment.replace(microsecond=int(text[14:] or 0) * 1000)
