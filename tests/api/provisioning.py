"""In charge of a server for tests of SCIM, and of asking it: what it answers, what it refuses and leaves unchanged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from tests.api.newsroom import Newsroom, newsroom
from tests.backends import fresh_database

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ADMIN = "7ab0a001-0000-8000-8000-000000000001"
"""The id of user 1, who has no `external_id`."""
ADMINISTRATORS, PUBLIC = "7ab0a002-0000-8000-8000-000000000001", "7ab0a002-0000-8000-8000-000000000002"
TABLES = ("directus_users", "directus_roles", "directus_activity", "directus_revisions", "directus_permissions")


@asynccontextmanager
async def provisioned(dialect: str, folder: Path) -> AsyncIterator[Newsroom]:
    """A newsroom with a member (`member-token`); no row has an id of SCIM, as Directus 8 and SQL leave rows."""
    with fresh_database(dialect, folder) as url:
        async with newsroom(url, folder / "data") as server:
            await server.hire()
            for name in ("directus_users", "directus_roles"):
                await server.store.run_sync(partial(_forget_ids, name))
            yield server


def _forget_ids(name: str, connection: sa.Connection) -> None:
    connection.execute(sa.text(f"UPDATE {name} SET external_id = NULL"))


async def emptied(server: Newsroom) -> Newsroom:
    """The server without what a test has left: users 1 to 5 and roles 1 to 6 stay."""
    for name, where in zip(TABLES, ("id > 5", "id > 6", "id > 0", "id > 0", "role > 6"), strict=True):
        await server.rows_away(name, where)
    return server


async def ask(api: Newsroom, method: str, path: str, body: Any = None, **more: Any) -> Any:
    """The body of an answer that is a success, None of one without a body."""
    answer = await api.ask(method, f"/scim/v2{path}", **({} if body is None else {"json": body}), **more)
    assert answer.status_code < 300, answer.text
    if not answer.content:
        return None
    assert answer.headers["content-type"] == "application/scim+json;charset=utf-8"
    return answer.json()


async def refusal(api: Newsroom, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str | None]:
    """Status and keyword of a refusal."""
    answer = await api.ask(method, f"/scim/v2{path}", **({} if body is None else {"json": body}), **more)
    assert answer.headers["content-type"] == "application/scim+json", answer.text
    told = answer.json()
    assert told["schemas"] == [ERROR]
    assert told["status"] == str(answer.status_code)
    assert told["detail"]
    return answer.status_code, told.get("scimType")


async def refused(api: Newsroom, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str | None]:
    """The same of one that has changed nothing."""
    async with unchanged(api):
        return await refusal(api, method, path, body, **more)


@asynccontextmanager
async def unchanged(api: Newsroom) -> AsyncIterator[None]:
    """What is done within changes nothing."""
    before = await everything(api)
    yield
    assert await everything(api) == before


async def everything(api: Newsroom) -> Any:
    """All that SCIM could change."""

    def read(connection: sa.Connection) -> Any:
        selects = [connection.execute(sa.text(f"SELECT * FROM {name} ORDER BY id")) for name in TABLES]
        return [[tuple(row) for row in rows] for rows in selects]

    return await api.store.run_sync(read, write=False)


async def make(api: Newsroom, own: str = "ada", /, **more: Any) -> Any:
    """A new user with this id."""
    return await ask(api, "POST", "/Users", {"userName": f"{own}@example.org", "externalId": own, **more})


async def row(api: Newsroom, columns: str, own: str) -> Any:
    """Columns of the user with an id, beside the product."""
    [found] = await api.rows(f"SELECT {columns} FROM directus_users WHERE external_id = '{own}'")
    return tuple(found)


async def found(api: Newsroom, text: str, kind: str = "Users", **more: Any) -> list[str]:
    """The names of what a filter finds."""
    answer = await ask(api, "GET", f"/{kind}?filter={quote(text)}", **more)
    assert answer["totalResults"] == len(answer["Resources"])
    return [one["userName" if kind == "Users" else "displayName"].partition("@")[0] for one in answer["Resources"]]


def patch(*operations: Any) -> Any:
    """The body of a PATCH."""
    return {"schemas": [PATCH], "Operations": list(operations)}
