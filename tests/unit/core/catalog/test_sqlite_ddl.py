"""In charge of showing that collations are found in any CREATE TABLE that SQLite would take."""

from __future__ import annotations

import pytest

from core.catalog.sqlite_ddl import collations


@pytest.mark.parametrize(
    "sql, expected",
    [
        ("CREATE TABLE t (a TEXT COLLATE NOCASE, b TEXT)", {"a": "NOCASE"}),
        ("create table t(a varchar(10) collate nocase not null,b int)", {"a": "NOCASE"}),
        (
            'CREATE TABLE "t (x" ("a,b" TEXT COLLATE "nocase", [c d] TEXT COLLATE RTRIM)',
            {"a,b": "NOCASE", "c d": "RTRIM"},
        ),
        ("CREATE TABLE t (`a``b` TEXT DEFAULT 'x, COLLATE y' COLLATE BINARY)", {"a`b": "BINARY"}),
        ("CREATE TABLE t (a TEXT, -- COLLATE NOCASE\n b TEXT /* , COLLATE NOCASE */)", {}),
        ("CREATE TABLE t (a TEXT CHECK (a = b COLLATE NOCASE), b TEXT COLLATE NOCASE)", {"b": "NOCASE"}),
        ("CREATE TABLE t (a TEXT, UNIQUE (a COLLATE NOCASE))", {}),
        ("CREATE TABLE t (a DECIMAL(10, 2), b TEXT COLLATE nocase) WITHOUT ROWID", {"b": "NOCASE"}),
        ("CREATE VIRTUAL TABLE t USING fts5(a, b)", {}),
        ("CREATE TABLE t (", {}),
        ("", {}),
    ],
)
def test_collations(sql: str, expected: dict[str, str]) -> None:
    assert collations(sql) == expected
