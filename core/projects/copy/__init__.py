"""In charge of moving a whole project from one database to another, whatever kinds they are.

    facts    what has to be known of the data before
    shape    what each table becomes
    values   each value on its way, and what both sides must agree on
    rows     the rows of a table, in portions

The source is read as it was at one moment. On SQLite and PostgreSQL the target gets all or nothing; MySQL commits with
every table it makes, so there what was made is dropped when something fails. At the end every row is read back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from core.catalog.change import ColumnSpec
from core.catalog.changes import KINDS, TABLE, log_change
from core.catalog.tables import Table
from core.db.details import details as details_of
from core.db.errors import DatabaseError
from core.db.gateway import Connection, Store
from core.db.links import counters, links
from core.db.reflect import reflect, table_names
from core.errors import ProjectExists, Unprocessable
from core.projects.copy.facts import gather
from core.projects.copy.rows import Pair, Sum, add_up, carry
from core.projects.copy.shape import shape
from core.sql.alter import unique_name
from core.sql.ddl import UniqueKey, create_table, drop_table, quote
from core.sql.deliveries import TABLE as DELIVERIES
from core.sql.details import Details
from core.sql.transfer import Link, add_foreign_key, counter, foreign_key, index

__all__ = ["Copied", "copy"]

TEMPORARY = "_tabularium"
"""How the names begin of what a broken change of the schema left; it is not carried."""
LEFT = frozenset({DELIVERIES})
"""Tables that stay behind: what was to be sent is sent by the source, and not a second time by the copy."""

Report = Callable[[str, str, int, int], None]
"""Told the step (copy or verify), the table, how many rows are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was carried: rows and checksum by table; `notes`: what was not, or became something else."""

    tables: Mapping[str, Sum]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """What the source is, as far as tables for it have to be made."""

    tables: Mapping[str, Table]
    details: Mapping[str, Details]
    links: tuple[Link, ...]
    counters: Mapping[str, int]
    rows: Mapping[str, int]
    statements: Mapping[str, str]
    """The text of each table, where the target is of the same kind and takes it as it is."""
    notes: tuple[str, ...]


async def copy(source: Store, target: Store, *, force: bool = False, report: Report | None = None) -> Copied:
    """Carry every table of one database into another: columns, rows, keys, indexes, counters; verified at the end.

    `force`: tables of the same names are dropped in the target first; others stay in any case. Raises ProjectExists
    when the target is not empty, Unprocessable for a value that does not fit (naming its place) and when the sums
    differ, DatabaseError.
    """
    told = report or (lambda *_: None)
    await _check(source, target, force)
    made: list[str] = []
    try:
        async with _at_one_moment(source) as reading:
            origin = await _origin(reading, target.dialect)
            async with target.alter() as writing:
                return await _fill(reading, writing, origin, made, told)
    except BaseException:
        if target.dialect == "mysql" and made:
            await asyncio.shield(_drop(target, made))
        raise


async def _fill(reading: Connection, writing: Connection, origin: Origin, made: list[str], told: Report) -> Copied:
    present = await table_names(writing)
    notes = list(origin.notes)
    mode = ""
    if writing.dialect == "mysql":
        mode = str(await writing.value("SELECT @@SESSION.sql_mode"))
        await writing.execute("SET SESSION foreign_key_checks = 0")
        if origin.statements:
            # What an older server let in is carried as it is; whether it is, is seen at the end.
            await writing.execute("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
    try:
        for name in (*origin.tables, *LEFT):
            if name in present:
                await writing.execute(drop_table(name, writing.dialect))
        await _make_tables(reading, writing, origin, made, notes)
        pairs = _pairs(origin, await reflect(writing), alike=reading.dialect == writing.dialect)
        sums = {}
        for pair in pairs:
            sums[pair.table] = await _carried(pair, reading, writing, origin, told)
        await _finish(writing, origin, notes)
        await _verify(pairs, sums, writing, told)
        if TABLE in origin.tables:
            # A server that knows the target already must not take its tables for those it knew.
            for kind in KINDS:
                await log_change(writing, kind)
    finally:
        if writing.dialect == "mysql":
            with suppress(DatabaseError):
                await writing.execute("SET SESSION foreign_key_checks = 1, sql_mode = %s", (mode,))
    return Copied(sums, tuple(notes))


async def _carried(pair: Pair, reading: Connection, writing: Connection, origin: Origin, told: Report) -> Sum:
    done = 0

    def more(rows: int) -> None:
        nonlocal done
        done += rows
        told("copy", pair.table, done, origin.rows[pair.table])

    told("copy", pair.table, 0, origin.rows[pair.table])
    return await carry(pair, reading, writing, more)


async def _verify(pairs: Iterable[Pair], sums: Mapping[str, Sum], writing: Connection, told: Report) -> None:
    for pair in pairs:
        wanted = sums[pair.table]
        told("verify", pair.table, 0, wanted.rows)
        found = await add_up(pair, writing)
        if found.rows != wanted.rows:
            raise Unprocessable(f"{pair.table}: {wanted.rows} rows were sent, {found.rows} arrived")
        if found.checksum != wanted.checksum:
            raise Unprocessable(f"{pair.table}: what arrived is not what was sent")
        told("verify", pair.table, wanted.rows, wanted.rows)


# Before


async def _check(source: Store, target: Store, force: bool) -> None:
    if await _identity(source) == await _identity(target):
        raise Unprocessable("Source and target are the same database")
    async with target.read() as connection:
        present = await table_names(connection)
    if present and not force:
        raise ProjectExists(f"The target database is not empty: it has {len(present)} tables")


async def _identity(store: Store) -> tuple[str, ...]:
    """What two ways of naming the same database have in common."""
    async with store.read() as connection:
        match store.dialect:
            case "sqlite":
                file = await connection.value("SELECT file FROM pragma_database_list WHERE name = 'main'")
                return "sqlite", await asyncio.to_thread(lambda: str(Path(file).resolve()))
            case "postgres":
                row = await connection.row(
                    "SELECT current_database()::text, current_schema()::text, pg_postmaster_start_time()::text"
                )
            case _:
                row = await connection.row("SELECT DATABASE(), @@hostname, @@port")
    return store.dialect, *(str(part) for part in row or ())


@asynccontextmanager
async def _at_one_moment(store: Store) -> AsyncIterator[Connection]:
    """A connection that sees the database as it is now, whatever others write meanwhile."""
    if store.dialect == "postgres":
        async with store.write() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection
        return
    begin, end = {
        "sqlite": (["BEGIN"], ["ROLLBACK"]),
        "mysql": (
            ["SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT"],
            ["COMMIT", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"],
        ),
    }[store.dialect]
    async with store.read() as connection:
        for sql in begin:
            await connection.rows(sql)
        try:
            yield connection
        finally:
            for sql in end:
                with suppress(DatabaseError):  # the connection was lost, and with it all that there was to end
                    await connection.rows(sql)


async def _origin(connection: Connection, target: str) -> Origin:
    everything = await reflect(connection)
    tables = {
        name: table
        for name, table in everything.items()
        if not table.is_view and not name.startswith(TEMPORARY) and name not in LEFT
    }
    notes = [f"{name}: a view, which is not carried over" for name, table in everything.items() if table.is_view]
    details = {name: await details_of(connection, name) for name in tables}
    rows = {
        name: int(await connection.value(f"SELECT COUNT(*) FROM {quote(name, connection.dialect)}"))  # noqa: S608
        for name in tables
    }
    statements: dict[str, str] = {}
    if connection.dialect == target == "sqlite":
        statements = {name: details[name].sql for name in tables}
    elif connection.dialect == target == "mysql":
        for name in tables:
            row = await connection.row(f"SHOW CREATE TABLE {quote(name, 'mysql')}")
            assert row is not None
            statements[name] = str(row[1]).replace("%", "%%")
    found = await links(connection, tables)
    return Origin(tables, details, found, await counters(connection, tables), rows, statements, tuple(notes))


# Tables


async def _make_tables(
    reading: Connection, writing: Connection, origin: Origin, made: list[str], notes: list[str]
) -> None:
    dialect = writing.dialect
    if origin.statements:
        for name, statement in origin.statements.items():
            made.append(name)
            await writing.execute(statement)
        return
    facts = await gather(reading, tuple(origin.tables.values()), origin.details, origin.links, dialect)
    known = await _known_types(writing, origin) if reading.dialect == dialect == "postgres" else frozenset()
    for name, table in origin.tables.items():
        found = shape(table, reading.dialect, dialect, facts)
        notes += found.notes
        columns = [
            one if one.native is None or dialect != "postgres" or reading.dialect != dialect or one.native in known
            else _as_text(one)
            for one in found.columns
        ]  # fmt: skip
        uniques = [UniqueKey(unique_name(name, key), tuple(key)) for key in table.uniques if len(key) > 1]
        inside = [foreign_key(link, dialect) for link in origin.links if link.table == name and dialect == "sqlite"]
        made.append(name)
        for statement in create_table(name, columns, dialect, uniques=uniques, constraints=inside):
            await writing.execute(statement)


async def _known_types(writing: Connection, origin: Origin) -> frozenset[str]:
    """The names of types that the target has as well; a list of values of one's own it has not."""
    names = {column.native for table in origin.tables.values() for column in table.columns}
    return frozenset(
        [name for name in sorted(names) if await writing.value("SELECT to_regtype($1::text) IS NOT NULL", (name,))]
    )


