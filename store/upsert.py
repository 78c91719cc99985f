"""Many rows into a table at once: COPY to a temporary table, then insert or replace by key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from store.connection import Connection


def upsert(
    conn: Connection,
    table: str,
    columns: Sequence[str],
    *,
    keys: int,
    records: Iterable[Sequence[object]],
) -> int:
    """Insert or replace rows of a statistics table; its `settled_at` becomes the time of the transaction.

    Parameters
    ----------
    conn : Connection
        Inside a transaction.
    table : str
        A table with the column `settled_at`.
    columns : sequence of str
        Columns of the records; the first `keys` of them are the primary key.
    keys : int
        Number of key columns.
    records : iterable of sequence
        One sequence of values per row, each key once.

    Returns
    -------
    int
        Rows written.
    """
    staging, target = sql.Identifier(f"staged_{table}"), sql.Identifier(table)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    conn.execute(
        sql.SQL(
            "create temp table if not exists {staging} on commit delete rows as select {names} from {target} limit 0"
        ).format(staging=staging, names=names, target=target)
    )
    conn.execute(sql.SQL("truncate {}").format(staging))
    with conn.cursor().copy(sql.SQL("copy {} ({}) from stdin").format(staging, names)) as copy:
        for record in records:
            copy.write_row(record)
    key = sql.SQL(", ").join(map(sql.Identifier, columns[:keys]))
    replaced = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns[keys:])
    cursor = conn.execute(
        sql.SQL(
            "insert into {target} ({names}, settled_at) select {names}, now() from {staging}"
            " on conflict ({key}) do update set {replaced}, settled_at = excluded.settled_at"
        ).format(target=target, names=names, staging=staging, key=key, replaced=replaced)
    )
    return cursor.rowcount
