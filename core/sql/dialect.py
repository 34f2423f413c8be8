"""In charge of what differs between the databases when statements are rendered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy.engine import Dialect as SqlDialect


@dataclass(frozen=True, slots=True)
class Dialect:
    """A database as the SQL room sees it.

    `nulls_first_ascending`: NULL sorts below every value. `arrays`: a list is one parameter. `semi_join`: how
    `Related` is rendered, "in" or "exists".
    """

    name: str
    sql: Any
    nulls_first_ascending: bool
    arrays: str
    """"any" (= ANY(array)), "json" (json_each of a JSON text) or "expand" (one placeholder per value)."""
    max_parameters: int


@cache
def dialect(name: str) -> Dialect:
    """The dialect "sqlite", "postgres" or "mysql"; what it needs of SQLAlchemy is imported for it alone."""
    found: SqlDialect
    match name:
        case "sqlite":
            from sqlalchemy.dialects import sqlite

            found = sqlite.dialect(paramstyle="qmark")
            return Dialect(name, found, True, "json", 32_000)
        case "postgres":
            from sqlalchemy.dialects.postgresql import asyncpg

            found = asyncpg.dialect()  # type: ignore[no-untyped-call]
            return Dialect(name, found, False, "any", 32_000)
        case "mysql":
            from sqlalchemy.dialects import mysql

            found = mysql.dialect(paramstyle="format")
            return Dialect(name, found, True, "expand", 60_000)
    raise ValueError(f"unknown dialect {name!r}")


def array_type(item: Any) -> Any:
    """The type of a list parameter on PostgreSQL."""
    from sqlalchemy.dialects import postgresql

    return postgresql.ARRAY(item)
