"""The registry: areas, enterprises, sites, devices and the units devices send their factors in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Final

from psycopg import sql

from domain.county import County, Target
from domain.error import ConfigurationError
from domain.factor import unit_preset
from store.connection import Connection

#: Pseudo-site kind whose statistics are those of its area.
AREA: Final = "area"


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """A device as the collector needs it.

    Attributes
    ----------
    id, site_id, area_id : str
        The device, its site and its site's area.
    protocol, family : str
        Codec and family of its readings.
    mn : str or None
        Equipment number of HJ 212.
    label : str
        ``start`` or ``end``: what its time stamps name.
    zone_offset_s : int
        Offset of its clock from UTC.
    span_s, interval_s : int
        Seconds that one reading covers (0 = an instant), expected seconds between readings.
    rank : int
        The lower one is preferred within a site.
    revision_policy : str
        ``explicit``, ``accept`` or ``review``.
    registered_at : datetime
        When it entered the registry.
    retired_at : datetime or None
        When it left.
    units : mapping of str to str
        Factor code -> unit in which it sends the factor.
    crc_policy : str
        ``exact``, ``swapped`` or ``modbus``: which HJ 212 checksum is accepted besides the right one.
    factor_columns : mapping of str to str
        Factor code -> column of its family, for codes that the standard's tables do not place.
    """

    id: str
    site_id: str
    area_id: str
    protocol: str
    family: str
    mn: str | None
    label: str
    zone_offset_s: int
    span_s: int
    interval_s: int
    rank: int
    revision_policy: str
    registered_at: dt.datetime
    retired_at: dt.datetime | None
    units: Mapping[str, str] = field(default_factory=dict)
    crc_policy: str = "exact"
    factor_columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device to register or change; its site must be registered."""

    id: str
    site_id: str
    protocol: str
    family: str
    mn: str | None = None
    label: str = "start"
    zone_offset_s: int = 28800
    span_s: int = 60
    interval_s: int = 60
    rank: int = 1
    revision_policy: str = "explicit"
    crc_policy: str = "exact"


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site to register or change; its area and enterprise must be registered."""

    id: str
    area_id: str
    kind: str
    name_zh: str
    enterprise_id: str | None = None
    township: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    evaluated: bool = False
    note: str | None = None


def read_devices(conn: Connection) -> dict[str, RegisteredDevice]:
    """Every device by id, retired ones included."""
    rows = conn.execute(
        "select d.id, d.site_id, s.area_id, d.protocol, d.family, d.mn, d.label, d.zone_offset_s, d.span_s,"
        " d.interval_s, d.rank, d.revision_policy, d.registered_at, d.retired_at,"
        " coalesce((select jsonb_object_agg(u.factor, u.unit) from device_unit u where u.device_id = d.id), '{}'),"
        " d.crc_policy, coalesce((select jsonb_object_agg(c.factor, c.column_key) from device_column c"
        " where c.device_id = d.id), '{}')"
        " from device d join site s on s.id = d.site_id order by d.id"
    ).fetchall()
    return {row[0]: RegisteredDevice(*row) for row in rows}


def _upsert(conn: Connection, table: str, keys: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Insert rows or change those that differ; every row has the same columns."""
    records = list(rows)
    if not records:
        return
    columns = list(records[0])
    others = [column for column in columns if column not in keys]
    statement = sql.SQL(
        "insert into {table} ({columns}) values ({values}) on conflict ({keys}) do update set {changes}"
        " where ({mine}) is distinct from ({theirs})"
    ).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(map(sql.Placeholder, columns)),
        keys=sql.SQL(", ").join(map(sql.Identifier, keys)),
        changes=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in others),
        mine=sql.SQL(", ").join(sql.Identifier(table, name) for name in others),
        theirs=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in others),
    )
    with conn.cursor() as cursor:
        cursor.executemany(statement, records)


