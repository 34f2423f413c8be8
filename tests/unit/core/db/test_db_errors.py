"""In charge of the tables from driver codes to our errors, without a driver."""

from __future__ import annotations

import pytest

from core import errors as public
from core.db import errors


class FromServer(Exception):
    """What asyncpg's errors look like from here."""

    def __init__(self, sqlstate: str | None, text: str = "secret", **fields: str) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate
        for name in ("detail", "constraint_name", "column_name"):
            setattr(self, name, fields.get(name))


@pytest.mark.parametrize(
    "state, kind",
    [
        ("40001", errors.Serialization),
        ("40P01", errors.Deadlock),
        ("40002", errors.Serialization),
        ("55P03", errors.Locked),
        ("57014", errors.StatementTimeout),
        ("42P01", errors.MissingObject),
        ("42703", errors.MissingObject),
        ("42P07", errors.ObjectExists),
        ("22001", errors.DataTooLong),
        ("22003", errors.OutOfRange),
        ("22P02", errors.DataRejected),
        ("23503", errors.ForeignKeyViolation),
        ("23514", errors.CheckViolation),
        ("23P01", errors.CheckViolation),
        ("08006", errors.ConnectionLost),
        ("57P01", errors.ConnectionLost),
        ("53300", errors.Unavailable),
        ("28P01", errors.Unavailable),
        ("3D000", errors.Unavailable),
        ("42601", errors.QueryRejected),
        ("25P02", errors.QueryRejected),
        ("", errors.QueryRejected),
        (None, errors.QueryRejected),
    ],
)
def test_postgres(state: str | None, kind: type[errors.DatabaseError]) -> None:
    found = errors.from_postgres(FromServer(state))
    assert type(found) is kind
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    "detail, columns, value",
    [
        ("Key (name)=(Ann) already exists.", ("name",), "Ann"),
        ('Key (a, "B c")=(1, x) already exists.', ("a", "B c"), "1, x"),
        ("Key (name)=(a)=(b)) already exists.", ("name)=(a",), "b)"),
        ("", (), None),
    ],
)
def test_postgres_unique(detail: str, columns: tuple[str, ...], value: str | None) -> None:
    found = errors.from_postgres(FromServer("23505", detail=detail, constraint_name="t_name"))
    assert type(found) is errors.UniqueViolation
    assert (found.constraint, found.columns, found.value) == ("t_name", columns, value)


def test_postgres_not_null() -> None:
    found = errors.from_postgres(FromServer("23502", column_name="name"))
    assert type(found) is errors.NotNullViolation
    assert found.column == "name"


@pytest.mark.parametrize(
    "number, text, kind, name",
    [
        (1048, "Column 'a' cannot be null", errors.NotNullViolation, "a"),
        (1364, "Field 'a' doesn't have a default value", errors.NotNullViolation, "a"),
        (1406, "Data too long for column 'a' at row 1", errors.DataTooLong, "a"),
        (1264, "Out of range value for column 'a' at row 1", errors.OutOfRange, "a"),
        (1366, "Incorrect integer value: 'x' for column `d`.`t`.`a` at row 1", errors.DataRejected, "a"),
        (1292, "Incorrect datetime value: 'x'", errors.DataRejected, None),
        (1146, "Table 'd.t' doesn't exist", errors.MissingObject, "t"),
        (1054, "Unknown column 't.a' in 'field list'", errors.MissingObject, "a"),
        (4025, "CONSTRAINT `positive` failed for `d`.`t`", errors.CheckViolation, "positive"),
        (3819, "Check constraint 'positive' is violated.", errors.CheckViolation, "positive"),
        (1451, "Cannot delete or update a parent row", errors.ForeignKeyViolation, None),
        (1213, "Deadlock found", errors.Deadlock, None),
        (1205, "Lock wait timeout exceeded", errors.Locked, None),
        (1969, "Query execution was interrupted", errors.StatementTimeout, None),
        (3024, "Query execution was interrupted", errors.StatementTimeout, None),
        (1050, "Table 't' already exists", errors.ObjectExists, None),
        (1045, "Access denied for user 'x'", errors.Unavailable, None),
        (2013, "Lost connection", errors.ConnectionLost, None),
        (1064, "You have an error in your SQL syntax", errors.QueryRejected, None),
        (None, "", errors.QueryRejected, None),
    ],
)
def test_mysql(number: int | None, text: str, kind: type[errors.DatabaseError], name: str | None) -> None:
    found = errors.from_mysql(number, text)
    assert type(found) is kind
    told = [getattr(found, field, None) for field in ("column", "name", "constraint")]
    assert [one for one in told if one is not None] == ([name] if name else [])
    assert str(found) in ("Failed generating the SQL query.", "Failed to connect to the database")


