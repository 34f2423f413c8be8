"""In charge of looking at the system tables themselves, at settings, and at what a broken change of a schema left."""

from __future__ import annotations

from core.catalog.changes import TABLE as CHANGES
from core.catalog.system import seed_rows, system_tables
from core.db.details import details
from core.db.gateway import Connection
from core.doctor.finding import SAMPLES, Check, Finding, Look
from core.migrate import own
from core.migrate.install import INDEXED
from core.migrate.upgrade import add_rows, complete, pending_on
from core.sql.ddl import drop_table
from core.sql.deliveries import TABLE as DELIVERIES
from core.sql.transfer import index

TEMPORARY = "_tabularium"
"""How the names of tables begin that a rebuild makes and renames."""


async def pending_steps(look: Look) -> Finding | None:
    steps = await pending_on(look.connection)
    if not steps:
        return None
    return Finding(
        "schema.pending_steps",
        "steps of Directus 8 that the database has not seen",
        len(steps),
        tuple(str(version) for version in steps[:SAMPLES]),
        "runs them, as opening the project does",
        complete,
        alters=True,
    )


async def missing_columns(look: Look) -> Finding | None:
    """Columns that 8.8.1 has, gone although the steps have run."""
    if await pending_on(look.connection):
        return None
    gone = [
        f"{table.name}.{column.name}"
        for table in system_tables()
        for column in table.columns
        if not look.has(table.name, column.name)
    ]
    if not gone:
        return None
    return Finding(
        "schema.missing_columns",
        "columns of system tables that are not there",
        len(gone),
        tuple(gone[:SAMPLES]),
        "adds them, empty",
        complete,
        alters=True,
    )


async def no_change_log(look: Look) -> Finding | None:
    told = "the table by which processes tell each other of changes is not there"
    return _gone(look, "schema.no_change_log", CHANGES, told)


async def no_deliveries(look: Look) -> Finding | None:
    return _gone(look, "schema.no_deliveries", DELIVERIES, "the table of what webhooks have to tell is not there")


def _gone(look: Look, name: str, table: str, told: str) -> Finding | None:
    """A finding about one of our own tables."""
    if table in look.tables:
        return None

    async def make(connection: Connection) -> int:
        return await own.add(connection, table)

    return Finding(name, told, 1, (table,), "makes it, as opening the project does", make, alters=True)


async def missing_indexes(look: Look) -> Finding | None:
    """Indexes that new projects have. Those of the same columns count, whoever made them."""
    gone: list[tuple[str, tuple[str, ...]]] = []
    for table, wanted in INDEXED.items():
        present = [one.columns for one in (await details(look.connection, table)).indexes]
        gone += [
            (table, names)
            for names in wanted
            if look.has(table, *names) and not any(one[: len(names)] == names for one in present)
        ]
    if not gone:
        return None

    async def make(connection: Connection) -> int:
        for table, names in gone:
            await connection.execute(index(table, names, connection.dialect))
        return len(gone)

    return Finding(
        "schema.missing_indexes",
        "indexes of the history of items and of assets that are not there: large projects are slow without",
        len(gone),
        tuple(f"{table} ({', '.join(names)})" for table, names in gone[:SAMPLES]),
        "makes them; Directus 8 does not mind",
        make,
        alters=True,
    )


async def leftovers(look: Look) -> Finding | None:
    names = [name for name in look.tables if name.startswith(TEMPORARY)]
    if not names:
        return None

    async def drop(connection: Connection) -> int:
        for name in names:
            await connection.execute(drop_table(name, connection.dialect))
        return len(names)

    return Finding(
        "schema.leftovers",
        "tables that a broken change of the schema left behind",
        len(names),
        tuple(names[:SAMPLES]),
        "drops them",
        drop,
        alters=True,
    )


async def missing_settings(look: Look) -> Finding | None:
    if not look.has("directus_settings", "key"):
        return None
    rows = await look.connection.rows(f"SELECT {look.q('key')} FROM directus_settings")  # noqa: S608
    present = {str(key).lower() for (key,) in rows}
    missing = [row for row in seed_rows("directus_settings") if row["key"] not in present]
    if not missing:
        return None
    # Without its row the lifetime of tokens comes from the configuration: it shall stay what it is.
    ttl = str(look.config.get("auth.ttl"))
    wanted = [{**row, "value": ttl} if row["key"] == "auth_token_ttl" else row for row in missing]

    async def add(connection: Connection) -> int:
        return await add_rows(connection, "directus_settings", ("key",), wanted)

    return Finding(
        "settings.missing_keys",
        "settings without a row",
        len(missing),
        tuple(str(row["key"]) for row in missing[:SAMPLES]),
        "adds them with their defaults",
        add,
    )


CHECKS: tuple[Check, ...] = (
    pending_steps,
    missing_columns,
    no_change_log,
    no_deliveries,
    missing_indexes,
    leftovers,
    missing_settings,
)
