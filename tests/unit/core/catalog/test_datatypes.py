"""In charge of showing how each database's words for a column become those of the API, exact attribute by attribute."""

from __future__ import annotations

from typing import Any

import pytest

from core.catalog import derive
from core.catalog.datatypes import default_of, from_mysql, from_postgres, from_sqlite
from core.catalog.model import Column


def seen(column: Column) -> tuple[str, str, str | None, bool]:
    return column.datatype, column.family, column.length, column.signed


SQLITE = {
    "INTEGER": ("INT", "integer", "10", True),
    "INT": ("INT", "integer", "10", True),
    "INT UNSIGNED": ("INT", "integer", "10", False),
    "INT(11) UNSIGNED": ("INT", "integer", "10", False),
    "int unsigned(11)": ("INT", "integer", "10", False),
    "TINYINT(1)": ("TINYINT", "integer", "3", True),
    "TINYINT(1) UNSIGNED": ("TINYINT", "integer", "3", False),
    "SMALLINT": ("SMALLINT", "integer", "5", True),
    "MEDIUMINT": ("MEDIUMINT", "integer", "7", True),
    "BIGINT": ("BIGINT", "bigint", "19", True),
    "BIGINT(20) UNSIGNED": ("BIGINT", "bigint", "20", False),
    "UNSIGNED BIG INT": ("BIGINT", "bigint", "20", False),
    "BOOLEAN": ("TINYINT", "boolean", "3", True),
    "VARCHAR(255)": ("VARCHAR", "text", "255", True),
    "NVARCHAR(160)": ("VARCHAR", "text", "160", True),
    "character varying (20)": ("VARCHAR", "text", "20", True),
    "VARCHAR": ("TEXT", "text", None, True),
    "CHAR(3)": ("CHAR", "text", "3", True),
    "LONGTEXT": ("LONGTEXT", "text", None, True),
    "CLOB": ("TEXT", "text", None, True),
    "": ("TEXT", "text", None, True),
    "uuid": ("CHAR", "text", "36", True),
    "DECIMAL(10,2)": ("DECIMAL", "decimal", "10,2", True),
    "NUMERIC(10, 2)": ("DECIMAL", "decimal", "10,2", True),
    "DECIMAL(5)": ("DECIMAL", "decimal", "5,0", True),
    "NUMERIC": ("DECIMAL", "decimal", None, True),
    "FLOAT": ("FLOAT", "float", None, True),
    "DOUBLE PRECISION": ("DOUBLE", "float", None, True),
    "REAL": ("DOUBLE", "float", None, True),
    "BLOB": ("BLOB", "binary", None, True),
    "VARBINARY(16)": ("BLOB", "binary", None, True),
    "DATE": ("DATE", "date", None, True),
    "TIME": ("TIME", "time", None, True),
    "DATETIME": ("DATETIME", "datetime", None, True),
    "TIMESTAMP": ("TIMESTAMP", "datetime", None, True),
    "JSON": ("JSON", "json", None, True),
    "FLOATING POINT": ("INT", "integer", "10", True),  # SQLite's own rule: it contains INT
    "STRANGE": ("TEXT", "text", None, True),
}


@pytest.mark.parametrize("declared", SQLITE)
def test_sqlite_parses_the_declared_type(declared: str) -> None:
    assert seen(from_sqlite("c", declared=declared)) == SQLITE[declared]


POSTGRES: dict[tuple[str, int], tuple[str, str, str | None]] = {
    ("int2", -1): ("SMALLINT", "integer", "5"),
    ("int4", -1): ("INT", "integer", "10"),
    ("int8", -1): ("BIGINT", "bigint", "20"),
    ("bool", -1): ("TINYINT", "boolean", "3"),
    ("numeric", (10 << 16 | 2) + 4): ("DECIMAL", "decimal", "10,2"),
    ("numeric", (5 << 16 | 0x7FE) + 4): ("DECIMAL", "decimal", "5,-2"),
    ("numeric", -1): ("DECIMAL", "decimal", None),
    ("float4", -1): ("FLOAT", "float", None),
    ("float8", -1): ("DOUBLE", "float", None),
    ("varchar", 259): ("VARCHAR", "text", "255"),
    ("varchar", -1): ("TEXT", "text", None),
    ("bpchar", 7): ("CHAR", "text", "3"),
    ("text", -1): ("TEXT", "text", None),
    ("citext", -1): ("TEXT", "text", None),
    ("bytea", -1): ("BLOB", "binary", None),
    ("bit", 8): ("BIT", "bit", "8"),
    ("json", -1): ("JSON", "json", None),
    ("jsonb", -1): ("JSON", "json", None),
    ("uuid", -1): ("CHAR", "uuid", "36"),
    ("date", -1): ("DATE", "date", None),
    ("time", 0): ("TIME", "time", None),
    ("timestamp", 0): ("DATETIME", "datetime", None),
    ("timestamptz", -1): ("DATETIME", "datetimetz", None),
    ("_int4", -1): ("TEXT", "other", None),
    ("inet", -1): ("TEXT", "other", None),
    ("interval", -1): ("TEXT", "other", None),
}


