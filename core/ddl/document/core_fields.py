"""In charge of which fields of the system collections are the system's own: they are no part of a document. Pure."""

from __future__ import annotations

from functools import cache

from core.catalog.system import seed_rows, system_tables


@cache
def core_fields() -> frozenset[tuple[str, str]]:
    """(collection, field): the columns of the system tables, and the fields that every project begins with."""
    columns = {(table.name, column.name) for table in system_tables() for column in table.columns}
    seeded = {(str(row["collection"]), str(row["field"])) for row in seed_rows("directus_fields")}
    return frozenset(columns | seeded)


@cache
def core_relations() -> frozenset[tuple[str, str]]:
    """(collection_many, field_many) of the relations that every project begins with."""
    return frozenset((str(row["collection_many"]), str(row["field_many"])) for row in seed_rows("directus_relations"))
