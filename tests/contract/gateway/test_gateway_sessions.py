"""In charge of how sessions are set up and how values arrive."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.db import errors
from core.db.gateway import Store
from tests.contract.gateway.support import count, run


async def test_sessions_are_set_up_alike(store: Store, dialect: str) -> None:
    for scope in (store.read, store.write):
        async with scope() as connection:
            if dialect == "sqlite":
                found = [
                    await connection.value(f"PRAGMA {name}") for name in ("foreign_keys", "journal_mode", "synchronous")
                ]
                assert found == [1, "wal", 1]
            elif dialect == "postgres":
                assert await connection.value("SHOW TimeZone") == "UTC"
                assert await connection.value("SHOW lock_timeout") == "20s"
            else:
                row = await connection.row(
                    "SELECT @@sql_mode, @@time_zone, @@character_set_client, @@autocommit, @@tx_isolation"
                )
                assert row is not None
                assert tuple(row) == (
                    "NO_AUTO_VALUE_ON_ZERO,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
                    "+00:00",
                    "utf8mb4",
                    1,
                    "READ-COMMITTED",
                )


async def test_several_statements_in_one_text_are_refused(store: Store) -> None:
    """A second line of defence: text that got into a statement cannot begin another one."""
    with pytest.raises(errors.QueryRejected):
        async with store.write() as connection:
            await run(connection, "UPDATE t SET n = ? WHERE id = 1; DELETE FROM t", (1,))
    assert await count(store) == 2


async def test_values_arrive_as_the_contract_says(store: Store, dialect: str) -> None:
    async with store.read() as connection:
        if dialect == "sqlite":
            row = await connection.row("SELECT 1, 1.5, 'x', X'00ff', NULL")
            expected: tuple[Any, ...] = (1, 1.5, "x", b"\x00\xff", None)
        elif dialect == "postgres":
            row = await connection.row(
                """SELECT '{"a": 1}'::json, '{"a":1}'::jsonb, 1.50::numeric, true, '\\x00ff'::bytea"""
            )
            expected = ('{"a": 1}', '{"a": 1}', Decimal("1.50"), True, b"\x00\xff")
        else:
            await make_mysql_values(store)
            row = await connection.row("SELECT d, t, dt, ts6, y, amount, bits, body, doc FROM v WHERE id = 1")
            expected = (
                "2020-02-03", "-25:06:07", "2020-02-03 04:05:06", "2020-02-03 04:05:06.120000",
                2020, Decimal("1.50"), b"\x05", b"\x00\xff", '{"a": 1}',
            )  # fmt: skip
        assert row is not None
        assert tuple(row) == expected


@pytest.mark.parametrize("dialect", ["mysql"], indirect=True)
async def test_zero_dates_are_text(store: Store) -> None:
    await make_mysql_values(store)
    async with store.read() as connection:
        row = await connection.row("SELECT d, dt, ts6 FROM v WHERE id = %s", (2,))
        assert row is not None
        assert tuple(row) == ("0000-00-00", "0000-00-00 00:00:00", "0000-00-00 00:00:00.000000")
        chunks = [chunk async for chunk in connection.stream("SELECT d FROM v ORDER BY id")]
        assert [tuple(row) for chunk in chunks for row in chunk] == [("2020-02-03",), ("0000-00-00",)]


async def make_mysql_values(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(
            "CREATE TABLE v (id INT, d DATE, t TIME, dt DATETIME, ts6 DATETIME(6), y YEAR, amount DECIMAL(10,2), "
            "bits BIT(3), body BLOB, doc JSON)"
        )
        await connection.execute(
            "INSERT INTO v VALUES (1, '2020-02-03', '-25:06:07', '2020-02-03 04:05:06', '2020-02-03 04:05:06.12', "
            "2020, 1.5, b'101', X'00ff', '{\"a\": 1}'), "
            "(2, '0000-00-00', NULL, '0000-00-00', '0000-00-00', NULL, NULL, NULL, NULL, NULL)"
        )


@pytest.mark.parametrize("dialect", ["mysql"], indirect=True)
async def test_warnings_are_neither_read_nor_logged(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The driver would log them, with the values that they are about."""
    async with store.write() as connection:
        assert await connection.rows("SELECT %s + 0", ("1 secret",)) == ((1.0,),)
        await connection.execute("INSERT IGNORE INTO t (id, name) VALUES (%s, %s)", (1, "secret"))
        await connection.execute_many("INSERT IGNORE INTO t (id, name) VALUES (%s, %s)", [(1, "secret"), (2, "secret")])
        assert [chunk async for chunk in connection.stream("SELECT %s + 0", ("1 secret",))] == [[(1.0,)]]
    assert caplog.text == ""
