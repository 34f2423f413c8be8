"""In charge of the statements that carry tables from one database to another: reading, inserting, keys. Pure.

Names are quoted, values bound; types come from the reflected target. It decides nothing about what is carried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.catalog.model import Column
from core.sql.alter import unique_name
from core.sql.ddl import literal, quote
from core.sql.tables import is_geometry

ACTIONS = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key with what it does when the row it refers to goes or changes its key; actions are of ACTIONS."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


def reading(table: str, columns: Sequence[Column], dialect: str) -> str:
    """Every row of a table. What a driver gives in a form of its own is asked for as text."""
    parts = []
    for column in columns:
        name = quote(column.name, dialect)
        if dialect == "postgres" and column.family in ("bit", "other"):
            name = f"{name}::text"
        elif is_geometry(column, dialect):
            name = f"ST_AsText({name})"
        parts.append(name)
    return f"SELECT {', '.join(parts)} FROM {quote(table, dialect)}"  # noqa: S608


def inserting(table: str, columns: Sequence[Column], dialect: str, rows: int = 1) -> str:
    """An INSERT of some rows of values; on PostgreSQL and SQLite `rows` is 1."""
    names = ", ".join(quote(column.name, dialect) for column in columns)
    marks = ", ".join(_mark(number, column, dialect) for number, column in enumerate(columns, 1))
    values = ", ".join([f"({marks})"] * rows)
    return f"INSERT INTO {quote(table, dialect)} ({names}) VALUES {values}"  # noqa: S608


def _mark(number: int, column: Column, dialect: str) -> str:
    if dialect == "postgres":
        # What the driver cannot bind goes as text.
        return f"${number}::text::{column.native}" if column.family in ("bit", "other") else f"${number}"
    if dialect == "mysql":
        return "ST_GeomFromText(%s)" if is_geometry(column, dialect) else "%s"
    return "?"


def index(table: str, columns: Sequence[str], dialect: str) -> str:
    """The statement that makes a plain index; its name is the same on every database."""
    name = quote(unique_name(table, (*columns, "index")), dialect)
    return f"CREATE INDEX {name} ON {quote(table, dialect)} ({_list(columns, dialect)})"


def foreign_key(link: Link, dialect: str) -> str:
    """A foreign key as it stands in CREATE TABLE and behind ALTER TABLE … ADD."""
    name = quote(unique_name(link.table, (*link.columns, "foreign")), dialect)
    target = f"{quote(link.target, dialect)} ({_list(link.target_columns, dialect)})"
    text = f"CONSTRAINT {name} FOREIGN KEY ({_list(link.columns, dialect)}) REFERENCES {target}"
    for event, action in (("DELETE", link.on_delete), ("UPDATE", link.on_update)):
        # InnoDB knows the word, and refuses the table.
        if action in ACTIONS[1:] and not (dialect == "mysql" and action == "SET DEFAULT"):
            text += f" ON {event} {action}"
    return text


def add_foreign_key(link: Link, dialect: str) -> str:
    """The statement that adds a foreign key to a table that is there; not on SQLite."""
    return f"ALTER TABLE {quote(link.table, dialect)} ADD {foreign_key(link, dialect)}"


def counter(table: str, column: str, value: int, dialect: str) -> list[str]:
    """The statements after which an automatic key goes on at `value`."""
    name, number = quote(table, dialect), int(value)
    match dialect:
        case "postgres":
            return [f"ALTER TABLE {name} ALTER COLUMN {quote(column, dialect)} RESTART WITH {number}"]
        case "mysql":
            return [f"ALTER TABLE {name} AUTO_INCREMENT = {number}"]
    text = literal(table, dialect)
    return [
        f"DELETE FROM sqlite_sequence WHERE name = {text}",  # noqa: S608
        f"INSERT INTO sqlite_sequence (name, seq) VALUES ({text}, {number - 1})",  # noqa: S608
    ]


def _list(columns: Sequence[str], dialect: str) -> str:
    return ", ".join(quote(column, dialect) for column in columns)
