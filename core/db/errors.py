"""In charge of what a database may refuse, as our own errors; imports no driver and puts no driver text in a message.

    DatabaseError                       code 9 to a client if nobody handles it
    ├── Unavailable                     code 11: cannot be reached, or has no room for us
    │   └── ConnectionLost              was reached, and went away in mid-work
    ├── ConstraintViolation
    │   ├── UniqueViolation             constraint, columns, value
    │   ├── NotNullViolation            column
    │   ├── ForeignKeyViolation         constraint
    │   └── CheckViolation              constraint
    ├── DataRejected                    column; a value that the column's type cannot take
    │   ├── DataTooLong
    │   └── OutOfRange
    ├── MissingObject                   name; a table or column that is not there
    ├── ObjectExists                    a table, column or index that is there already
    ├── Retryable                       the same transaction may pass the next time
    │   ├── Serialization
    │   ├── Deadlock
    │   ├── Locked
    │   └── StalePlan                   the schema changed under a prepared statement
    ├── StatementTimeout
    └── QueryRejected                   anything else

What the driver said stays on `__cause__`, for logs. Names and values that it reported are attributes, never part of
`str()`: they may hold what the caller must not see.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from core import errors


class DatabaseError(errors.QueryFailed):
    """A statement, transaction or connection failed. A client that sees it unhandled learns only code and text."""

    @property
    def kind(self) -> str:
        """The public leaf of core.errors that this is an instance of."""
        return errors.QueryFailed.__name__


class Unavailable(DatabaseError, errors.DatabaseUnavailable):
    """The database cannot be reached, refuses the login, or has no connection left."""

    code, text = errors.DatabaseUnavailable.code, errors.DatabaseUnavailable.text

    @property
    def kind(self) -> str:
        return errors.DatabaseUnavailable.__name__


class ConnectionLost(Unavailable):
    """The connection ended while it was in use: its transaction is gone."""


class ConstraintViolation(DatabaseError):
    """A constraint forbids the write."""

    def __init__(self, constraint: str | None = None) -> None:
        super().__init__()
        self.constraint = constraint


class UniqueViolation(ConstraintViolation):
    """A unique constraint: its name, its columns and the value, each as far as the database tells."""

    def __init__(self, constraint: str | None = None, columns: Sequence[str] = (), value: str | None = None) -> None:
        super().__init__(constraint)
        self.columns = tuple(columns)
        self.value = value


class NotNullViolation(ConstraintViolation):
    """A column without a value that needs one."""

    def __init__(self, column: str | None = None) -> None:
        super().__init__()
        self.column = column


class ForeignKeyViolation(ConstraintViolation):
    """A row refers to one that is not there, or is still referred to."""


class CheckViolation(ConstraintViolation):
    """A CHECK or exclusion constraint."""


class DataRejected(DatabaseError):
    """A value that its column cannot take."""

    def __init__(self, column: str | None = None) -> None:
        super().__init__()
        self.column = column


class DataTooLong(DataRejected):
    """Text or bytes longer than the column, row or packet."""


class OutOfRange(DataRejected):
    """A number or date beyond the range of the column's type."""


class MissingObject(DatabaseError):
    """A table or column that the statement names is not there: the caller's snapshot is behind."""

    lacking = True

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.name = name


class ObjectExists(DatabaseError):
    """What the statement creates is there already."""


class Retryable(DatabaseError):
    """The transaction lost to another one; run again from its beginning it may pass."""


class Serialization(Retryable):
    pass


class Deadlock(Retryable):
    pass


class Locked(Retryable):
    """A lock was not granted in time."""


class StalePlan(Retryable):
    """A prepared statement no longer fits the schema."""


class StatementTimeout(DatabaseError):
    """The statement took longer than the store allows."""


class QueryRejected(DatabaseError):
    """The database refused the statement for a reason of no other class."""


# --- PostgreSQL: SQLSTATE ----------------------------------------------------------------------------------------

_POSTGRES: dict[str, type[DatabaseError]] = {
    "40001": Serialization,
    "40P01": Deadlock,
    "55P03": Locked,
    "57014": StatementTimeout,
    "42P01": MissingObject,
    "42703": MissingObject,
    "3F000": MissingObject,
    "42P07": ObjectExists,
    "42701": ObjectExists,
    "42710": ObjectExists,
    "42P06": ObjectExists,
    "22001": DataTooLong,
    "22003": OutOfRange,
    "22008": OutOfRange,
    "54000": DataTooLong,
    "3D000": Unavailable,
    "57P01": ConnectionLost,
    "57P02": ConnectionLost,
    "57P03": Unavailable,
    "57P05": ConnectionLost,
}
_POSTGRES_FAMILIES: dict[str, type[DatabaseError]] = {
    "08": ConnectionLost,
    "22": DataRejected,
    "28": Unavailable,
    "40": Serialization,
    "53": Unavailable,
    "58": Unavailable,
}
_POSTGRES_KEY = re.compile(r"\((?P<columns>.*)\)=\((?P<value>.*)\)", re.DOTALL)


