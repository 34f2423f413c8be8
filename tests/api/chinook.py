"""In charge of the Chinook music store behind both doors, made as an operator makes it: `tabularium project create`.

One spelling for three databases: tests write table and column names as Chinook's SQLite file has them; for PostgreSQL,
whose script names things in snake case, requests are respelled on the way out and answers on the way in. What must come
out is computed from that file with the standard library's driver, without Tabularium. It asserts no content.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

import app
from core import cli
from core.db.gateway import Store
from core.projects import Projects
from tests import backends
from tests.projects import projects
from tests.samples import load_chinook

TOKEN = "admin-token"
SQLITE_FILE = Path("data") / "chinook" / "Chinook_Sqlite_AutoIncrementPKs.sqlite"
# Table → columns; the key comes first, the junction has two.
TABLES: Mapping[str, tuple[str, ...]] = {
    "Album": ("AlbumId", "Title", "ArtistId"),
    "Artist": ("ArtistId", "Name"),
    "Customer": (
        "CustomerId", "FirstName", "LastName", "Company", "Address", "City", "State", "Country", "PostalCode", "Phone",
        "Fax", "Email", "SupportRepId",
    ),
    "Employee": (
        "EmployeeId", "LastName", "FirstName", "Title", "ReportsTo", "BirthDate", "HireDate", "Address", "City",
        "State", "Country", "PostalCode", "Phone", "Fax", "Email",
    ),
    "Genre": ("GenreId", "Name"),
    "Invoice": (
        "InvoiceId", "CustomerId", "InvoiceDate", "BillingAddress", "BillingCity", "BillingState", "BillingCountry",
        "BillingPostalCode", "Total",
    ),
    "InvoiceLine": ("InvoiceLineId", "InvoiceId", "TrackId", "UnitPrice", "Quantity"),
    "MediaType": ("MediaTypeId", "Name"),
    "Playlist": ("PlaylistId", "Name"),
    "PlaylistTrack": ("PlaylistId", "TrackId"),
    "Track": (
        "TrackId", "Name", "AlbumId", "MediaTypeId", "GenreId", "Composer", "Milliseconds", "Bytes", "UnitPrice",
    ),
}  # fmt: skip
COUNTS = {
    "Album": 347, "Artist": 275, "Customer": 59, "Employee": 8, "Genre": 25, "Invoice": 412, "InvoiceLine": 2240,
    "MediaType": 5, "Playlist": 18, "PlaylistTrack": 8715, "Track": 3503,
}  # fmt: skip


def snake(name: str) -> str:
    """The name that the PostgreSQL script has for it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


SNAKE = {name: snake(name) for table, columns in TABLES.items() for name in (table, *columns)}
PASCAL = {other: name for name, other in SNAKE.items()}
_WORD = re.compile("[A-Za-z]+")


def to_snake(text: str) -> str:
    """A document, URL or name with every word of Chinook respelled. A value must not be one of these words."""
    return _WORD.sub(lambda found: SNAKE.get(found[0], found[0]), text)


def respelled(value: Any, words: Callable[[str], str]) -> Any:
    """A JSON value with other names for its keys; the values of `collection` and `field` are names too."""
    if isinstance(value, dict):
        return {
            words(key): words(one) if key in ("collection", "field") and isinstance(one, str) else respelled(one, words)
            for key, one in value.items()
        }
    return [respelled(one, words) for one in value] if isinstance(value, list) else value