def _as_text(column: ColumnSpec) -> ColumnSpec:
    return replace(column, native=None, datatype="TEXT", length=None, expression=False, default=None)


def _pairs(origin: Origin, target: Mapping[str, Table], *, alike: bool) -> list[Pair]:
    pairs = []
    for name, table in origin.tables.items():
        theirs = target[name]
        # What the target computes itself cannot be given to it.
        both = [
            (column, there)
            for column in table.columns
            if (there := theirs.column(column.name)) is not None and not (there.generated and not there.auto_increment)
        ]
        ours, theirs_too = tuple(one for one, _ in both), tuple(one for _, one in both)
        pairs.append(Pair(name, table.primary_key, ours, theirs_too, alike))
    return pairs


# After


async def _finish(writing: Connection, origin: Origin, notes: list[str]) -> None:
    """Indexes, foreign keys, and where automatic keys go on."""
    dialect = writing.dialect
    if origin.statements:
        if dialect == "sqlite":
            for one in origin.details.values():
                for statement in (*(found.sql for found in one.indexes if found.sql), *one.triggers):
                    await writing.execute(statement)
    else:
        await _make_indexes(writing, origin, notes)
        if dialect != "sqlite":
            await _make_links(writing, origin, notes)
    if dialect == "sqlite":
        broken = await writing.rows("PRAGMA foreign_key_check")
        notes += [f"{name}: rows that refer to nothing" for name in sorted({str(row[0]) for row in broken})]
    await _set_counters(writing, origin, await reflect(writing))