def upsert_site(conn: Connection, site: NewSite) -> None:
    """Register a site or change it; a retired one comes back."""
    row = {name: getattr(site, name) for name in NewSite.__dataclass_fields__}
    _upsert(conn, "site", ("id",), [{**row, "retired_at": None}])


def upsert_device(conn: Connection, device: NewDevice) -> None:
    """Register a device or change what was agreed with it; a retired one comes back, `registered_at` stays."""
    row = {name: getattr(device, name) for name in NewDevice.__dataclass_fields__}
    _upsert(conn, "device", ("id",), [{**row, "retired_at": None}])


def retire_device(conn: Connection, device_id: str, at: dt.datetime) -> None:
    """Take a device out of service; its readings stay. `ConfigurationError` when it is not registered or retired."""
    cursor = conn.execute("update device set retired_at = %s where id = %s and retired_at is null", (at, device_id))
    if cursor.rowcount == 0:
        raise ConfigurationError(f"found no device {device_id!r} in service, expected a registered one")


def retire_simulated(conn: Connection, notes: Mapping[str, str], at: dt.datetime) -> list[str]:
    """Take simulated devices and their sites out of service.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    notes : mapping of str to str
        Site -> the note by which it is known as simulated; a site whose note says otherwise stays, with its devices.
    at : datetime
        The moment.

    Returns
    -------
    list of str
        Ids of the devices retired.
    """
    sites = conn.execute(
        "update site set retired_at = %s where (id, note) in (select * from unnest(%s::text[], %s::text[]))"
        " and retired_at is null returning id",
        (at, list(notes), list(notes.values())),
    ).fetchall()
    rows = conn.execute(
        "update device set retired_at = %s where site_id = any(%s) and retired_at is null returning id",
        (at, [row[0] for row in sites]),
    ).fetchall()
    return sorted(row[0] for row in rows)


def restore_simulated(conn: Connection, sites: Sequence[str]) -> None:
    """Bring simulated sites that were retired, and their devices, back into service."""
    conn.execute("update site set retired_at = null where id = any(%s) and retired_at is not null", (list(sites),))
    conn.execute(
        "update device set retired_at = null where site_id = any(%s) and retired_at is not null", (list(sites),)
    )


def set_units(conn: Connection, device_id: str, units: Mapping[str, str]) -> None:
    """Replace the units of a device: factor code -> unit."""
    conn.execute("delete from device_unit where device_id = %s", (device_id,))
    conn.execute(
        "insert into device_unit (device_id, factor, unit) select %s, * from unnest(%s::text[], %s::text[])",
        (device_id, list(units), list(units.values())),
    )


def set_columns(conn: Connection, device_id: str, columns: Mapping[str, str]) -> None:
    """Replace the columns that codes of a device fill: factor code -> column of its family."""
    conn.execute("delete from device_column where device_id = %s", (device_id,))
    conn.execute(
        "insert into device_column (device_id, factor, column_key) select %s, * from unnest(%s::text[], %s::text[])",
        (device_id, list(columns), list(columns.values())),
    )


