"""A rehearsed episode on virtual time: simulated enterprises get orders, do what their scenario says, and are judged.

Everything is real but the clock: devices send over the broker, a collector stores, the settler computes, the warning
goes through its steps. The clock is the drill's own, so that weeks of usual production pass in seconds.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from alerting.response import Decision, change_level, confirm
from app.command.collect import Listening, prepared
from app.job.settle import settle
from app.job.verification import verify_orders
from app.job.warning import evaluate_warnings
from app.reduction_example import enter_example
from app.scenario import register
from app.scenario_link import wire
from app.service.address import database_url
from app.service.progress import Reporter
from app.settings import Settings
from domain.county import County
from domain.error import ConfigurationError, ServiceError
from domain.warning_state import NONE
from firmware_sim.device import World
from firmware_sim.fault import POWER_CUT
from firmware_sim.outbox import Outbox
from firmware_sim.scenario_file import Rehearsal, Scenario
from firmware_sim.troupe import Troupe
from firmware_sim.weather import Sky
from store.acknowledgement import Answer, record_answer
from store.connection import Connection, connect
from store.contact import Contact, write_contacts
from store.line import Line, add_line
from store.order import read_order_measures, read_orders
from store.reduction import ListedLine, read_reduction_list
from store.register import Author
from store.registration import read_entries, write_entries
from store.warning import NewExternalOrder, add_external_order, read_open_warning

#: Process of a listed line -> kind of outlet of the simulated works that plays it.
OUTLET_OF: Final[Mapping[str, str]] = MappingProxyType(
    {"sinter": "sinter", "coke_oven": "coke-oven", "cement_kiln": "cement-kiln", "coal_boiler": "coal-boiler"}
)
#: The enterprise that reduces on its own plan in the drill.
OWN_PLAN: Final = "zhongyu-power"
HOUR: Final = dt.timedelta(hours=1)
#: Order from above comes so long before the start of the orders.
LEAD: Final = dt.timedelta(hours=6)
#: Between two verifications.
STEP: Final = dt.timedelta(hours=6)
#: Loggers that were cut off send what they kept within this time after the lift.
CATCH_UP: Final = dt.timedelta(hours=6)
#: Longest wait for the collector to answer what was sent.
ANSWERED_S: Final = 120.0
COLLECTOR: Final = 9000
DIRECTOR: Final = "演练指挥"


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill left behind: the warning, and what its steps counted."""

    warning_id: int
    orders: int
    hours: int
    suspected: int
    alerts: int


def shipped_rehearsal(scenario: Scenario) -> Rehearsal:
    """What the scenario rehearses; `ConfigurationError` when it has no table [drill]."""
    if scenario.rehearsal is None:
        raise ConfigurationError(f"scenario {scenario.name}: found no table [drill], expected level, order and lift")
    return scenario.rehearsal


@contextmanager
def collecting(settings: Settings, county: str) -> Iterator[None]:
    """A collector for one county as long as the block lasts."""
    stopping = threading.Event()
    subject = prepared(settings, COLLECTOR, Listening(county))
    failures: list[BaseException] = []

    def run() -> None:
        try:
            subject.run(stopping, idle_s=None)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name="drill-collector", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)
    if failures:
        raise ServiceError(f"the drill's collector failed: {failures[0]}") from failures[0]


class Stage:
    """The simulated devices on the drill's clock."""

    def __init__(self, settings: Settings, scenario: Scenario) -> None:
        self.scenario = scenario
        self.outbox = Outbox(None, int(time.time() * 1000))
        self.wiring = wire(scenario, settings, float(scenario.start_s))
        world = World(Sky(scenario.seed or 1, ()), scenario.bypasses, scenario.curtailments)
        self.troupe = Troupe(
            world,
            scenario.devices,
            self.outbox,
            links=self.wiring.links,
            inbox=self.wiring.inbox,
            from_s=scenario.start_s,
        )

    def close(self, now_s: float) -> None:
        """Say goodbye."""
        self.troupe.stop(now_s)
        self.wiring.close()

    def advance(self, moment: dt.datetime) -> None:
        """Let the devices live until `moment`, and wait until all of them that are on the air have their answers."""
        now_s, end = moment.timestamp(), time.monotonic() + ANSWERED_S
        reachable = [one.id for one in self.scenario.devices if one.fault(POWER_CUT, now_s) is None]
        self.troupe.step(now_s)
        while not self.troupe.ready or any(self.outbox.kept(name) for name in reachable):
            self.troupe.step(now_s)
            if time.monotonic() > end:
                raise ServiceError(
                    f"found {len(self.outbox)} messages unanswered for {ANSWERED_S:.0f} s, expected none"
                )


def prepare_county(conn: Connection, county: County, scenario: Scenario, *, now: dt.datetime) -> None:
    """Enter what the response needs: the example list, lines with their meters, contacts; committed."""
    enter_example(conn, county, Author(DIRECTOR, "演练"), now=now)
    enterprises = read_entries(conn, "enterprise")
    write_entries(conn, "enterprise", [{**enterprises[OWN_PLAN], "grade": "A"}])
    for line in read_reduction_list(conn, county.id).lines.values():
        for made in registered_lines(line, scenario):
            add_line(conn, made)
    contacts = [Contact(f"drill-{each}", None, each, "演练联系人", channels=(("mqtt", each),)) for each in enterprises]
    operator = Contact("drill-operator", None, None, DIRECTOR, channels=(("mail", "drill@localhost"),))
    write_contacts(conn, [*contacts, operator])
    conn.commit()


