"""A small county for the dashboards: rows of seed.sql, and what only the store's own functions may write."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from app.demonstration_neighbour import add_neighbours, send_hours
from domain.county import load_county as county_data
from domain.period import midnight
from store.alert import raise_alert
from store.alert_record import AlertKey
from store.connection import Connection, connect
from store.contact import Contact, write_contacts
from store.forecast import ForecastSeries, NewForecast, write_forecast
from store.integrity import NewFinding, record_finding
from store.order import (
    Measure,
    NewOrder,
    Verification,
    read_order_measures,
    set_notice,
    write_order,
    write_verifications,
)
from store.outbox import Notice, announce
from store.reference import load_reference
from store.registry import load_county
from store.review import Proposal, propose_review
from store.warning import NewEvent, write_event

SEED = Path(__file__).parent / "seed.sql"
COUNTY = "zhongyang"
HOUR = dt.timedelta(hours=1)


def seed(owner_url: str, app_url: str, now: dt.datetime) -> None:
    """Fill a migrated database."""
    with connect(owner_url) as owner:
        load_reference(owner)
        load_county(owner, county_data(COUNTY))
        owner.execute(SEED.read_bytes())
    with connect(app_url) as conn:
        seed_contacts(conn)
        seed_forecast(conn, now)
        seed_warning(conn, now)
        for family, device in (("stack", "seed-sinter-stack"), ("vehicle", "seed-truck")):
            words = (
                "constant",
                "数据恒定",
                family,
                device,
                device,
                "",
                now - 5 * HOUR,
                now - 4 * HOUR,
                "依据",
                "恒为 12",
            )
            record_finding(conn, NewFinding(*words, {"value": 12.0}))
        seed_neighbours(conn, now)
        seed_review(conn, now)
        raise_alert(
            conn,
            AlertKey("device_offline", "device", "zhike-air"),
            severity=2,
            subject_zh="设备离线",
            body_zh="枝柯站 13 小时没有数据。",
            evidence={"silent_h": 13},
            now=now - HOUR,
        )


def seed_contacts(conn: Connection) -> None:
    """Somebody to tell at the bureau and at the enterprise."""
    write_contacts(
        conn,
        [
            Contact("duty", COUNTY, None, "值班员", channels=(("mail", "duty@example.org"),)),
            Contact("steel", None, "zhongyang-steel", "环保科", channels=(("mail", "steel@example.org"),)),
        ],
    )


def seed_neighbours(conn: Connection, now: dt.datetime) -> None:
    """Neighbours whose hours are made from those of the county, as the demonstration does it."""
    add_neighbours(conn)
    assert send_hours(conn, COUNTY, now, now) > 0


def seed_review(conn: Connection, now: dt.datetime) -> None:
    """A review that one person has proposed."""
    low = now - 6 * HOUR
    proposal = Proposal("seed-truck", ("speed",), low, now, "invalid", "审核员甲", "车速与定位不符")
    propose_review(conn, proposal)


def seed_forecast(conn: Connection, now: dt.datetime) -> None:
    """Three days of hours and days to come."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    today = midnight((now + 8 * HOUR).date())
    hours = [60.0 + at % 24 for at in range(72)]
    days = [120.0, 160.0, 210.0, 90.0]
    series = [
        ForecastSeries("hour", "pm25", hour, hours, [x - 20 for x in hours], [x + 25 for x in hours]),
        ForecastSeries("day", "aqi", today, days, [x - 30 for x in days], [x + 40 for x in days], ["pm25"] * 4),
    ]
    write_forecast(conn, NewForecast(COUNTY, "lantian", hour, "hj633-2026", "test", series))


def seed_warning(conn: Connection, now: dt.datetime) -> None:
    """An orange warning in force with an order, its notice, and verdicts on one line."""
    begins, ends = now - 30 * HOUR, now + 30 * HOUR

    def event(action: str, after: str, proposed: str | None = None) -> NewEvent:
        return NewEvent(COUNTY, action, after, begins, ends, "warning-2024", "值班员", "会商", {"aqi": 210}, proposed)

    write_event(conn, event("propose", "proposed", "orange"), now=now - 40 * HOUR)
    issued = write_event(conn, event("confirm", "orange"), now=now - 36 * HOUR)
    steel = ("zhongyang-steel", "山西中阳钢铁有限公司", "C", False, "orange")
    order = write_order(
        conn,
        NewOrder(COUNTY, issued.warning_id, issued.id, *steel, begins, ends),
        [Measure("m1", 1, "seed-sinter", "烧结线", None, "limit", 50, None, 50, "限产 50 %")],
        now=now - 36 * HOUR,
    )
    words = ("橙色预警减排命令", "请于规定时间内落实。")
    set_notice(
        conn,
        order,
        announce(
            conn,
            Notice("order", f"order:{order}", COUNTY, "zhongyang-steel", 3, *words, {}, now - 34 * HOUR),
            now=now - 36 * HOUR,
        ),
    )
    measure = read_order_measures(conn, [order])[0].id
    first = begins.replace(minute=0, second=0, microsecond=0)
    verdicts = ("fulfilled", "fulfilled", "suspected", "undetermined")
    write_verifications(
        conn,
        [
            Verification(
                *(measure, first + at * HOUR, verdicts[at % 4], "below_allowed"),
                *(6000.0, 12_000.0, 6600.0, 7200.0, 2000.0, None, None, None),
            )
            for at in range(24)
        ],
    )
