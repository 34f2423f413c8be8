"""In charge of reading what hangs on one table: indexes, triggers, texts. Tables are named by parameters only."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from core.db.gateway import Connection
from core.sql.ddl import literal
from core.sql.details import Details, Index, MysqlColumn


async def details(connection: Connection, table: str) -> Details:
    """The details of a table; empty ones when it is not there."""
    match connection.dialect:
        case "sqlite":
            return await _sqlite(connection, table)
        case "postgres":
            return await _postgres(connection, table)
    return await _mysql(connection, table)


async def _sqlite(connection: Connection, table: str) -> Details:
    texts = await connection.rows(
        "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('table', 'index', 'trigger')"
        " ORDER BY rowid",
        (table,),
    )
    indexes = await connection.rows(
        'SELECT i.name, i."unique", i.origin, c.name FROM pragma_index_list(?) AS i'
        " JOIN pragma_index_info(i.name) AS c ORDER BY i.seq DESC, c.seqno",
        (table,),
    )
    computed = await connection.rows("SELECT name FROM pragma_table_xinfo(?) WHERE hidden IN (2, 3)", (table,))
    counted = await connection.value("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'")
    sequence = await connection.value("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)) if counted else None
    sql = {name: text for kind, name, text in texts if kind == "index"}
    columns: defaultdict[str, list[str | None]] = defaultdict(list)
    facts: dict[str, tuple[bool, str]] = {}
    for name, unique, origin, column in indexes:
        columns[name].append(column)
        facts[name] = (bool(unique), origin)
    return Details(
        sql=next((text for kind, _, text in texts if kind == "table"), ""),
        indexes=tuple(
            Index(name, tuple(columns[name]), unique, constraint=origin != "c", sql=sql.get(name))
            for name, (unique, origin) in facts.items()
            if origin != "pk"
        ),
        triggers=tuple(text for kind, _, text in texts if kind == "trigger"),
        sequence=sequence,
        computed=frozenset(row[0] for row in computed),
    )


_POSTGRES_INDEXES = """
    SELECT x.relname, i.indisunique, k.oid IS NOT NULL, i.indpred IS NULL, ARRAY(
        SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS p(number, place)
        LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.number AND p.number > 0
        WHERE p.place <= i.indnkeyatts ORDER BY p.place)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('u', 'x')
        AND k.conrelid = c.oid
    WHERE n.nspname = current_schema() AND c.relname = $1::text AND NOT i.indisprimary
    ORDER BY i.indexrelid"""
_POSTGRES_LISTS = """
    SELECT a.attname::text, k.conname::text FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND ARRAY[a.attnum] = k.conkey
    WHERE n.nspname = current_schema() AND c.relname = $1::text AND k.contype = 'c'
        AND pg_catalog.pg_get_constraintdef(k.oid) ~ '= ANY \\('"""


async def _postgres(connection: Connection, table: str) -> Details:
    indexes = await connection.rows(_POSTGRES_INDEXES, (table,))
    lists: defaultdict[str, list[str]] = defaultdict(list)
    for column, name in await connection.rows(_POSTGRES_LISTS, (table,)):
        lists[column].append(name)
    return Details(
        indexes=tuple(
            # Of a part of the rows it says nothing of the whole column.
            Index(str(name), tuple(columns), bool(unique and whole), constraint=bool(constraint))
            for name, unique, constraint, whole, columns in indexes
        ),
        lists={column: tuple(names) for column, names in lists.items()},
    )


_MYSQL_INDEXES = """
    SELECT index_name, non_unique, column_name, sub_part FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = %s AND index_name <> 'PRIMARY'
    ORDER BY index_name, seq_in_index"""
_MYSQL_FOREIGN = """
    SELECT constraint_name, column_name FROM information_schema.key_column_usage
    WHERE table_schema = DATABASE() AND table_name = %s AND referenced_table_name IS NOT NULL
    ORDER BY constraint_name, ordinal_position"""
_MYSQL_COLUMNS = """
    SELECT column_name, column_type, character_set_name, collation_name, column_default, extra, is_nullable,
        data_type, VERSION()
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s"""


async def _mysql(connection: Connection, table: str) -> Details:
    indexes: defaultdict[str, list[str | None]] = defaultdict(list)
    unique: dict[str, bool] = {}
    for name, not_unique, column, part in await connection.rows(_MYSQL_INDEXES, (table,)):
        indexes[name].append(None if part else column)
        unique[name] = not int(not_unique)
    foreign: defaultdict[str, list[str]] = defaultdict(list)
    for name, column in await connection.rows(_MYSQL_FOREIGN, (table,)):
        foreign[name].append(column)
    columns = await connection.rows(_MYSQL_COLUMNS, (table,))
    return Details(
        indexes=tuple(Index(name, tuple(found), unique[name]) for name, found in indexes.items()),
        columns={row[0]: _mysql_column(row) for row in columns},
        foreign_keys={name: tuple(found) for name, found in foreign.items()},
    )


def _mysql_column(row: Any) -> MysqlColumn:
    _, kind, charset, collation, default, extra, nullable, data_type, version = (
        value.decode() if isinstance(value, bytes) else value for value in row
    )
    if default is not None and "mariadb" not in version.lower():
        # MySQL gives the value where MariaDB gives its SQL.
        if "DEFAULT_GENERATED" in extra.upper():
            default = default if default.upper().startswith("CURRENT_TIMESTAMP") else f"({default})"
        elif data_type.upper() != "BIT":
            default = literal(default, "mysql").replace("%%", "%")
    _, found, moment = extra.lower().partition("on update ")
    return MysqlColumn(
        type=kind,
        charset=charset,
        collation=collation,
        default=default,
        on_update=moment.split()[0] if found else None,
        nullable=nullable == "YES",
        text=charset is not None,
    )
