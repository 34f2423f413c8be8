"""In charge of asking a database for its foreign keys with their actions, and where its automatic keys stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from core.catalog.tables import Table
from core.db.gateway import Connection
from core.sql.ddl import quote
from core.sql.transfer import Link

_SQLITE = """
    SELECT m.name, f.id, f."from", f."table", f."to", f.on_delete, f.on_update
    FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'
    ORDER BY m.name, f.id, f.seq"""
_POSTGRES = """
    SELECT c.relname::text, k.oid, a.attname::text, r.relname::text, b.attname::text,
        k.confdeltype::text, k.confupdtype::text
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.oid = r.relnamespace
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS p(ours, theirs, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.ours
    JOIN pg_catalog.pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = p.theirs
    WHERE n.nspname = current_schema() AND k.contype = 'f' AND k.conparentid = 0
    ORDER BY c.relname, k.oid, p.place"""
_MYSQL = """
    SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name,
        r.delete_rule, r.update_rule
    FROM information_schema.key_column_usage AS k
    JOIN information_schema.referential_constraints AS r
        ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
        AND r.table_name = k.table_name
    WHERE k.table_schema = DATABASE() AND k.referenced_table_schema = DATABASE()
    ORDER BY k.table_name, k.constraint_name, k.ordinal_position"""
_WORDS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


async def links(connection: Connection, tables: Mapping[str, Table]) -> tuple[Link, ...]:
    """The foreign keys between these tables, by table. Columns that SQLite leaves out are those of the primary key."""
    sql = {"sqlite": _SQLITE, "postgres": _POSTGRES, "mysql": _MYSQL}[connection.dialect]
    parts: defaultdict[tuple[str, Any], list[Any]] = defaultdict(list)
    for row in await connection.rows(sql):
        parts[str(row[0]), row[1]].append(row)
    spelling = {name.lower(): name for name in tables} if connection.dialect == "sqlite" else {}
    found = []
    for (table, _), rows in parts.items():
        target = spelling.get(str(rows[0][3]).lower(), str(rows[0][3]))
        if table not in tables or target not in tables:
            continue
        theirs = [row[4] for row in rows]
        keys = tables[target].primary_key if None in theirs else tuple(_column(tables[target], one) for one in theirs)
        ours = tuple(_column(tables[table], row[2]) for row in rows)
        if len(keys) == len(ours):
            found.append(Link(table, ours, target, keys, _action(rows[0][5]), _action(rows[0][6])))
    return tuple(found)


def _column(table: Table, name: Any) -> str:
    """The column as the table spells it: SQLite keeps what the foreign key says."""
    wanted = str(name)
    if table.column(wanted) is not None:
        return wanted
    return next((column.name for column in table.columns if column.name.lower() == wanted.lower()), wanted)


def _action(word: Any) -> str:
    text = word.decode() if isinstance(word, bytes) else str(word)
    return _WORDS.get(text, text.upper())


async def counters(connection: Connection, tables: Mapping[str, Table]) -> dict[str, int]:
    """The next value of each table's automatic key, as far as the database keeps one."""
    dialect = connection.dialect
    if dialect == "mysql":
        rows = await connection.rows(
            "SELECT table_name, auto_increment FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL"
        )
        return {str(name): int(value) for name, value in rows if name in tables}
    if dialect == "sqlite":
        if not await connection.value("SELECT COUNT(*) FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            return {}
        rows = await connection.rows("SELECT name, seq FROM sqlite_sequence")
        return {str(name): int(value) + 1 for name, value in rows if name in tables}
    found = {}
    for table in tables.values():
        column = next((one for one in table.columns if one.auto_increment), None)
        if column is None:
            continue
        sequence = await connection.value(
            "SELECT pg_get_serial_sequence($1::text, $2::text)", (quote(table.name, dialect), column.name)
        )
        if sequence is not None:
            # The name comes from the database, quoted where it has to be.
            row = await connection.row(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608
            assert row is not None
            found[table.name] = int(row[0]) + (1 if row[1] else 0)
    return found