@dataclass(slots=True)
class Chinook:
    """The doors of a server with one project, `music`, and its database as others see it."""

    dialect: str
    projects: Projects
    app: Any
    beside: Store
    """A way into the database that the product does not know of."""
    source: sqlite3.Connection
    """What the database holds, in SQLite and in memory."""
    said: str
    """What `tabularium project create` said."""
    untouched: Mapping[str, Any] = field(default_factory=dict)
    """Checksums and table definitions as they were before the project was made."""

    # Names

    def name(self, name: str) -> str:
        return to_snake(name) if self.dialect == "postgres" else name

    def out(self, value: Any) -> Any:
        return respelled(value, to_snake) if self.dialect == "postgres" else value

    def back(self, value: Any) -> Any:
        return respelled(value, lambda key: PASCAL.get(key, key)) if self.dialect == "postgres" else value

    # Doors

    async def ask(self, method: str, path: str, token: str | None = TOKEN, **more: Any) -> httpx2.Response:
        """Ask as it stands; `path` is below the project."""
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com") as client:
            return await client.request(method, f"/music{path}", headers=headers, **more)

    async def rest(self, method: str, path: str, json: Any = None) -> Any:
        """The body of a successful REST request, None for 204; respelled both ways."""
        more = {} if json is None else {"json": self.out(json)}
        answer = await self.ask(method, self.name(path), **more)
        assert answer.status_code in (200, 204), answer.text
        return self.back(answer.json()) if answer.status_code == 200 else None

    async def get(self, path: str) -> Any:
        """The `data` of a successful GET."""
        return (await self.rest("GET", path))["data"]

    async def refusal(self, method: str, path: str, json: Any = None) -> tuple[int, Any]:
        """Status and code of a REST request that is refused; nothing may have changed."""
        before = await self.checksums() if method != "GET" else None
        more = {} if json is None else {"json": self.out(json)}
        answer = await self.ask(method, self.name(path), **more)
        assert before is None or await self.checksums() == before
        assert list(answer.json()) == ["error"], answer.text
        return answer.status_code, answer.json()["error"]["code"]

    async def graphql(self, document: str, **variables: Any) -> Any:
        """The whole body of a GraphQL answer, respelled both ways."""
        body = {"query": self.name(document), "variables": self.out(variables)}
        answer = await self.ask("POST", "/gql", json=body)
        assert answer.status_code == 200, answer.text
        return self.back(answer.json())

    async def data(self, document: str, **variables: Any) -> Any:
        """The `data` of a GraphQL answer without errors."""
        found = await self.graphql(document, **variables)
        assert list(found) == ["data"], found
        return found["data"]

    # Statements

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[list[int]]:
        """A list that holds, after the block, how many statements the product ran in it. Warm plans beforehand."""
        store = await self.projects.get("music").store()
        before, found = store.statements_total, []
        yield found
        found.append(store.statements_total - before)

    async def statements(self, work: Callable[[], Awaitable[Any]]) -> int:
        """Statements of one request, of which the second is counted: nothing is prepared any more."""
        await work()
        async with self.counting() as found:
            await work()
        return found[0]

    # The database itself

    def expected(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows as they must be, asked of the SQLite file."""
        return self.source.execute(sql, values).fetchall()

    def items(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The same as items, keys by column name."""
        cursor = self.source.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement, beside the product; names as in Chinook, quoted in double quotes."""
        if self.dialect == "postgres":
            sql = to_snake(sql)
        elif self.dialect == "mysql":
            sql = sql.replace('"', "`")
        return await self.beside.run_sync(
            lambda connection: [tuple(row) for row in connection.exec_driver_sql(sql)], write=False
        )

    async def checksums(self, tables: tuple[str, ...] = tuple(TABLES)) -> dict[str, tuple[int, str]]:
        """Rows and a hash over all of them, by table."""
        found = {}
        for table in tables:
            rows = sorted(repr(row) for row in await self.rows(f'SELECT * FROM "{table}"'))
            found[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
        return found

    async def history(self) -> tuple[int, int]:
        """How many activities and revisions there are."""
        (activities,) = await self.rows("SELECT COUNT(*) FROM directus_activity")
        (revisions,) = await self.rows("SELECT COUNT(*) FROM directus_revisions")
        return activities[0], revisions[0]


def definitions(connection: sa.Connection) -> dict[str, Any]:
    """What the database says of its own tables: columns, keys, foreign keys, indexes."""
    inspector = sa.inspect(connection)
    names = [name for name in inspector.get_table_names() if not name.startswith("directus_")]
    return {
        name: (
            [(one["name"], str(one["type"]), one["nullable"], one["default"]) for one in inspector.get_columns(name)],
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted(
                (one["constrained_columns"], one["referred_table"], one["referred_columns"])
                for one in inspector.get_foreign_keys(name)
            ),
            sorted((one["name"], one["column_names"]) for one in inspector.get_indexes(name)),
        )
        for name in sorted(names)
    }


@asynccontextmanager
async def chinook(dialect: str, shared: Path, folder: Path) -> AsyncIterator[Chinook]:
    """Chinook on a fresh database of the dialect, served by a project that the command line made."""
    with backends.fresh_database(dialect, folder) as url, _source(shared, dialect) as source:
        load_chinook(url, shared)
        beside = await Store.open(url, pool_size=2)
        try:
            before = Chinook(dialect, None, None, beside, source, "")  # type: ignore[arg-type]
            untouched = {
                "rows": await before.checksums(),
                "tables": await beside.run_sync(definitions, write=False),
            }
            said = await asyncio.to_thread(_create, url, folder / "data")
            async with projects(folder / "data") as found:
                yield Chinook(dialect, found, app.compose(found), beside, source, said, untouched)
        finally:
            await beside.close()


@contextmanager
def _source(shared: Path, dialect: str) -> Iterator[sqlite3.Connection]:
    """The SQLite file in memory, with the few values that the other scripts put differently into their databases."""
    if not (shared / SQLITE_FILE).exists():
        pytest.skip(f"{SQLITE_FILE.name} is not in the folder of shared material")
    connection = sqlite3.connect(":memory:")
    try:
        file = sqlite3.connect(f"file:{shared / SQLITE_FILE}?mode=ro", uri=True)
        file.backup(connection)
        file.close()
        if dialect == "mysql":  # a backslash in a literal escapes what follows
            connection.execute(r"UPDATE Track SET Name = REPLACE(Name, '\', '')")
        if dialect == "postgres":  # N'…' is of type char, whose blanks at the end are no part of the value
            connection.execute("UPDATE Customer SET City = RTRIM(City)")
            connection.execute("UPDATE Invoice SET BillingCity = RTRIM(BillingCity)")
        yield connection
    finally:
        connection.close()


def _create(url: str, data: Path) -> str:
    """`tabularium project create music --database URL`, as an operator types it."""
    arguments = ["project", "create", "music", "--database", url, "--password", "an Admin's pass-phrase"]
    result = CliRunner().invoke(
        cli.cli, [*arguments, "--token", TOKEN], env={"TABULARIUM_DATA": str(data)}, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())