async def _set_counters(writing: Connection, origin: Origin, target: Mapping[str, Table]) -> None:
    """PostgreSQL's sequences know nothing of rows that came with keys; the counters of the others have followed."""
    dialect = writing.dialect
    for name in origin.tables:
        column = next((one for one in target[name].columns if one.auto_increment), None)
        value = origin.counters.get(name)
        if column is None or (value is None and dialect != "postgres"):
            continue
        if dialect == "postgres":
            key = quote(column.name, dialect)
            highest = await writing.value(f"SELECT MAX({key}) FROM {quote(name, dialect)}")  # noqa: S608
            value = max(value or 1, int(highest or 0) + 1)
        for statement in counter(name, column.name, value or 1, dialect):
            await writing.execute(statement)


async def _make_indexes(writing: Connection, origin: Origin, notes: list[str]) -> None:
    for name, one in origin.details.items():
        done: set[tuple[str, ...]] = set()
        for found in one.indexes:
            columns = tuple(column for column in found.columns if column is not None)
            if len(columns) != len(found.columns):
                notes.append(f"{name}: the index {found.name} is over parts or expressions; left out")
            elif not found.unique and columns not in done:
                done.add(columns)
                await writing.execute(index(name, columns, writing.dialect))


async def _make_links(writing: Connection, origin: Origin, notes: list[str]) -> None:
    if writing.dialect == "mysql":
        await writing.execute("SET SESSION foreign_key_checks = 1")
    for link in origin.links:
        try:
            async with _part(writing):
                await writing.execute(add_foreign_key(link, writing.dialect))
        except DatabaseError as error:
            why = f"{', '.join(link.columns)} → {link.target} ({type(error).__name__})"
            notes.append(f"{link.table}: the foreign key {why} is left out")


@asynccontextmanager
async def _part(writing: Connection) -> AsyncIterator[None]:
    """A statement that may fail alone. MySQL's DDL is no part of a transaction."""
    if writing.dialect == "mysql":
        yield
    else:
        async with writing.savepoint():
            yield


async def _drop(target: Store, names: Iterable[str]) -> None:
    async with target.write() as connection:
        await connection.execute("SET SESSION foreign_key_checks = 0")
        try:
            for name in names:
                with suppress(DatabaseError):
                    await connection.execute(drop_table(name, target.dialect))
        finally:
            await connection.execute("SET SESSION foreign_key_checks = 1")
