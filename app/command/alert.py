"""`lantian alert`: see and handle alerts, change their rules, watch stacks."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import logging
import signal
import sys
import threading
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from alerting.watch import StackWatch
from app.output import table_console
from app.registration import age_text
from app.registry_command import registry
from app.service.post import opener
from app.settings import load_settings
from domain.alert import RULE_COLUMNS, AlertRule, changed_rule
from domain.error import ConfigurationError
from domain.period import ZONE
from store import alert as store_alert
from store.alert import Mute, read_alert, read_alerts, read_events, read_mutes
from store.alert_rule import read_rule, read_rule_history, read_rules, write_rule

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
_EVERY_STATE = ("open", "acknowledged", "cleared", "closed")


@click.group("alert")
def command() -> None:
    """Alerts and their rules (docs/alerting.md)."""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Ended and closed ones too.")
@click.option("--kind", help="Only of this kind.")
@click.option("--enterprise", help="Only of this enterprise.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="At most so many.")
def show_list(everything: bool, kind: str | None, *, enterprise: str | None, limit: int) -> None:
    """List active alerts, gravest and newest first."""
    states = _EVERY_STATE if everything else ("open", "acknowledged")
    with registry("read alerts") as conn:
        found = read_alerts(conn, states=states, kind=kind, enterprise_id=enterprise, limit=limit)
    table = Table(title="告警")
    for heading in ("编号", "等级", "类别", "主题", "内容", "状态", "距今", "处理人", "静默至"):
        table.add_column(heading, overflow="fold")
    for one in found:
        muted = "" if one["muted_until"] is None else f"{one['muted_until'].astimezone(ZONE):%m-%d %H:%M}"
        cells = (
            str(one["alert_id"]), one["severity_zh"], one["kind_zh"], one["subject_zh"], one["body_zh"],
            one["state_zh"], age_text(one["raised_at"], _now()), one["assigned_to"] or one["acknowledged_by"] or "",
            muted,
        )  # fmt: skip
        table.add_row(*map(escape, cells))
    table_console().print(table)


@command.command("show")
@click.argument("alert", type=int)
def show(alert: int) -> None:
    """Show ALERT with everything that happened to it."""
    with registry("read the alert") as conn:
        one, events = read_alert(conn, alert), read_events(conn, alert)
    click.echo(f"{one['severity_zh']} {one['subject_zh']}（{one['state_zh']}）\n{one['body_zh']}")
    for each in events:
        at = f"{each['at'].astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
        detail = json.dumps(each["detail"], ensure_ascii=False) if each["detail"] else ""
        click.echo(f"{at}  {each['action_zh']}  {each['by']}  {each['comment'] or ''}  {detail}".rstrip())


def _act(alert: int, action: str, **values: Any) -> None:
    with registry(f"{action} the alert") as conn:
        getattr(store_alert, f"{action}_alert")(conn, alert, by=getpass.getuser(), now=_now(), **values)
        conn.commit()
        state = read_alert(conn, alert)["state_zh"]
    click.echo(f"alert {alert}: {state}")


@command.command("ack")
@click.argument("alert", type=int)
@click.option("--comment", help="In words.")
def acknowledge(alert: int, comment: str | None) -> None:
    """Say that ALERT has been seen and is being dealt with: nobody further is told."""
    _act(alert, "acknowledge", comment=comment)


@command.command("assign")
@click.argument("alert", type=int)
@click.argument("person")
def assign(alert: int, person: str) -> None:
    """Give ALERT to PERSON."""
    _act(alert, "assign", to=person)


@command.command("comment")
@click.argument("alert", type=int)
@click.argument("text")
def comment(alert: int, text: str) -> None:
    """Add TEXT to ALERT."""
    _act(alert, "comment", comment=text)


@command.command("close")
@click.argument("alert", type=int)
@click.option("--comment", help="In words.")
def close(alert: int, comment: str | None) -> None:
    """Be done with ALERT; the same cause raises another one."""
    _act(alert, "close", comment=comment)


@command.command("mute")
@click.argument("kind")
@click.option("--source", nargs=2, metavar="KIND ID", help="Only of this source, such as: site mill-1.")
@click.option("--until", required=True, type=_MOMENT, help="Local time of its end.")
@click.option("--why", required=True, help="Reason.")
def mute(kind: str, source: tuple[str, str] | None, *, until: dt.datetime, why: str) -> None:
    """Tell nobody of alerts of KIND until a moment; they are raised and shown all the same."""
    with registry("mute alerts") as conn:
        if read_rule(conn, kind) is None:
            raise ConfigurationError(f"kind {kind!r}: expected one of {', '.join(read_rules(conn))}")
        what = Mute(kind, source or None, until.replace(tzinfo=ZONE), why)
        number = store_alert.mute(conn, what, by=getpass.getuser(), now=_now())
        conn.commit()
    click.echo(f"mute {number}: {kind} until {until:%Y-%m-%d %H:%M}; end it before: lantian alert unmute {number}")


@command.command("mutes")
def mutes() -> None:
    """List mutes that hold."""
    with registry("read mutes") as conn:
        found = read_mutes(conn, now=_now())
    table = Table("number", "kind", "source", "until", "by", "reason", title="告警静默")
    for one in found:
        source = "" if one["source_kind"] is None else f"{one['source_kind']} {one['source_id']}"
        until = f"{one['until'].astimezone(ZONE):%Y-%m-%d %H:%M}"
        table.add_row(str(one["id"]), one["kind"], source, until, one["muted_by"], escape(one["reason"]))
    table_console().print(table)


@command.command("unmute")
@click.argument("number", type=int)
def unmute(number: int) -> None:
    """End mute NUMBER now; alerts that are still active are told within a minute."""
    with registry("end the mute") as conn:
        store_alert.end_mute(conn, number, by=getpass.getuser(), now=_now())
        conn.commit()
    click.echo(f"mute {number} has ended")


@command.command("rules")
@click.argument("kind", required=False)
def rules(kind: str | None) -> None:
    """List the rules, or every version of the rule of KIND."""
    with registry("read alert rules") as conn:
        found = list(read_rules(conn).values()) if kind is None else []
        history = [] if kind is None else read_rule_history(conn, kind)
    if kind is not None:
        for version in history:
            at = f"{version['changed_at'].astimezone(ZONE):%Y-%m-%d %H:%M}"
            said = {name: version[name] for name in RULE_COLUMNS if name != "kind"}
            click.echo(f"{version['version']}  {at}  {version['changed_by']}  {version['why']}")
            click.echo(f"   {json.dumps(said, ensure_ascii=False)}")
        return
    table = Table(title="告警规则")
    for heading in ("类别", "名称", "启用", "条件", "解除", "持续", "等级", "通知", "回执(分)"):
        table.add_column(heading, overflow="fold")
    for rule in found:
        table.add_row(*_rule_cells(rule))
    table_console().print(table)


def _rule_cells(rule: AlertRule) -> tuple[str, ...]:
    when = "" if rule.measure is None else f"{rule.measure} {rule.comparator} {rule.threshold:g} {rule.unit}"
    ends = "" if rule.clear_threshold is None else f"{rule.clear_threshold:g}"
    hold = f"{rule.hold_s}/{rule.clear_hold_s} s" if rule.measure else ""
    told = " ".join(rule.tells) + (" +clear" if rule.tells_clear else "")
    answer = "" if rule.respond_min is None else str(rule.respond_min)
    return (
        rule.kind,
        rule.title_zh,
        "是" if rule.enabled else "否",
        when,
        ends,
        hold,
        str(rule.severity),
        told,
        answer,
    )


@command.command("rule")
@click.argument("kind")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option("--why", required=True, help="Reason, kept with the version.")
def change_rule(kind: str, changes: tuple[str, ...], why: str) -> None:
    """Change the rule of KIND, for instance: threshold=3 hold_s=600 severity=2 enabled=false tells="operator"."""
    given = dict(change.split("=", 1) for change in changes if "=" in change)
    allowed = [name for name in RULE_COLUMNS if name not in ("kind", "measure", "comparator")]
    if len(given) != len(changes) or not set(given) <= set(allowed):
        raise ConfigurationError(f"found {' '.join(changes)}; expected NAME=VALUE with {', '.join(allowed)}")
    with registry("change the rule") as conn:
        rule = read_rule(conn, kind)
        if rule is None:
            raise ConfigurationError(f"kind {kind!r}: expected one of {', '.join(read_rules(conn))}")
        version = write_rule(conn, changed_rule(rule, given), by=getpass.getuser(), why=why)
        conn.commit()
    click.echo(f"rule {kind}: version {version} holds from now on")


@command.command("watch")
def watch() -> None:
    """Judge readings of stacks as they are written, until SIGTERM or Ctrl-C (run by `lantian up`)."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    StackWatch(opener(load_settings(), "lantian watch"), _now).run(stop)