@pytest.mark.parametrize(
    "text, key, value",
    [
        ("Duplicate entry 'Ann' for key 'name'", "name", "Ann"),
        ("Duplicate entry 'it's' for key 't.name'", "name", "it's"),
        ("Duplicate entry '1-2' for key 'PRIMARY'", "PRIMARY", "1-2"),
        ("something else", None, None),
    ],
)
def test_mysql_unique(text: str, key: str | None, value: str | None) -> None:
    found = errors.from_mysql(1062, text)
    assert type(found) is errors.UniqueViolation
    assert (found.constraint, found.columns, found.value) == (key, (), value)


@pytest.mark.parametrize(
    "code, text, kind, told",
    [
        (2067, "UNIQUE constraint failed: t.a, t.b", errors.UniqueViolation, {"columns": ("a", "b")}),
        (1555, "UNIQUE constraint failed: t.id", errors.UniqueViolation, {"columns": ("id",)}),
        (2067, "UNIQUE constraint failed: index 'ux'", errors.UniqueViolation, {"columns": (), "constraint": "ux"}),
        (1299, "NOT NULL constraint failed: t.a", errors.NotNullViolation, {"column": "a"}),
        (787, "FOREIGN KEY constraint failed", errors.ForeignKeyViolation, {}),
        (275, "CHECK constraint failed: positive", errors.CheckViolation, {"constraint": "positive"}),
        (1811, "a trigger's words", errors.QueryRejected, {}),
        (5, "database is locked", errors.Locked, {}),
        (517, "database is locked", errors.Locked, {}),
        (6, "database table is locked", errors.Locked, {}),
        (9, "interrupted", errors.StatementTimeout, {}),
        (18, "string or blob too big", errors.DataTooLong, {}),
        (13, "database or disk is full", errors.Unavailable, {}),
        (26, "file is not a database", errors.Unavailable, {}),
        (1, "no such table: main.t", errors.MissingObject, {"name": "t"}),
        (1, "no such column: t.a", errors.MissingObject, {"name": "a"}),
        (1, "table t has no column named a", errors.MissingObject, {"name": "a"}),
        (1, "table t already exists", errors.ObjectExists, {}),
        (1, "duplicate column name: a", errors.ObjectExists, {}),
        (1, 'near "x": syntax error', errors.QueryRejected, {}),
        (8, "attempt to write a readonly database", errors.QueryRejected, {}),
        (None, "Error binding parameter 1: type 'list' is not supported", errors.DataRejected, {}),
        (None, "You can only execute one statement at a time.", errors.QueryRejected, {}),
    ],
)
def test_sqlite(code: int | None, text: str, kind: type[errors.DatabaseError], told: dict[str, object]) -> None:
    found = errors.from_sqlite(code, text)
    assert type(found) is kind
    assert {name: getattr(found, name) for name in told} == told


def test_what_a_client_may_see() -> None:
    rejected = errors.UniqueViolation("t_name", ["name"], "secret")
    assert isinstance(rejected, public.QueryFailed)
    assert (rejected.code, rejected.kind, str(rejected), rejected.details) == (
        9,
        "QueryFailed",
        "Failed generating the SQL query.",
        {},
    )
    lost = errors.ConnectionLost()
    assert isinstance(lost, public.DatabaseUnavailable)
    assert (lost.code, lost.kind, str(lost)) == (11, "DatabaseUnavailable", "Failed to connect to the database")