@pytest.mark.parametrize("name, modifier", POSTGRES)
def test_postgres_types_get_mysql_names(name: str, modifier: int) -> None:
    column = from_postgres("c", type_name=name, native=name, modifier=modifier)
    assert seen(column) == (*POSTGRES[name, modifier], True)


def test_postgres_enums_are_texts_with_a_cast() -> None:
    column = from_postgres("c", type_name="mood", native='"my mood"', is_enum=True)
    assert seen(column) == ("VARCHAR", "other", "255", True)
    assert column.native == '"my mood"'
    assert derive.column_type(column) == "string"


POSTGRES_DEFAULTS: dict[str | None, tuple[str | None, bool, bool]] = {
    None: (None, False, False),
    "'draft'::character varying": ("draft", True, False),
    "'it''s'::text": ("it's", True, False),
    "'a::b'::text": ("a::b", True, False),
    "NULL::character varying": (None, False, False),
    "0": ("0", True, False),
    "'-1'::integer": ("-1", True, False),
    "(-1)": ("-1", True, False),
    "1.50": ("1.50", True, False),
    "true": ("1", True, False),
    "false": ("0", True, False),
    "now()": ("now()", True, True),
    "CURRENT_TIMESTAMP": ("CURRENT_TIMESTAMP", True, True),
    "('now'::text)::date": ("('now'::text)::date", True, True),
    "(1 + 1)": ("1 + 1", True, True),
    "lower('X'::text)": ("lower('X'::text)", True, True),
    "'{}'::jsonb": ("{}", True, False),
    "'2020-01-01 00:00:00'::timestamp without time zone": ("2020-01-01 00:00:00", True, False),
}


@pytest.mark.parametrize("default", POSTGRES_DEFAULTS)
def test_postgres_defaults_lose_their_casts(default: str | None) -> None:
    column = from_postgres("c", type_name="text", native="text", default=default)
    assert (column.default, column.has_default, column.default_is_expression) == POSTGRES_DEFAULTS[default]


def test_postgres_sequences_and_identities_are_automatic() -> None:
    serial = from_postgres("id", type_name="int4", native="integer", default="nextval('t_id_seq'::regclass)")
    by_default = from_postgres("id", type_name="int4", native="integer", identity="d")
    always = from_postgres("id", type_name="int4", native="integer", identity="a")
    assert [(c.auto_increment, c.has_default, c.default, c.generated) for c in (serial, by_default, always)] == [
        (True, True, None, False),
        (True, True, None, False),
        (True, True, None, True),
    ]


def mysql(column_type: str, **more: Any) -> Column:
    data_type = column_type.split("(")[0].split()[0]
    return from_mysql("c", data_type=data_type, column_type=column_type, nullable=True, default=None, **more)


MYSQL: list[tuple[Column, tuple[str, str, str | None, bool]]] = [
    (mysql("tinyint(1)", precision=3, scale=0), ("TINYINT", "integer", "3", True)),
    (mysql("tinyint(1) unsigned", precision=3, scale=0), ("TINYINT", "integer", "3", False)),
    (mysql("int(10) unsigned", precision=10, scale=0), ("INT", "integer", "10", False)),
    (mysql("bigint(20)", precision=19, scale=0), ("BIGINT", "bigint", "19", True)),
    (mysql("bigint(20) unsigned", precision=20, scale=0), ("BIGINT", "bigint", "20", False)),
    (mysql("decimal(10,2)", precision=10, scale=2), ("DECIMAL", "decimal", "10,2", True)),
    (mysql("decimal(10,0)", precision=10, scale=0), ("DECIMAL", "decimal", "10,0", True)),
    (mysql("float", precision=12), ("FLOAT", "float", "12", True)),
    (mysql("double(8,3)", precision=8, scale=3), ("DOUBLE", "float", "8,3", True)),
    (mysql("varchar(255)", characters=255), ("VARCHAR", "text", "255", True)),
    (mysql("char(36)", characters=36), ("CHAR", "text", "36", True)),
    (mysql("text", characters=65535), ("TEXT", "text", None, True)),
    (mysql("longtext", characters=4294967295), ("LONGTEXT", "text", None, True)),
    (mysql("enum('a','b')", characters=1), ("ENUM", "text", None, True)),
    (mysql("set('a','b')", characters=3), ("SET", "text", None, True)),
    (mysql("varbinary(16)", characters=16), ("VARBINARY", "binary", "16", True)),
    (mysql("longblob", characters=4294967295), ("LONGBLOB", "binary", None, True)),
    (mysql("bit(8)", precision=8), ("BIT", "bit", "8", True)),
    (mysql("date"), ("DATE", "date", None, True)),
    (mysql("datetime"), ("DATETIME", "datetime", None, True)),
    (mysql("timestamp"), ("TIMESTAMP", "datetimetz", None, True)),
    (mysql("year(4)"), ("YEAR", "integer", None, True)),
    (mysql("json"), ("JSON", "json", None, True)),
    (mysql("json", native_json=False), ("LONGTEXT", "text", None, True)),
    (mysql("uuid"), ("CHAR", "uuid", "36", True)),
    (mysql("point"), ("POINT", "other", None, True)),
]