def registered_lines(line: ListedLine, scenario: Scenario) -> list[Line]:
    """The production line that the scenario's works plays, with its treatment; nothing when no device stands there."""
    here = [one for one in scenario.own if (one.enterprise, one.outlet) == played_by(line)]
    meters = {one.id: 1.0 for one in here if one.kind in ("meter", "process")}
    treating = {one.id: 1.0 for one in here if one.kind == "treatment-meter"}
    stack = next((one.site for one in here if one.kind == "cems"), None)
    if not meters:
        return []
    lines = [Line(line.id, line.enterprise_id, line.name_zh, "production", outlet_site=stack, meters=meters)]
    if treating:
        name = f"{line.name_zh}治理设施"
        lines.append(Line(f"{line.id}-treatment", line.enterprise_id, name, "treatment", line.id, meters=treating))
    return lines


def played_by(line: ListedLine) -> tuple[str, str]:
    """Enterprise and kind of outlet of the works that plays a listed line."""
    return line.enterprise_id, OUTLET_OF.get(line.process, "")


def rehearse(
    settings: Settings,
    county: County,
    scenario: Scenario,
    *,
    pace: Callable[[dt.datetime], None],
    reporter: Reporter,
) -> Drilled:
    """Play a scenario from its first reading to the lift of its warning.

    Parameters
    ----------
    settings : Settings
        A database of the drill's own (migrated, with the county) and a broker.
    county : County
        In which it plays.
    scenario : Scenario
        With a table [drill].
    pace : callable
        Called with every virtual hour of the episode; waits as long as the rehearsal should take.
    reporter : Reporter
        Told the steps.

    Returns
    -------
    Drilled
        The warning is lifted and every order judged.
    """
    plan = shipped_rehearsal(scenario)
    start, _ = _span(plan)
    register(scenario, county, database_url(settings))
    with connect(database_url(settings), autocommit=False) as conn:
        prepare_county(conn, county, scenario, now=start - LEAD)
    with connect(database_url(settings), autocommit=True) as conn, collecting(settings, county.id):
        stage = Stage(settings, scenario)
        stage.troupe.start()
        try:
            reporter.step(f"Five weeks of usual production, {len(scenario.devices)} devices")
            stage.advance(start - LEAD)
            _settle(conn, start)
            reporter.step("Order from above, proposal, confirmation, orders, acknowledgements")
            warning_id = _issue(conn, county, plan)
            counts = _episode(conn, stage, plan, pace=pace, reporter=reporter)
        finally:
            stage.close(plan.lift_s)
    return Drilled(warning_id, counts["orders"], counts["hours"], counts["suspected"], counts["alerts"])


def _settle(conn: Connection, now: dt.datetime) -> None:
    settle(conn, clock=lambda: now)


def _span(plan: Rehearsal) -> tuple[dt.datetime, dt.datetime]:
    """Start of the orders, and the lift."""
    return dt.datetime.fromtimestamp(plan.order_s, dt.UTC), dt.datetime.fromtimestamp(plan.lift_s, dt.UTC)


def _issue(conn: Connection, county: County, plan: Rehearsal) -> int:
    """From the order from above to the answers of the enterprises; id of the warning."""
    start, lift = _span(plan)
    now = start - LEAD
    order = NewExternalOrder(
        county.id, "province", "省生态环境厅（演练）", "演练〔1〕号", plan.level, start, lift, DIRECTOR
    )
    add_external_order(conn, order, now=now)
    evaluate_warnings(conn, now)
    confirm(conn, county.id, Decision(DIRECTOR, "演练：按上级要求启动", now + HOUR / 2))
    for given in read_orders(conn, open_only=True):
        measures = tuple(each.measure_id for each in read_order_measures(conn, [given.id]))
        answer = Answer(f"{given.enterprise_zh}值班员", "command", f"drill-{given.id}", measures, given.starts_at)
        if given.notice_id is not None:
            record_answer(conn, given.notice_id, answer, now=now + HOUR, enterprise_id=given.enterprise_id)
    standing = read_open_warning(conn, county.id)
    if standing is None:
        raise ServiceError("the drill's warning was not issued")
    return standing.id


def _episode(
    conn: Connection, stage: Stage, plan: Rehearsal, *, pace: Callable[[dt.datetime], None], reporter: Reporter
) -> dict[str, int]:
    """The hours of the orders, the lift, and what comes late."""
    start, lift = _span(plan)
    counts = {"orders": 0, "hours": 0, "suspected": 0, "alerts": 0}
    reporter.step("The episode, hour by hour")
    moment = start
    while moment < lift:
        moment = min(moment + STEP, lift)
        stage.advance(moment)
        pace(moment)
        _settle(conn, moment)
        found = verify_orders(conn, moment)
        counts |= {**found, "alerts": counts["alerts"] + found["alerts"]}
        reporter.part((moment - start) / (lift - start))
    area = stage.scenario.county
    change_level(conn, area, NONE, Decision(DIRECTOR, "演练：过程结束", lift))
    stage.advance(lift + CATCH_UP)
    _settle(conn, lift + CATCH_UP)
    found = verify_orders(conn, lift + CATCH_UP)
    return counts | {**found, "alerts": counts["alerts"] + found["alerts"]}
