"""A county with two enterprises, contacts and the shipped rules, for tests of alerts and notices."""

from __future__ import annotations

import datetime as dt
from typing import Any

from domain.alert import shipped_rules
from store.alert_rule import load_rules
from store.connection import Connection, connect
from store.contact import Contact, write_contacts

NOW = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
CONTACTS = (
    Contact("duty", None, None, "值班员", 1, channels=(("mail", "duty@bureau.example"),)),
    Contact("chief", None, None, "局领导", 2, severity_floor=3, channels=(("mail", "chief@bureau.example"),)),
    Contact("mill-dcs", None, "mill", "磨坊系统", 1, channels=(("mqtt", "mill"),)),
    Contact("mill-boss", None, "mill", "磨坊厂长", 2, channels=(("sms", "city:13900000000"),)),
)


def furnish(database: Any, contacts: tuple[Contact, ...] = CONTACTS) -> None:
    """Fill a fresh database."""
    with connect(database.url("lantian_app")) as conn:
        conn.execute("insert into area (id, name_zh) values ('x', '测试县')")
        conn.execute(
            "insert into enterprise (id, area_id, name_zh, industry) values"
            " ('mill', 'x', '磨坊', 'cement'), ('oven', 'x', '焦化厂', 'coking')"
        )
        conn.execute(
            "insert into site (id, area_id, enterprise_id, kind, name_zh) values"
            " ('mill-1', 'x', 'mill', 'stack', '磨坊1号'), ('oven-1', 'x', 'oven', 'stack', '焦炉烟囱')"
        )
        conn.execute(
            "insert into device (id, site_id, protocol, family, span_s, interval_s) values"
            " ('mill-cems', 'mill-1', 'json', 'stack', 60, 60), ('oven-cems', 'oven-1', 'json', 'stack', 60, 60)"
        )
        load_rules(conn, shipped_rules())
        write_contacts(conn, contacts)


def rows(conn: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Result of a query."""
    return conn.execute(query.encode(), values).fetchall()