def from_postgres(error: BaseException) -> DatabaseError:
    """The error of an SQLSTATE; `error` carries `sqlstate` and asyncpg's diagnostic fields (each may be absent)."""
    state = str(getattr(error, "sqlstate", None) or "")
    constraint = getattr(error, "constraint_name", None)
    match state:
        case "23505":
            found = _POSTGRES_KEY.search(getattr(error, "detail", None) or "")
            columns = [name.strip('"') for name in found["columns"].split(", ")] if found else ()
            return UniqueViolation(constraint, columns, found["value"] if found else None)
        case "23502":
            return NotNullViolation(getattr(error, "column_name", None))
        case "23503" | "23001":
            return ForeignKeyViolation(constraint)
        case "23514" | "23P01":
            return CheckViolation(constraint)
        case "0A000" if "cached plan" in str(error):
            return StalePlan()
    return _POSTGRES.get(state, _POSTGRES_FAMILIES.get(state[:2], QueryRejected))()


# --- MySQL and MariaDB: error numbers ----------------------------------------------------------------------------

_MYSQL: dict[int, type[DatabaseError]] = {
    **dict.fromkeys((1451, 1452, 1216, 1217, 1215), ForeignKeyViolation),
    **dict.fromkeys((3819, 4025), CheckViolation),
    **dict.fromkeys((1406, 1153, 1118, 1301), DataTooLong),
    **dict.fromkeys((1264, 1690, 1441), OutOfRange),
    **dict.fromkeys((1265, 1292, 1366, 1367, 1411, 3140, 4038), DataRejected),
    **dict.fromkeys((1146, 1054, 1051, 1109, 1932), MissingObject),
    **dict.fromkeys((1050, 1060, 1061, 1007), ObjectExists),
    **dict.fromkeys((1213, 1614), Deadlock),
    **dict.fromkeys((1205, 3572), Locked),
    **dict.fromkeys((1020, 1412, 1615), Serialization),
    **dict.fromkeys((1969, 3024, 1317), StatementTimeout),
    **dict.fromkeys((2003, 2002, 2005, 1040, 1044, 1045, 1049, 1129, 1130, 1203, 1226, 1290), Unavailable),
    **dict.fromkeys((2006, 2013, 2014, 2055, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1927, 4031), ConnectionLost),
}
_MYSQL_DUPLICATE = re.compile(r"^Duplicate entry '(?P<value>.*)' for key '(?P<key>[^']*)'", re.DOTALL)
_MYSQL_QUOTED = re.compile(r"['`](?P<name>[^'`]*)['`]")

_MYSQL_COLUMN = re.compile(r"column (?:`[^`]*`\.){0,2}['`]([^'`]+)['`]")


def from_mysql(number: int | None, text: str) -> DatabaseError:
    """The error of MySQL's or MariaDB's number; `text` is read for names only."""
    quoted = _MYSQL_QUOTED.search(text)
    name = quoted["name"] if quoted else None
    match number:
        case 1062 | 1586 | 1859:
            found = _MYSQL_DUPLICATE.match(text)
            # MySQL 8 says table.key where MariaDB says key.
            key = found["key"].rpartition(".")[2] if found else None
            return UniqueViolation(key, (), found["value"] if found else None)
        case 1048 | 1364 | 1263 | 1171:
            return NotNullViolation(name)
    kind = QueryRejected if number is None else _MYSQL.get(number, QueryRejected)
    if issubclass(kind, CheckViolation):
        return kind(name)
    if issubclass(kind, MissingObject):
        return kind(name.rpartition(".")[2] if name else None)
    if issubclass(kind, DataRejected):
        column = _MYSQL_COLUMN.search(text)
        return kind(column[1] if column else None)
    return kind()


# --- SQLite: extended result codes -------------------------------------------------------------------------------

SQLITE_BUSY, SQLITE_LOCKED, SQLITE_INTERRUPT = 5, 6, 9
_SQLITE_UNIQUE = (1555, 2067, 2579)
_SQLITE_NOT_NULL, _SQLITE_FOREIGN_KEY, _SQLITE_CONSTRAINT, _SQLITE_TRIGGER = 1299, 787, 19, 1811
_SQLITE_PRIMARY: dict[int, type[DatabaseError]] = {
    SQLITE_BUSY: Locked,
    SQLITE_LOCKED: Locked,
    SQLITE_INTERRUPT: StatementTimeout,
    18: DataTooLong,
    20: DataRejected,
    25: DataRejected,
    **dict.fromkeys((7, 10, 11, 13, 14, 23, 26), Unavailable),
}
_SQLITE_MISSING = re.compile(r"no such (?:table|column): (?P<name>.+)|has no column named (?P<column>.+)")
_SQLITE_EXISTS = re.compile(r"already exists$|^duplicate column name")


def from_sqlite(code: int | None, text: str) -> DatabaseError:
    """The error of an extended result code (None when the module itself refused); `text` is read for names only."""
    if code is None:
        return DataRejected() if text.startswith("Error binding parameter") else QueryRejected()
    said = text.partition(": ")[2]
    if code in _SQLITE_UNIQUE:
        if said.startswith("index "):
            return UniqueViolation(said.removeprefix("index ").strip("'"))
        return UniqueViolation(None, [name.rpartition(".")[2] for name in said.split(", ") if name])
    if code == _SQLITE_NOT_NULL:
        return NotNullViolation(said.rpartition(".")[2] or None)
    if code == _SQLITE_FOREIGN_KEY:
        return ForeignKeyViolation()
    if code & 0xFF == _SQLITE_CONSTRAINT:
        return QueryRejected() if code == _SQLITE_TRIGGER else CheckViolation(said or None)
    if missing := _SQLITE_MISSING.search(text):
        return MissingObject((missing["name"] or missing["column"]).strip('"').rpartition(".")[2])
    if _SQLITE_EXISTS.search(text):
        return ObjectExists()
    return _SQLITE_PRIMARY.get(code & 0xFF, QueryRejected)()