def load_county(conn: Connection, county: County) -> None:
    """Enter a county's data set: area and its pseudo-site, enterprises, sites, devices with units, windows, targets.

    What the data set names is inserted or brought to its state; what the registry has beyond it stays, and so do
    enterprises, sites and devices that people changed since (`edited_at`). What the data
    set leaves open (an enterprise's grade, permit, place on the reduction list) keeps the value that people entered.

    Parameters
    ----------
    conn : Connection
        As role lantian_owner or lantian_app.
    county : County
        The data set.
    """
    _upsert(conn, "area", ("id",), [_row(county, ("id", "name_zh", "adcode", "longitude", "latitude"))])
    place = NewSite(county.id, county.id, AREA, county.name_zh, longitude=county.longitude, latitude=county.latitude)
    upsert_site(conn, place)
    edited = {(table, name) for table, name in conn.execute(_EDITED).fetchall()}
    for enterprise in (each for each in county.enterprises if ("enterprise", each.id) not in edited):
        row = {"area_id": county.id, **_row(enterprise, _ENTERPRISE)}
        told = {name: value for name, value in row.items() if value is not None or name not in _OPEN}
        _upsert(conn, "enterprise", ("id",), [told])
    sites = [each for each in county.sites if ("site", each.id) not in edited]
    _upsert(conn, "site", ("id",), (_row(site, _SITE, area="area_id", enterprise="enterprise_id") for site in sites))
    devices = [each for each in county.devices if ("device", each.id) not in edited]
    _upsert(conn, "device", ("id",), (_row(device, _DEVICE, site="site_id") for device in devices))
    for device in devices:
        set_units(conn, device.id, unit_preset(device.unit_preset, device.family))
    windows = ({"area_id": county.id, **_row(window, _WINDOW)} for window in county.time_windows)
    _upsert(conn, "time_window", ("area_id", "id"), windows)
    _insert_lines(conn, county)
    targets = (_target_row(county.id, at, target) for at, target in enumerate(county.targets, 1))
    _upsert(conn, "target", ("area_id", "id"), targets)


def _insert_lines(conn: Connection, county: County) -> None:
    """Enter lines, their meters and outlets that are not registered yet; registered ones stay as people left them."""
    with conn.cursor() as cursor:
        for line in county.lines:
            cursor.execute(
                "insert into production_line (line_id, enterprise_id, name_zh, kind, treats_line_id, outlet_site_id,"
                " rated_power_kw) values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
                (line.id, line.enterprise, line.name_zh, line.kind, line.treats, line.outlet_site, line.rated_power_kw),
            )
            if cursor.rowcount:
                rows = [(line.id, meter) for meter in line.meters]
                cursor.executemany("insert into line_meter (line_id, device_id) values (%s, %s)", rows)
        cursor.executemany(
            "insert into outlet (site_id, valid_from, valid_to, kind, reference_oxygen, basis, flow_basis,"
            " duct_area_m2, atmospheric_kpa, permitted_pm_t, permitted_so2_t, permitted_nox_t, note)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            [astuple(outlet) for outlet in county.outlets],
        )


_EDITED: Final = (
    "select 'enterprise', id from enterprise where edited_at is not null"
    " union all select 'site', id from site where edited_at is not null"
    " union all select 'device', id from device where edited_at is not null"
)
_OPEN: Final = ("grade", "permit", "on_reduction_list")
_ENTERPRISE: Final = (
    *("id", "name_zh", "industry", "key_industry", "named_2024", "ultra_low", "clause", "note"),
    *_OPEN,
)
_SITE: Final = (
    *("id", "area", "enterprise", "kind", "name_zh", "township", "longitude", "latitude", "evaluated", "note"),
)
_DEVICE: Final = ("id", "site", "protocol", "family", "mn", "label", "span_s", "interval_s", "revision_policy")
_WINDOW: Final = (
    *("id", "clause", "what_zh", "what_en", "months", "hours_local", "weather_condition", "kind"),
    *("no_rain", "humidity_max", "clear_sky"),
)
_TARGET: Final = (
    *("id", "clause", "indicator_zh", "indicator_en", "comparator", "value", "unit", "averaging", "due_date", "due"),
    *("recurs", "period", "source", "actual_from", "pollutant", "registry", "responsible_zh"),
)


def _row(item: object, names: Sequence[str], **renamed: str) -> dict[str, object]:
    """Attributes of `item` as columns, some under another name."""
    return {renamed.get(name, name): getattr(item, name) for name in names}


def _target_row(area: str, position: int, target: Target) -> dict[str, object]:
    columns = {"due_date": "due_on", "due": "due_text", "source": "actual_kind", "actual_from": "actual_text"}
    row = _row(target, _TARGET, **columns, registry="registry_count")
    statistic = f"p{target.percent}" if target.statistic == "percentile" else target.statistic
    return {"area_id": area, **row, "statistic": statistic, "position": position}
