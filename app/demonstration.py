"""The demonstration county's story: a past warning from its first proposal to the inspection, and one that waits.

Readings of the past come from the simulated devices (scenarios ``stations`` and ``works``), whose works did what
scenario ``works`` says; everything here goes the way that people and jobs go, with the moments of that past.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from alerting.response import Decision, change_level, confirm
from app.job.alert import escalate
from app.job.calibration import MICRO, correct_hours, fit_device
from app.job.verification import verify_orders
from app.job.warning import evaluate_warnings
from app.reduction_example import enter_example
from domain.county import County
from domain.dust import EVERY_SITE, DustInterval
from domain.warning_state import NONE
from store.acknowledgement import Answer, record_answer
from store.alert import acknowledge_alert, close_alert, read_alerts
from store.calibration import read_last_fits
from store.connection import Connection
from store.contact import Contact, write_contacts
from store.device_hour import read_air_devices
from store.dust import add_dust
from store.order import Inspection, add_inspection, read_order_measures, read_orders
from store.reduction import read_reduction_list
from store.register import Author
from store.registration import read_entries
from store.review import Proposal, confirm_review, propose_review
from store.warning import NewExternalOrder, add_external_order, read_open_warning, read_warnings

HOUR: Final = dt.timedelta(hours=1)
MINUTE: Final = dt.timedelta(minutes=1)
DUTY: Final = "值班员（演示）"
#: Hours before the beginning: orders from above come, and the least levels that they impose hold.
YELLOW: Final = (134, 122)
ORANGE: Final = (100, 98)
LIFT: Final = 56
#: Hours before the beginning from which micro stations are calibrated, by the days before that.
CALIBRATED: Final = 75
MEMORY: Final = dt.timedelta(days=14)
#: Between two verifications.
STEP: Final = 6
#: Enterprise -> minutes after which it answers orders of yellow and of orange; None: never. An hour is late for orange.
ANSWERS: Final[Mapping[str, tuple[int, int | None]]] = MappingProxyType(
    {
        "fuyu-coking": (35, 200),
        "taoyuan-cement": (90, None),
        "taoyuan-dongyi-cement": (50, 48),
        "zhongyang-steel": (12, 15),
        "zhongyu-power": (20, 25),
    }
)
#: Whose instruments were ill (scenario ``stations``): device, hours before the beginning, what the first person said.
REVIEWED: Final = (
    ("micro-jinluo-1", (44, 37), "连续7小时恒值，现场确认采样泵停转（演示）"),
    ("micro-ningxiang-1", (30, 25), "明显高于相邻微站，疑为局部干扰，待核实（演示）"),
)


def is_told(conn: Connection, area_id: str) -> bool:
    """Whether the area has had a warning: then nothing is added to what people and jobs wrote."""
    return bool(read_warnings(conn, area_id, limit=1))


def tell(
    conn: Connection, county: County, begin: dt.datetime, *, now: dt.datetime, reached: Sequence[str] = ()
) -> dict[str, int]:
    """Write the story of the time before `begin` and what waits at `now`; all but its contacts in one transaction.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, in autocommit; nobody else may evaluate warnings meanwhile.
    county : County
        The demonstration county.
    begin : datetime
        Full hour in which its devices were first played.
    now : datetime
        Present moment.
    reached : sequence of str
        Enterprises that have a mailbox at the broker; the others have no contact.

    Returns
    -------
    dict of str to int
        Orders given, hours judged, alerts raised.
    """
    prepare(conn, county, reached, now=begin - YELLOW[0] * HOUR)
    with conn.transaction():
        counts = past_warning(conn, county.id, begin)
        mark_data(conn, county.id, begin, now=now)
        waiting_proposal(conn, county.id, now)
    return counts


def calibrate_past(conn: Connection, begin: dt.datetime) -> int:
    """Calibrate micro stations by the first days of their memory and correct the days since; how many hours.

    The job `calibrate` calibrates what comes from now on. What has been calibrated already is left alone.
    """
    end = begin - CALIBRATED * HOUR
    known = read_last_fits(conn)
    for device in read_air_devices(conn):
        if device.kind == MICRO and device.id not in known:
            fit_device(conn, device, (end - MEMORY, end), now=end, who=DUTY)
    return correct_hours(conn, end)


def prepare(conn: Connection, county: County, reached: Sequence[str], *, now: dt.datetime) -> None:
    """Contacts of the enterprises, and the example list where there is none; committed."""
    enterprises = read_entries(conn, "enterprise")
    contacts = [
        Contact(f"demo-{key}", None, key, f"{enterprises[key]['name_zh']}环保科（演示）", channels=(("mqtt", key),))
        for key in reached
    ]
    with conn.transaction():
        write_contacts(conn, contacts)
    if not read_reduction_list(conn, county.id).lines:
        enter_example(conn, county, Author(DUTY, "示例清单（演示）"), now=now)


def past_warning(conn: Connection, area_id: str, begin: dt.datetime) -> dict[str, int]:
    """Yellow, orange and the lift, with answers in time, late and missing, and every hour judged."""
    lift = begin - LIFT * HOUR
    counts = {"orders": 0, "hours": 0, "alerts": 0}
    for level, (told, holds), end in (("yellow", YELLOW, ORANGE[1]), ("orange", ORANGE, LIFT)):
        impose(conn, area_id, level, (begin - told * HOUR, begin - holds * HOUR, lift))
        moment = begin - holds * HOUR
        while moment < begin - end * HOUR:
            moment = min(moment + STEP * HOUR, begin - end * HOUR)
            counts["alerts"] += judge(conn, moment)["alerts"]
    change_level(conn, area_id, NONE, Decision(DUTY, "冷空气过境，空气质量改善，解除预警（演示）", lift))
    found = judge(conn, lift + STEP * HOUR)
    inspect(conn, lift + 20 * HOUR)
    return {"orders": len(read_orders(conn)), "hours": found["hours"], "alerts": counts["alerts"] + found["alerts"]}


def impose(conn: Connection, area_id: str, level: str, moments: tuple[dt.datetime, dt.datetime, dt.datetime]) -> None:
    """An order from above comes, holds from then until then; the duty officer carries it out, enterprises answer."""
    told, low, high = moments
    document = f"吕气预警函〔演示〕{'1' if level == 'yellow' else '2'}号"
    order = NewExternalOrder(area_id, "city", "吕梁市生态环境局（演示）", document, level, low, high, DUTY)
    add_external_order(conn, order, now=told)
    evaluate_warnings(conn, told)
    standing = read_open_warning(conn, area_id)
    if standing is None or standing.proposed_level is None:
        return
    confirmed = told + HOUR / 2
    confirm(conn, area_id, Decision(DUTY, "经会商研判，同意发布（演示）", confirmed))
    for given in read_orders(conn, open_only=True):
        wait = ANSWERS.get(given.enterprise_id, (None, None))[level == "orange"]
        if wait is None or given.notice_id is None:
            continue
        measures = tuple(each.measure_id for each in read_order_measures(conn, [given.id]))
        answer = Answer(f"{given.enterprise_zh}值班长（演示）", "link", f"demo-{given.id}", measures, given.starts_at)
        record_answer(conn, given.notice_id, answer, now=confirmed + wait * MINUTE, enterprise_id=given.enterprise_id)


def judge(conn: Connection, moment: dt.datetime) -> Mapping[str, int]:
    """Judge the orders as of a moment; what nobody answered is told further; suspicions are taken note of."""
    found = verify_orders(conn, moment)
    escalate(conn, moment)
    for alert in read_alerts(conn, states=("open",), kind="order_violation"):
        acknowledge_alert(conn, alert["alert_id"], by=DUTY, now=moment, comment="已通知执法队核查（演示）")
    return found


def inspect(conn: Connection, moment: dt.datetime) -> None:
    """A visit to each enterprise of which an hour was suspected closes its alert."""
    for alert in read_alerts(conn, states=("acknowledged",), kind="order_violation"):
        words = "现场核查：生产记录与用电数据一致，未按要求压减生产负荷（演示）"
        add_inspection(conn, Inspection(int(alert["source_id"]), None, moment, "执法人员（演示）", "violation", words))
        close_alert(conn, alert["alert_id"], by=DUTY, now=moment + HOUR, comment="已立案（演示）")


def mark_data(conn: Connection, area_id: str, begin: dt.datetime, *, now: dt.datetime) -> None:
    """A confirmed dust process, and what two persons think of values."""
    dust = DustInterval(EVERY_SITE, begin - 34 * HOUR, begin - 29 * HOUR, "沙尘过程通报（演示）", None)
    add_dust(conn, area_id, [dust], Author("监测科（演示）", "按上级通报标记"), now=now)
    ids = [
        propose_review(
            conn,
            Proposal(device, ("pm25",), begin - low * HOUR, begin - high * HOUR, "invalid", "审核员甲（演示）", why),
        )
        for device, (low, high), why in REVIEWED
    ]
    confirm_review(conn, ids[0], who="审核员乙（演示）", why="同意初审意见")


def waiting_proposal(conn: Connection, area_id: str, now: dt.datetime) -> None:
    """An order from above that nobody has carried out yet: the platform's proposal waits for a person."""
    low = (now + 12 * HOUR).replace(minute=0, second=0, microsecond=0)
    order = NewExternalOrder(
        area_id, "city", "吕梁市生态环境局（演示）", "吕气预警函〔演示〕3号", "yellow", low, low + 48 * HOUR, DUTY
    )
    add_external_order(conn, order, now=now)
    evaluate_warnings(conn, now)
