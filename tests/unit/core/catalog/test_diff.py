"""In charge of the diff of two models as data: which steps, in which order, and their way back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.catalog.change import (
    AddColumn,
    AddUnique,
    AlterColumn,
    ColumnSpec,
    CreateTable,
    DeleteRow,
    DropColumn,
    DropTable,
    DropUnique,
    InsertRow,
    Model,
    TableSpec,
    UpdateRow,
    destroys,
    inverse,
)
from core.catalog.diff import diff, row_steps, table_steps
from core.catalog.settle import NOW, number, same_type, settled

KEY = ColumnSpec("id", "INT", "11", signed=False, nullable=False, primary_key=True, auto_increment=True)
TITLE = ColumnSpec("title", "VARCHAR", "255")
DIALECTS = ("sqlite", "postgres", "mysql")


def table(*columns: ColumnSpec, name: str = "t", uniques: tuple[tuple[str, ...], ...] = ()) -> TableSpec:
    return TableSpec(name, (KEY, *columns), uniques)


def steps(one: TableSpec | None, other: TableSpec | None, dialect: str = "mysql") -> list[object]:
    old, new = ({} if spec is None else {spec.name: spec} for spec in (one, other))
    return list(table_steps(old, new, dialect))


def test_tables_come_and_go() -> None:
    spec = table(TITLE)
    assert steps(None, spec) == [CreateTable(spec)]
    assert steps(spec, None) == [DropTable(spec)]
    assert steps(spec, spec) == []


def test_columns_come_change_and_go_in_an_order_that_can_run() -> None:
    code = ColumnSpec("code", "VARCHAR", "10", unique=True)
    longer = replace(TITLE, length="300")
    found = steps(table(TITLE, code), table(longer, ColumnSpec("n", "INT", unique=True, signed=False)))
    assert found == [
        AlterColumn("t", settled(TITLE, "mysql"), longer),
        AddColumn("t", ColumnSpec("n", "INT", signed=False)),
        AddUnique("t", ("n",)),
        DropColumn("t", settled(code, "mysql")),
    ]


def test_a_unique_key_goes_before_and_comes_after_all_else() -> None:
    one = table(replace(TITLE, unique=True), ColumnSpec("a", "INT"), ColumnSpec("b", "INT"))
    other = table(replace(TITLE, length="20"), ColumnSpec("a", "INT"), ColumnSpec("b", "INT"), uniques=(("a", "b"),))
    assert [type(step) for step in steps(one, other)] == [DropUnique, AlterColumn, AddUnique]
    assert steps(other, table(TITLE, ColumnSpec("a", "INT")))[-1:] == [
        DropColumn("t", settled(ColumnSpec("b", "INT"), "mysql"))
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_database_does_not_tell_apart_is_no_difference(dialect: str) -> None:
    same = [
        (ColumnSpec("x", "int", "11"), ColumnSpec("x", "INTEGER")),
        (ColumnSpec("x", "DECIMAL", "10"), ColumnSpec("x", "NUMERIC", "10,0")),
        (ColumnSpec("x", "DECIMAL", "10,2", default="0"), ColumnSpec("x", "DECIMAL", "10, 2", default="0.00")),
        (ColumnSpec("x", "DATETIME", default="now()"), ColumnSpec("x", "DATETIME", default="CURRENT_TIMESTAMP")),
        (ColumnSpec("x", "VARCHAR", "9", signed=False), ColumnSpec("x", "VARCHAR", "9", signed=True)),
    ]
    if dialect == "postgres":
        same += [
            (ColumnSpec("x", "CHAR", "9"), ColumnSpec("x", "VARCHAR", "9")),
            (ColumnSpec("x", "TINYTEXT"), ColumnSpec("x", "LONGTEXT")),
            (ColumnSpec("x", "INT", signed=False), ColumnSpec("x", "MEDIUMINT")),
        ]
    if dialect == "sqlite":
        same += [(ColumnSpec("x", "BLOB", comment="x"), ColumnSpec("x", "VARBINARY", "9"))]
    for one, other in same:
        assert steps(table(one), table(other), dialect) == [], (one, other)


def test_settling_twice_is_settling_once() -> None:
    for dialect in DIALECTS:
        for spec in (
            KEY,
            ColumnSpec("x", "TINYINT", "1", type="boolean", default="true"),
            ColumnSpec("x", "SERIAL"),
            ColumnSpec("x", "ENUM", "'a','b''c'"),
            ColumnSpec("x", "BIT", default="1"),
            ColumnSpec("x", "DATETIME", default="timezone('UTC'::text, now())"),
            ColumnSpec("x", "JSON", native="jsonb", default="'{}'::jsonb", expression=True),
        ):
            once = settled(spec, dialect)
            assert settled(once, dialect) == once


def test_booleans_are_a_type_on_postgres_only() -> None:
    flag, digit = ColumnSpec("x", "TINYINT", type="boolean"), ColumnSpec("x", "TINYINT", type="integer")
    for dialect in DIALECTS:
        assert same_type(settled(flag, dialect), settled(digit, dialect)) == (dialect != "postgres")


def test_numbers_and_moments_have_one_form() -> None:
    assert [number(text) for text in ("0.00", "1.50", "true", "1e3", "-0", "x")] == ["0", "1.5", "1", "1000", "0", "x"]
    assert settled(ColumnSpec("x", "TIMESTAMP", default="current_timestamp()"), "mysql").default == NOW


def test_a_primary_key_is_not_moved() -> None:
    other = TableSpec("t", (ColumnSpec("key", "INT", primary_key=True),))
    with pytest.raises(ValueError, match="cannot be moved"):
        steps(table(TITLE), other)


def test_rows_go_come_and_change() -> None:
    old = Model(
        collections={("a",): {"note": None, "hidden": False}, ("b",): {"note": "x"}},
        fields={("a", "x"): {"sort": 1}, ("b", "y"): {"sort": 1}},
        relations={("b", "y"): {"collection_one": "a"}},
    )
    new = Model(
        collections={("a",): {"note": "A", "hidden": False}, ("c",): {"note": None}},
        fields={("a", "x"): {"sort": 1}, ("c", "z"): {"sort": 2}},
    )
    assert list(row_steps(old, new)) == [
        DeleteRow("directus_relations", ("b", "y")),
        DeleteRow("directus_fields", ("b", "y")),
        DeleteRow("directus_collections", ("b",)),
        UpdateRow("directus_collections", ("a",), {"note": "A"}),
        InsertRow("directus_collections", ("c",), {"note": None}),
        InsertRow("directus_fields", ("c", "z"), {"sort": 2}),
    ]
    assert row_steps(new, new) == ()


def test_what_destroys_comes_after_the_rows() -> None:
    old = Model(tables={"t": table(TITLE), "u": table(name="u")}, fields={("t", "title"): {}})
    new = Model(tables={"t": table(ColumnSpec("n", "INT"))}, fields={("t", "n"): {}})
    found = [type(step) for step in diff(old, new, "mysql")]
    assert found == [AddColumn, DeleteRow, InsertRow, DropColumn, DropTable]


def test_steps_have_a_way_back_unless_they_destroy() -> None:
    spec = table(TITLE)
    longer = replace(TITLE, length="300")
    pairs = [
        (CreateTable(spec), DropTable(spec)),
        (AddColumn("t", TITLE), DropColumn("t", TITLE)),
        (AlterColumn("t", TITLE, longer), AlterColumn("t", longer, TITLE)),
        (AddUnique("t", ("title",)), DropUnique("t", ("title",))),
        (DropUnique("t", ("title",)), AddUnique("t", ("title",))),
        (DropTable(spec), None),
        (DropColumn("t", TITLE), None),
    ]
    for step, back in pairs:
        assert inverse(step) == back
        assert destroys(step) == (back is None)


def test_mysql_keeps_no_blanks_at_the_end_of_a_char() -> None:
    spec = ColumnSpec("code", "CHAR", "10", default=" a ")
    assert settled(spec, "mysql").default == " a"
    assert settled(spec, "postgres").default == " a "