@pytest.mark.parametrize("column, expected", MYSQL, ids=[f"{c.native}-{number}" for number, (c, _) in enumerate(MYSQL)])
def test_mysql_keeps_its_names(column: Column, expected: tuple[str, str, str | None, bool]) -> None:
    assert seen(column) == expected


@pytest.mark.parametrize(
    "column_type, default, extra, maria, expected",
    [
        ("varchar(9)", "'draft'", "", True, ("draft", True, False)),
        ("varchar(9)", "NULL", "", True, (None, False, False)),
        ("varchar(9)", "'NULL'", "", True, ("NULL", True, False)),
        ("varchar(9)", r"'it''s \\ a\nb'", "", True, ("it's \\ a\nb", True, False)),
        ("int(11)", "0", "", True, ("0", True, False)),
        ("datetime", "current_timestamp()", "", True, ("current_timestamp()", True, True)),
        ("bit(2)", "b'10'", "", True, ("2", True, False)),
        ("varchar(9)", "draft", "", False, ("draft", True, False)),
        ("varchar(9)", "'quoted'", "", False, ("'quoted'", True, False)),
        ("varchar(9)", None, "", False, (None, False, False)),
        ("bit(2)", "b'10'", "", False, ("2", True, False)),
        ("datetime", "CURRENT_TIMESTAMP", "DEFAULT_GENERATED", False, ("CURRENT_TIMESTAMP", True, True)),
        ("datetime", "CURRENT_TIMESTAMP", "", False, ("CURRENT_TIMESTAMP", True, True)),
        ("varchar(9)", "uuid()", "DEFAULT_GENERATED", False, ("uuid()", True, True)),
    ],
)
def test_mysql_defaults(
    column_type: str, default: str | None, extra: str, maria: bool, expected: tuple[str | None, bool, bool]
) -> None:
    column = from_mysql(
        "c",
        data_type=column_type.split("(")[0],
        column_type=column_type,
        nullable=True,
        default=default,
        extra=extra,
        quoted_default=maria,
    )
    assert (column.default, column.has_default, column.default_is_expression) == expected


def test_collations_that_ignore_case_are_known() -> None:
    assert mysql("text", collation="utf8mb4_general_ci").nocase
    assert not mysql("text", collation="utf8mb4_bin").nocase
    assert from_postgres("c", type_name="citext", native="citext").nocase
    assert from_sqlite("c", declared="TEXT", nocase=True).nocase


@pytest.mark.parametrize(
    "text, expected",
    [
        ("'a'", ("a", False)),
        ('"a"', ("a", False)),
        ("''", ("", False)),
        ("('x')", ("x", False)),
        ("((1))", ("1", False)),
        ("(1)+(2)", ("(1)+(2)", True)),
        ("+5", ("5", False)),
        ("1e3", ("1e3", False)),
        ("TRUE", ("1", False)),
        ("null", (None, False)),
        ("", (None, False)),
        ("CURRENT_TIMESTAMP", ("CURRENT_TIMESTAMP", True)),
        ("'a' || 'b'", ("'a' || 'b'", True)),
    ],
)
def test_defaults_are_values_or_expressions(text: str, expected: tuple[str | None, bool]) -> None:
    assert default_of(text) == expected


@pytest.mark.parametrize(
    "declared, expected",
    [
        ("TINYINT(1)", "integer"),
        ("BOOLEAN", "boolean"),
        ("BIGINT", "integer"),
        ("YEAR", "integer"),
        ("DECIMAL(9,2)", "decimal"),
        ("DOUBLE", "decimal"),
        ("BLOB", "binary"),
        ("BIT(3)", "binary"),
        ("DATETIME", "datetime"),
        ("TIMESTAMP", "datetime"),
        ("DATE", "date"),
        ("TIME", "time"),
        ("CHAR(3)", "string"),
        ("LONGTEXT", "string"),
        ("JSON", "json"),
        ("STRANGE", "string"),
    ],
)
def test_types_of_columns_without_a_row(declared: str, expected: str) -> None:
    assert derive.column_type(from_sqlite("c", declared=declared)) == expected
