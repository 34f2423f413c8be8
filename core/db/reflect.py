"""In charge of asking a database what tables, views, columns and keys it has; a few statements, however many tables.

It reads catalogues only, never a table, and knows no metadata rows. What the words of a catalogue mean is decided in
`core.catalog.datatypes`. Names are compared as bytes: nothing a user called a table can reach the SQL text.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from core.catalog import datatypes, sqlite_ddl
from core.catalog.model import Column
from core.catalog.tables import ForeignKey, Table
from core.db.errors import DatabaseError
from core.db.gateway import Connection
from core.pace import Pause, paced, unpaced

T = TypeVar("T")
Rows = Sequence[Sequence[Any]]

PORTION = 200


async def reflect(connection: Connection, pause: Pause = unpaced) -> dict[str, Table]:
    """All tables and views of the database (PostgreSQL: of the first schema of the search path), by name, sorted.

    `pause` is called between small steps, in a thread.
    """
    ask = connection.rows
    translate: Callable[[], list[Table]]
    if connection.dialect == "sqlite":
        known = await ask(_SQLITE_TABLES)
        columns = await _sqlite_columns(connection, [row[0] for row in known])
        translate = partial(_sqlite, pause, known, columns, await ask(_SQLITE_UNIQUES), await ask(_SQLITE_FOREIGN))
    elif connection.dialect == "postgres":
        columns = await in_portions(connection, _POSTGRES_COLUMNS, iter)
        translate = partial(_postgres, pause, columns, await ask(_POSTGRES_KEYS), await ask(_POSTGRES_FOREIGN))
    else:
        columns = await in_portions(connection, _MYSQL_COLUMNS, iter)
        translate = partial(_mysql, pause, columns, await ask(_MYSQL_KEYS), await ask(_MYSQL_FOREIGN))
    # Thousands of columns take a tenth of a second: other projects go on meanwhile.
    tables = await asyncio.to_thread(translate)
    return {table.name: table for table in sorted(tables, key=lambda table: table.name)}


async def in_portions(connection: Connection, sql: str, take: Callable[[Rows], Iterable[T]]) -> list[T]:
    """What `take` makes of all rows of a statement that may have thousands: requests go on while they arrive."""
    found: list[T] = []
    async for portion in connection.stream(sql, size=PORTION):
        found.extend(take(portion))
        await asyncio.sleep(0)
    return found


async def table_names(connection: Connection) -> set[str]:
    """The names of all base tables, views left out."""
    return {str(name) for (name,) in await connection.rows(_NAMES[connection.dialect])}


_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgres": """
        SELECT c.relname FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')""",
    "mysql": """
        SELECT table_name FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'""",
}


def _table(
    name: str,
    columns: Iterable[Column],
    *,
    is_view: bool,
    primary: Sequence[str],
    uniques: Iterable[Sequence[str]],
    foreign_keys: Iterable[ForeignKey],
) -> Table:
    """A table with the flags of its keys set on its columns. A primary key is never NULL and never "unique" as well."""
    keys = [tuple(key) for key in uniques]
    alone = {key[0] for key in keys if len(key) == 1} - set(primary)
    marked = tuple(
        replace(
            column,
            primary_key=column.name in primary,
            unique=column.name in alone,
            nullable=column.nullable and column.name not in primary,
        )
        if column.name in primary or column.name in alone
        else column
        for column in columns
    )
    place = {column.name: number for number, column in enumerate(marked)}
    return Table(
        name=name,
        columns=marked,
        is_view=is_view,
        primary_key=tuple(primary),
        uniques=tuple(keys),
        foreign_keys=tuple(sorted(foreign_keys, key=lambda key: [place.get(column, 0) for column in key.columns])),
    )


# SQLite

_SQLITE_TABLES = """
    SELECT l.name, l.type, l.wr, m.sql FROM pragma_table_list AS l
    JOIN sqlite_master AS m ON m.name = l.name AND m.type IN ('table', 'view')
    WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') AND substr(l.name, 1, 7) <> 'sqlite_'"""
_SQLITE_COLUMNS = """
    SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
    FROM sqlite_master AS m JOIN pragma_table_xinfo(m.name) AS c
    WHERE m.type IN ('table', 'view')"""
_SQLITE_UNIQUES = """
    SELECT m.name, i.name, i.origin, c.name FROM sqlite_master AS m
    JOIN pragma_index_list(m.name) AS i JOIN pragma_index_info(i.name) AS c
    WHERE m.type = 'table' AND i."unique" = 1 AND i.partial = 0 ORDER BY m.name, i.seq, c.seqno"""
_SQLITE_FOREIGN = """
    SELECT m.name, f.id, f."table", f."from", f."to" FROM sqlite_master AS m
    JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq"""


