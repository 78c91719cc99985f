"""Each role tries what it must not do, and may do what it needs."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest
from privilege_table import PRIVILEGES

from store.connection import connect

TABLES = tuple(PRIVILEGES)
READINGS = ("air_reading", "stack_reading", "vehicle_reading", "plant_reading", "factor_reading", "raw_frame")
#: Nobody but the owner changes or removes what has been recorded.
HISTORY = (
    *(*READINGS, "ledger", "forecast_model", "forecast", "forecast_series", "forecast_skill", "warning"),
    *("exchange_receipt", "neighbour_hour", "neighbour_warning", "dust_interval", "dust_withdrawal"),
    *("warning_event", "warning_transition", "external_order", "reduction_order", "order_measure", "order_inspection"),
    *("audit_event", "acknowledgement", "delivery_attempt", "integrity_finding", "device_request", "calibration"),
    "retention_drop",
)
_GRANTED = """
select relname, role, string_agg(
    case when has_table_privilege(role, c.oid, verb) then upper(left(verb, 1))
        when verb in ('select', 'insert', 'update', 'references') and has_any_column_privilege(role, c.oid, verb)
            then left(verb, 1)
        else '' end, '' order by place)
from pg_class c,
    unnest(array['lantian_writer', 'lantian_app', 'lantian_reader']) role,
    unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
        with ordinality verbs (verb, place)
