"""Set-based writes. Beside rules.sql the only module that holds a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.copy import QueuedLibpqWriter

from shops.models import Audited

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# The advisory lock that checks share while they read metrics, and that who writes them or takes them back has
# alone.
READING_METRICS = (7_306_006, 0)
# In bytes.
COPIED_AT_ONCE = 1 << 15


def columns_of(model: type[models.Model]) -> list[str]:
    """The table's column names, quoted."""
    return [connection.ops.quote_name(str(field.column)) for field in model._meta.concrete_fields]


def write_with_history(
    cursor: CursorWrapper,
    model: type[Audited],
    statement: str,
    params: Sequence[Any] = (),
    *,
    change: Literal["+", "~"],
    by: User | None,
    reason: str,
    at: datetime,
) -> int:
    """Run one INSERT (`+`) or UPDATE (`~`) on `model`'s table and write the history of every row it touches.

    Both happen in the same statement, so neither exists without the other. `statement` names the table
    without an alias and ends before its RETURNING. Returns how many rows were written.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    history = connection.ops.quote_name(model.history.model._meta.db_table)
    columns = ", ".join(columns_of(model))
    cursor.execute(
        f"WITH written AS ({statement} RETURNING {table}.*)"
        f" INSERT INTO {history}"
        f" ({columns}, history_date, history_type, history_user_id, history_change_reason)"
        f" SELECT {columns}, %s, %s, %s, %s FROM written",
        [*params, at, change, by.pk if by else None, reason],
    )
    return cursor.rowcount


def cursor() -> CursorWrapper:
    """For callers of write_with_history."""
    return connection.cursor()


def execute(statement: str, params: Sequence[Any] = ()) -> int:
    """Run one statement; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount


def fetch(statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query that has few."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def stream(statement: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    """The rows of a query that may have many, by a cursor of the server's. Needs a transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, params)
        while rows := cursor.fetchmany(2000):
            yield from rows


def copy_in(table: str, columns: Sequence[str], blocks: Iterable[bytes], form: str = "FORMAT text") -> None:
    """Fill a table by COPY with the options `form` from whole lines. What `blocks` raises ends it."""
    with connection.cursor() as cursor:
        raw = cursor.cursor
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH ({form})"
        # Written by a thread of its own: while the server works on a block, the next one is made. A thousand
        # may wait, so they are small.
        with raw.copy(statement, writer=QueuedLibpqWriter(raw)) as copy:
            waiting = bytearray()
            for block in blocks:
                waiting += block
                if len(waiting) >= COPIED_AT_ONCE:
                    for start in range(0, len(waiting), COPIED_AT_ONCE):
                        copy.write(bytes(waiting[start : start + COPIED_AT_ONCE]))
                    waiting.clear()
            copy.write(bytes(waiting))


def for_many_rows(rows: int, *, any_number: bool = False) -> None:
    """Have the statements that follow in this transaction join so many rows in a sensible way."""
    execute("SET LOCAL work_mem = '128MB'")
    # Of a day that has just come in the planner knows nothing, takes it for empty and would loop over it.
    execute(f"SET LOCAL enable_nestloop = {'off' if any_number or rows > 10_000 else 'on'}")


@contextmanager
def by_index() -> Iterator[None]:
    """Have the statements within look each row up by its index. Of what this transaction has written the
    planner knows nothing, takes the table for empty and would read all of it for each. Needs a transaction.
    """
    names = ("enable_seqscan", "enable_nestloop")
    [before] = fetch("SELECT current_setting(%s), current_setting(%s)", names)
    for name, value in zip(names, ("off", "on"), strict=True):
        execute(f"SET LOCAL {name} = {value}")
    yield
    # Where it has failed, all of it is rolled back.
    for name, value in zip(names, before, strict=True):
        execute(f"SET LOCAL {name} = {value}")


class Beside:
    """A second connection to the database, whose writes are seen at once, whatever becomes of the first's."""

    def __init__(self) -> None:
        self._connection = connection.copy()

    def fetch(self, statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement that returns few; it is committed when this returns."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchall()

    def close(self) -> None:
        self._connection.close()


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A transaction of which every statement sees what its first one saw; within another, what that sees."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


@contextmanager
def lease(kind: int, number: int) -> Iterator[bool]:
    """Whether this connection alone works on the record; false: another one does. Dies with the session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [kind, number])
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        # A connection that was lost has let go by itself, and must not hide why.
        if held and connection.is_usable():
            execute("SELECT pg_advisory_unlock(%s, %s)", [kind, number])


def take_turns(kind: int, number: int, *, shared: bool = False) -> None:
    """Wait until no other transaction is at this; others wait until this one ends.

    Those that share it do not wait for each other.
    """
    name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    execute(f"SELECT {name}(%s, %s)", [kind, number])


def first_unrecorded(model: type[Audited]) -> tuple[int, str] | None:
    """The first row of `model` that its newest history doesn't account for: its key, and what is wrong."""
    quote = connection.ops.quote_name
    table, history = quote(model._meta.db_table), quote(model.history.model._meta.db_table)
    key = quote(str(model._meta.pk.column))
    columns = columns_of(model)
    differing = ", ".join(
        f"CASE WHEN live.{column} IS DISTINCT FROM kept.{column} THEN '{column.strip(chr(34))}' END"
        for column in columns
    )
    live, kept = (", ".join(f"{side}.{column}" for column in columns) for side in ("live", "kept"))
    with connection.cursor() as cursor:
        # By number, not by date: of two rows written in one moment the later has the higher number.
        cursor.execute(
            f"WITH newest AS (SELECT max(history_id) AS history_id FROM {history} GROUP BY {key}),"
            f" kept AS (SELECT * FROM {history} JOIN newest USING (history_id))"
            f" SELECT coalesce(live.{key}, kept.{key}), CASE"
            "   WHEN kept.history_id IS NULL THEN 'has no history'"
            f"  WHEN live.{key} IS NULL THEN 'is gone, and its history does not say so'"
            "   WHEN kept.history_type = '-' THEN 'exists, though its history says it was deleted'"
            f"  ELSE 'differs from its newest history in ' || array_to_string(ARRAY[{differing}], ', ') END"
            f" FROM {table} live FULL JOIN kept ON kept.{key} = live.{key}"
            f" WHERE CASE WHEN live.{key} IS NULL THEN kept.history_type <> '-'"
            "   WHEN kept.history_id IS NULL OR kept.history_type = '-' THEN true"
            f"  ELSE ({live}) IS DISTINCT FROM ({kept}) END"
            " ORDER BY 1 LIMIT 1"
        )
        row = cursor.fetchone()
    return (row[0], row[1]) if row else None


def leases(kind: int) -> set[int]:
    """The records of a kind (first half of the advisory lock) that a living session works on."""
    with connection.cursor() as cursor:
        cursor.execute(
            # objsubid 2: a lock of two halves. Those of one number share the table, not the meaning.
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
            " AND classid::bigint = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [kind],
        )
        return {number for (number,) in cursor.fetchall()}