def _sqlite(pause: Pause, known_rows: Rows, column_rows: Rows, unique_rows: Rows, foreign_rows: Rows) -> list[Table]:
    known = {name: (kind, without_rowid, sql) for name, kind, without_rowid, sql in known_rows}
    columns: defaultdict[str, list[Sequence[Any]]] = defaultdict(list)
    for row in column_rows:
        columns[row[0]].append(row)
    uniques: defaultdict[str, dict[str, list[str | None]]] = defaultdict(dict)
    for table, index, origin, column in unique_rows:
        if origin != "pk":
            uniques[table].setdefault(index, []).append(column)
    foreign: defaultdict[str, dict[int, list[Sequence[Any]]]] = defaultdict(dict)
    for row in foreign_rows:
        foreign[row[0]].setdefault(row[1], []).append(row)
    primary = {
        name: [row[1] for row in sorted((row for row in rows if row[5]), key=lambda row: int(row[5]))]
        for name, rows in columns.items()
    }
    # SQLite finds tables and columns whatever their case, the catalogue knows them as they were made.
    spelling = {name.lower(): name for name in known}
    columns_spelling = {name: {row[1].lower(): row[1] for row in rows} for name, rows in columns.items()}

    def foreign_key(name: str, rows: Rows) -> ForeignKey | None:
        target = spelling.get(str(rows[0][2]).lower())
        if target is None:
            return None
        named = [row[4] for row in rows]
        found = primary.get(target, []) if None in named else named
        theirs, ours = columns_spelling.get(target, {}), columns_spelling[name]
        return ForeignKey(
            tuple(str(ours.get(row[3].lower(), row[3])) for row in rows),
            target,
            tuple(str(theirs.get(column.lower(), column)) for column in found),
        )

    return [
        _table(
            name,
            _sqlite_table(columns[name], without_rowid=bool(without_rowid), sql=sql or "", primary=primary[name]),
            is_view=kind == "view",
            primary=primary[name],
            uniques=[[str(one) for one in index] for index in uniques[name].values() if None not in index],
            foreign_keys=[key for rows in foreign[name].values() if (key := foreign_key(name, rows))],
        )
        for name, (kind, without_rowid, sql) in paced(known.items(), pause)
        if name in columns
    ]


async def _sqlite_columns(connection: Connection, known: Iterable[str]) -> Rows:
    try:
        return await in_portions(connection, _SQLITE_COLUMNS, iter)
    except DatabaseError:
        # A view of a table that is gone makes the whole statement fail: leave out what cannot be read, as the
        # database itself would.
        found: list[Sequence[Any]] = []
        for name in known:
            try:
                found.extend(await connection.rows(_SQLITE_COLUMNS + " AND m.name = ?", (name,)))
            except DatabaseError:
                continue
        return found


def _sqlite_table(rows: Rows, *, without_rowid: bool, sql: str, primary: Sequence[str]) -> list[Column]:
    collation = sqlite_ddl.collations(sql) if "COLLATE" in sql.upper() else {}
    return [
        datatypes.from_sqlite(
            str(name),
            declared=str(declared or ""),
            nullable=not notnull,
            default=default,
            # The one form of a key that is the row's number: the database fills it in.
            automatic=not without_rowid and list(primary) == [name] and (declared or "").upper() == "INTEGER",
            generated=hidden in (2, 3),
            nocase=collation.get(name) == "NOCASE",
        )
        for _, name, declared, notnull, default, _, hidden in rows
        if hidden != 1
    ]


# PostgreSQL

_POSTGRES_COLUMNS = """
    SELECT c.relname, c.relkind::text, a.attname, coalesce(b.typname, t.typname),
        pg_catalog.format_type(a.atttypid, a.atttypmod),
        CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, coalesce(b.typtype, t.typtype) = 'e',
        a.attnotnull OR t.typnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attidentity::text,
        a.attgenerated <> '', coalesce(NOT l.collisdeterministic, false), pg_catalog.col_description(c.oid, a.attnum)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
    ORDER BY c.relname, a.attnum"""
_POSTGRES_KEYS = """
    SELECT c.relname, i.indisprimary, i.indisunique, ARRAY(
        SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE k.place <= i.indnkeyatts ORDER BY k.place)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    ORDER BY c.relname, i.indexrelid"""
_POSTGRES_FOREIGN = """
    SELECT c.relname, r.relname, ARRAY(
        SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS p(number, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.number ORDER BY p.place), ARRAY(
        SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS p(number, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = p.number ORDER BY p.place)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.oid = r.relnamespace
    WHERE n.nspname = current_schema() AND k.contype = 'f' AND k.conparentid = 0
    ORDER BY k.oid"""


