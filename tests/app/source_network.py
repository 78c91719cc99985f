"""A works in the real database: stack, meters, lines, outlet, and the collector's side of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from app.job.settle import Settled, settle
from domain.family import FAMILIES
from store.connection import Connection

AREA, STACK_SITE, PLANT_SITE = "county", "chimney", "mill"
NOW = dt.datetime(2026, 11, 24, 16, tzinfo=dt.UTC)


class Works:
    """One enterprise: `cems` at the stack, `meter` and `treatment-meter` at the plant site."""

    def __init__(self, owner: Connection, app: Connection) -> None:
        self.owner, self.app = owner, app
        owner.execute("insert into area (id, name_zh) values (%s, '县')", (AREA,))
        owner.execute(
            "insert into enterprise (id, area_id, name_zh, industry) values ('steel', %s, '钢铁厂', '钢铁')", (AREA,)
        )
        for site, kind in ((STACK_SITE, "stack"), (PLANT_SITE, "plant")):
            owner.execute(
                "insert into site (id, area_id, enterprise_id, kind, name_zh) values (%s, %s, 'steel', %s, %s)",
                (site, AREA, kind, f"{site}点位"),
            )
        self.device("cems", STACK_SITE, "stack")
        self.device("meter", PLANT_SITE, "plant")
        self.device("treatment-meter", PLANT_SITE, "plant")

    def device(self, name: str, site: str, family: str, *, rank: int = 1, interval_s: int = 60) -> None:
        self.owner.execute(
            "insert into device (id, site_id, protocol, family, span_s, interval_s, rank, registered_at)"
            " values (%s, %s, 'json', %s, 60, %s, %s, '2016-01-01')",
            (name, site, family, interval_s, rank),
        )

    def store(
        self,
        device: str,
        times: Sequence[dt.datetime],
        values: Mapping[str, Sequence[float | None] | float],
        mark: str | Sequence[str] = "N",
        span_s: int = 60,
    ) -> None:
        """Store readings as the collector does: rows and dirty hours."""
        row = self.owner.execute("select family from device where id = %s", (device,)).fetchone()
        assert row is not None
        family = FAMILIES[row[0]]
        names = ("device_id", "time", "span_s", *values, "flag", "mark", "received_at")
        columns = [[column] * len(times) if isinstance(column, int | float) else column for column in values.values()]
        letters = [mark] * len(times) if isinstance(mark, str) else mark
        with self.owner.cursor().copy(f"copy {family.table} ({', '.join(names)}) from stdin") as copy:
            for at, time in enumerate(times):
                given = {name: column[at] for name, column in zip(values, columns, strict=True)}
                bad = "4" if letters[at] not in "N-S" else "1"
                flag = "".join("9" if given.get(key) is None else bad for key in family.keys)
                copy.write_row((device, time, span_s, *given.values(), flag, letters[at] * family.width, time))
        self.owner.execute(
            "insert into dirty_hour (family, site_id, hour) select distinct d.family, d.site_id,"
            " date_trunc('hour', t.time, 'UTC') from unnest(%s::timestamptz[]) as t (time), device d where d.id = %s",
            (list(times), device),
        )

    def outlet(self, **columns: Any) -> None:
        """Register the outlet of the stack."""
        given = {"site_id": STACK_SITE, "valid_from": "2016-01-01", "kind": "sinter_head", **columns}
        self.owner.execute(
            f"insert into outlet ({', '.join(given)}) values ({', '.join(['%s'] * len(given))})", tuple(given.values())
        )

    def settle(self) -> Settled:
        return settle(self.app, clock=lambda: NOW)

    def one(self, statement: str, *parameters: object) -> tuple[Any, ...]:
        row = self.app.execute(statement, parameters).fetchone()
        assert row is not None, "no such row"
        return row


def minutes(start: dt.datetime, count: int, step: int = 1) -> list[dt.datetime]:
    """`count` moments `step` minutes apart."""
    return [start + dt.timedelta(minutes=at * step) for at in range(count)]
