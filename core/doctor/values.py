"""In charge of looking at stored values that no client can be given as they are: zero dates, broken JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.catalog.tables import Table
from core.db.gateway import Connection
from core.doctor.finding import SAMPLES, Check, Finding, Look, rows_where

MOMENTS = ("date", "datetime", "datetimetz")


def _zero_dates(*, nullable: bool) -> Check:
    """Dates like 0000-00-00 and 2020-00-00, which are answered as null (spec 03 §17)."""

    async def check(look: Look) -> Finding | None:
        if look.dialect == "postgres":
            return None
        count = 0
        samples: list[str] = []
        updates: list[str] = []
        for table in look.tables.values():
            for column in table.columns:
                if table.is_view or column.family not in MOMENTS or column.generated or column.nullable is not nullable:
                    continue
                condition = _condition(look, column.name)
                found, keys = await rows_where(look, table.name, table.primary_key, condition)
                if found:
                    count += found
                    samples += [f"{table.name}.{column.name}: {key}" for key in keys or ("rows without a key",)]
                    name = look.q(column.name)
                    updates.append(f"UPDATE {look.q(table.name)} SET {name} = NULL WHERE {condition}")  # noqa: S608
        if not count:
            return None
        if not nullable:
            told = "dates that there are not, in columns that must have a value; answered as null"
            return Finding("values.required_zero_dates", told, count, tuple(samples[:SAMPLES]))
        told = "dates that there are not, like 0000-00-00; answered as null"
        return Finding(
            "values.zero_dates", told, count, tuple(samples[:SAMPLES]), "writes NULL instead", _All(tuple(updates))
        )

    return check


class _All:
    """A repair of several statements."""

    def __init__(self, statements: Sequence[str]) -> None:
        self._statements = statements

    async def __call__(self, connection: Connection) -> int:
        return sum([(await connection.execute(statement)).rowcount for statement in self._statements])


def _condition(look: Look, column: str) -> str:
    name = look.q(column)
    if look.dialect == "mysql":
        return f"(MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0)"
    return f"(typeof({name}) = 'text' AND (substr({name}, 6, 2) = '00' OR substr({name}, 9, 2) = '00'))"


async def broken_json(look: Look) -> Finding | None:
    if not look.has("directus_fields", "collection", "field", "type"):
        return None
    kind = look.q("type")
    rows = await look.connection.rows(
        f"SELECT collection, field FROM directus_fields WHERE lower({kind}) = 'json' ORDER BY collection, field"  # noqa: S608
    )
    count = 0
    samples: list[str] = []
    for collection, field in rows:
        table = look.tables.get(collection)
        column = table.column(field) if table is not None else None
        if table is None or column is None or column.family != "text":
            continue
        keys = await _broken(look, table, field)
        count += len(keys)
        samples += [f"{collection}.{field}: {key}" for key in keys[:SAMPLES]]
    if not count:
        return None
    told = "texts in JSON fields that are no JSON; answered as null, shown as they are by no answer"
    return Finding("values.broken_json", told, count, tuple(samples[:SAMPLES]))


async def _broken(look: Look, table: Table, field: str) -> list[str]:
    name = look.q(field)
    listed = ", ".join([*(look.q(key) for key in table.primary_key), name])
    sql = f"SELECT {listed} FROM {look.q(table.name)} WHERE {name} IS NOT NULL AND {name} <> ''"  # noqa: S608
    found: list[str] = []
    async for rows in look.connection.stream(sql, size=200):
        found += [
            " ".join(str(part) for part in row[:-1]) or "a row without a key" for row in rows if not _is_json(row[-1])
        ]
    return found


def _is_json(text: object) -> bool:
    try:
        json.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:
        return False
    return True


CHECKS: tuple[Check, ...] = (_zero_dates(nullable=True), _zero_dates(nullable=False), broken_json)