def _postgres(pause: Pause, column_rows: Rows, key_rows: Rows, foreign_rows: Rows) -> list[Table]:
    columns: defaultdict[tuple[str, str], list[Column]] = defaultdict(list)
    for row in paced(column_rows, pause):
        found = columns[str(row[0]), row[1]]
        if row[2] is None:  # a table without a single column
            continue
        found.append(
            datatypes.from_postgres(
                str(row[2]),
                type_name=row[3],
                native=row[4],
                modifier=row[5],
                is_enum=row[6],
                nullable=not row[7],
                default=row[8],
                identity=row[9],
                generated=row[10],
                nocase=row[11],
                comment=row[12] or "",
            )
        )
    primary: dict[str, list[str]] = {}
    uniques: defaultdict[str, list[list[str]]] = defaultdict(list)
    indexed: defaultdict[str, set[str]] = defaultdict(set)
    for table, is_primary, is_unique, names in key_rows:
        indexed[table].add(names[0])
        if is_primary:
            primary[table] = list(names)
        elif is_unique:
            uniques[table].append(list(names))
    foreign: defaultdict[str, list[ForeignKey]] = defaultdict(list)
    for table, target, ours, theirs in foreign_rows:
        foreign[table].append(ForeignKey(tuple(ours), str(target), tuple(theirs)))
    return [
        _table(
            name,
            [replace(column, indexed=True) if column.name in indexed[name] else column for column in found],
            is_view=kind in ("v", "m"),
            primary=primary.get(name, ()),
            uniques=uniques[name],
            foreign_keys=foreign[name],
        )
        for (name, kind), found in paced(columns.items(), pause)
    ]


# MySQL and MariaDB

_MYSQL_COLUMNS = """
    SELECT t.table_name, t.table_type, c.column_name, c.data_type, c.column_type, c.is_nullable, c.column_default,
        c.extra, c.character_maximum_length, c.numeric_precision, c.numeric_scale, c.collation_name,
        c.column_comment, c.generation_expression, VERSION()
    FROM information_schema.tables AS t
    JOIN information_schema.columns AS c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
    WHERE t.table_schema = DATABASE() AND c.table_schema = DATABASE()
        AND t.table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')
    ORDER BY t.table_name, c.ordinal_position"""
_MYSQL_KEYS = """
    SELECT table_name, index_name, column_name, sub_part FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND non_unique = 0 ORDER BY table_name, index_name, seq_in_index"""
_MYSQL_FOREIGN = """
    SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name
    FROM information_schema.key_column_usage
    WHERE table_schema = DATABASE() AND referenced_table_schema = DATABASE()
    ORDER BY table_name, constraint_name, ordinal_position"""


def _mysql(pause: Pause, column_rows: Rows, key_rows: Rows, foreign_rows: Rows) -> list[Table]:
    columns: defaultdict[tuple[str, str], list[Column]] = defaultdict(list)
    for row in paced(column_rows, pause):
        maria = "mariadb" in _text(row[14]).lower()
        columns[_text(row[0]), _text(row[1])].append(
            datatypes.from_mysql(
                _text(row[2]),
                data_type=_text(row[3]),
                column_type=_text(row[4]),
                nullable=_text(row[5]) == "YES",
                default=None if row[6] is None else _text(row[6]),
                extra=_text(row[7]),
                characters=row[8],
                precision=row[9],
                scale=row[10],
                collation=row[11],
                comment=_text(row[12]),
                generated=bool(row[13]),
                quoted_default=maria,
                native_json=not maria,
            )
        )
    keys: defaultdict[str, dict[str, list[tuple[str, Any]]]] = defaultdict(dict)
    for table, index, column, part in key_rows:
        keys[table].setdefault(index, []).append((column, part))
    foreign: defaultdict[str, dict[str, list[Sequence[Any]]]] = defaultdict(dict)
    for row in foreign_rows:
        foreign[row[0]].setdefault(row[1], []).append(row)
    return [
        _table(
            name,
            found,
            is_view=kind == "VIEW",
            primary=[column for column, _ in keys[name].get("PRIMARY", ())],
            uniques=[
                [column for column, _ in parts]
                for index, parts in keys[name].items()
                # An index on an expression has no column name; one on a prefix says little about the whole value.
                if index != "PRIMARY" and all(column and not part for column, part in parts)
            ],
            foreign_keys=[
                ForeignKey(tuple(row[2] for row in rows), rows[0][3], tuple(row[4] for row in rows))
                for rows in foreign[name].values()
            ],
        )
        for (name, kind), found in paced(columns.items(), pause)
    ]


def _text(value: Any) -> str:
    """MySQL 8 gives some columns of its catalogue as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value or "")