where c.relnamespace = 'lantian'::regnamespace and c.relkind in ('r', 'p')
group by relname, role
"""
DENIED = [
    *(("lantian_reader", f"select from {table}") for table in TABLES),
    *(("lantian_reader", f"insert into {table} default values") for table in ("ledger", "air_hour", "site")),
    *((role, f"delete from {table}") for table in HISTORY for role in ("lantian_writer", "lantian_app")),
    *((role, f"truncate {table}") for table in HISTORY for role in ("lantian_writer", "lantian_app")),
    *(
        (role, f"update {table} set received_at = now()")
        for table in READINGS
        for role in ("lantian_writer", "lantian_app")
    ),
    *((role, "update ledger set received = 0") for role in ("lantian_writer", "lantian_app")),
    *((role, "delete from revision") for role in ("lantian_writer", "lantian_app")),
    *((role, "delete from reject") for role in ("lantian_writer", "lantian_app")),
    ("lantian_writer", "update revision set status = 'accepted'"),
    ("lantian_writer", "update reject set replay_outcome = 'x'"),
    *(("lantian_writer", f"{verb} dirty_hour") for verb in ("select from", "delete from")),
    ("lantian_writer", "insert into dirty_hour (family, site_id, hour) values ('air', 'a', '2026-01-01')"),
    ("lantian_reader", "select lantian.fold_batch_notes()"),
    *((role, "delete from batch_note") for role in ("lantian_writer", "lantian_app")),
    ("lantian_writer", "update device_day set messages = 0"),
    ("lantian_writer", "update site set name_zh = ''"),
    ("lantian_writer", "insert into device_unit values ('a', 'b', 'c')"),
    ("lantian_writer", "select from air_hour"),
    ("lantian_writer", "insert into target_report default values"),
    ("lantian_writer", "delete from device_state"),
    ("lantian_writer", "select drop_oldest_chunk('raw_frame', '2000-01-01')"),
    ("lantian_app", "select drop_oldest_chunk('raw_frame', now() - interval '29 days')"),
    ("lantian_app", "select drop_oldest_chunk('raw_frame', null)"),
    ("lantian_app", "select drop_oldest_chunk('air_reading', '2000-01-01')"),
    ("lantian_app", "select drop_chunks('raw_frame', timestamptz '2000-01-01')"),
    ("lantian_app", "update revision set new_values = '{}'"),
    ("lantian_app", "update revision set received_at = now()"),
    ("lantian_app", "insert into revision default values"),
    ("lantian_app", "insert into air_reading (device_id) values ('a')"),
    ("lantian_app", "update reject set payload = ''"),
    ("lantian_app", "update target_report set value = 0"),
    ("lantian_app", "delete from target_report"),
    ("lantian_app", "delete from device"),
    ("lantian_app", "delete from production_line"),
    ("lantian_app", "delete from outlet"),
    ("lantian_app", "update integrity_finding set kind = ''"),
    ("lantian_app", "delete from integrity_event"),
    ("lantian_writer", "select from stack_hour"),
    ("lantian_writer", "insert into integrity_event default values"),
    *(("lantian_app", f"delete from {table}") for table in ("review", "review_step", "quality_result", "calibration")),
    ("lantian_app", "update quality_result set flag = ''"),
    ("lantian_app", "update calibration set reason = ''"),
    *(("lantian_reader", f"select from {table}") for table in ("calibration", "calibrated_hour")),
    *(("lantian_reader", f"select from {table}") for table in ("quality_result", "device_hour", "dirty_quality")),
    *(("lantian_app", f"update {table} set why = 'x'") for table in ("review", "review_step")),
    *(("lantian_reader", f"select from {table}") for table in ("review", "review_step")),
    ("lantian_writer", "insert into review_step default values"),
    ("lantian_app", "insert into migration default values"),
    *(
        ("lantian_app", f"delete from {table}")
        for table in ("alert", "alert_event", "notice", "delivery", "escalation")
    ),
    *(("lantian_app", f"update {table} set at = now()") for table in ("alert_event", "acknowledgement", "escalation")),
    ("lantian_app", "update alert set state = 'closed'"),
    ("lantian_app", "update alert_rule set enabled = false"),
    *(("lantian_writer", f"select from {table}") for table in ("alert", "notice", "contact_channel")),
    *((role, "create table lantian.mine (id int)") for role in ("lantian_writer", "lantian_app", "lantian_reader")),
    *((role, "create table screen.mine (id int)") for role in ("lantian_writer", "lantian_app", "lantian_reader")),
    *((role, "create table public.mine (id int)") for role in ("lantian_writer", "lantian_app", "lantian_reader")),
    *((role, "select drop_chunks('air_reading', now())") for role in ("lantian_writer", "lantian_app")),
]
ALLOWED = [
    ("lantian_writer", "select from device"),
    ("lantian_writer", "select fold_batch_notes()"),
    ("lantian_app", "select fold_batch_notes()"),
    ("lantian_app", "select from dirty_hour for update skip locked"),
    ("lantian_app", "select from dirty_day for update skip locked"),
    ("lantian_app", "delete from dirty_period"),
    ("lantian_app", "update revision set status = 'refused', decided_by = 'a', decided_at = now(), reason = 'b'"),
    ("lantian_app", "update reject set replayed_at = now(), replay_outcome = 'stored'"),
    ("lantian_app", "create temp table mine (id int)"),
    *(("lantian_app", f"select from {table}") for table in TABLES),
]


def test_every_table_grants_what_its_line_says_and_no_more(database: Any) -> None:
    with connect(database.url("lantian_owner")) as conn:
        granted = {(table, role): letters for table, role, letters in conn.execute(_GRANTED).fetchall()}
    expected = {}
    for table, (writer, app) in PRIVILEGES.items():
        expected |= {(table, "lantian_writer"): writer, (table, "lantian_app"): app, (table, "lantian_reader"): ""}
    assert granted == expected


def test_no_role_of_the_processes_is_more_than_it_seems(database: Any) -> None:
    """No superuser, no maker of roles or databases, nobody past row security, no member of another role."""
    with connect(database.url("lantian_owner")) as conn:
        strong = conn.execute(
            "select rolname from pg_roles where rolname in ('lantian_writer', 'lantian_app', 'lantian_reader')"
            " and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls or not rolcanlogin)"
        ).fetchall()
        members = conn.execute(
            "select member::regrole::text, roleid::regrole::text from pg_auth_members"
            " where member::regrole::text like 'lantian%'"
        ).fetchall()
        owned = conn.execute(
            "select count(*) from pg_class where relnamespace = any (array['lantian', 'screen']::regnamespace[])"
            " and pg_get_userbyid(relowner) <> 'lantian_owner'"
        ).fetchone()
    assert (strong, members, owned) == ([], [], (0,))


def _run(database: Any, role: str, statement: str) -> None:
    with connect(database.url(role)) as conn:
        conn.execute("set search_path to lantian, screen, public")
        conn.execute(statement)


def test_what_roles_must_not_do_is_refused(database: Any) -> None:
    done = []
    for role, statement in DENIED:
        with connect(database.url(role)) as conn:
            try:
                conn.execute(
                    re.sub(r"^(select from|delete from|insert into|update|truncate) ", r"\1 lantian.", statement)
                )
                done.append((role, statement))
            except psycopg.errors.InsufficientPrivilege:
                pass
            conn.rollback()
    assert done == []


@pytest.mark.parametrize("role", ["lantian_writer", "lantian_app"])
def test_what_roles_need_is_allowed(database: Any, role: str) -> None:
    for user, statement in ALLOWED:
        if user == role:
            _run(database, role, statement)


def test_reader_sees_the_views_of_schema_screen(database: Any) -> None:
    with connect(database.url("lantian_reader")) as conn:
        views = conn.execute("select viewname from pg_views where schemaname = 'screen'").fetchall()
        for (view,) in views:
            conn.execute(f'select count(*) from screen."{view}"')
