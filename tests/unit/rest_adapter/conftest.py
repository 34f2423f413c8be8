"""In charge of a REST door whose schema is a fake: it keeps what it was asked and answers what the test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from graphql import GraphQLSchema, build_schema, print_ast, validate

import rest_adapter
from core.context import PUBLIC, Actor, Context
from core.errors import UnknownProject
from core.settings import CorsConfig

SCHEMA = """
scalar JSON
input Condition { field: String!, op: String! = "eq", value: JSON, or: Boolean! = false }
type Metadata { result_count: Int, total_count: Int, filter_count: Int, status_count: JSON, limit: Int, offset: Int,
  page: Int, page_count: Int }
type ArticlesItem { _row(fields: [String!] = ["*"]): JSON }
type Articles { data: [ArticlesItem], meta: Metadata }
type OddItem { _row_2(fields: [String!] = ["*"]): JSON }
type Odd { data: [OddItem], meta: Metadata }
type Info { json: JSON! }
type Query {
  articles(id: Int, ids: [ID!], where: [Condition!], q: String, sort: [String!], limit: Int, offset: Int, page: Int,
    status: [String!], lang: String, groups: [String!]): Articles
  articles_by_id(id: ID!, lang: String): ArticlesItem
  odd(q: String): Odd
  users_me: ArticlesItem
  project_info: Info!
}
type Login { token: String, user: JSON, tfa_pending: Boolean! }
type Mutation {
  create_articles_item(payload: JSON, lang: String, comment: String, activity_skip: Boolean): ArticlesItem
  create_articles_items(payload: JSON, lang: String, comment: String, activity_skip: Boolean): [ArticlesItem]
  update_articles_item(id: ID!, payload: JSON, lang: String, comment: String, activity_skip: Boolean): ArticlesItem
  update_articles_items(ids: [ID!]!, payload: JSON, comment: String, activity_skip: Boolean): [ArticlesItem]
  update_articles_batch(payload: JSON, comment: String, activity_skip: Boolean): [ArticlesItem]
  delete_articles_item(id: ID!, comment: String, activity_skip: Boolean): ID
  delete_articles_items(ids: [ID!]!, comment: String, activity_skip: Boolean): [ID]
  auth_authenticate(email: String, password: String, otp: String, mode: String): Login
}
"""
SERVER_SCHEMA = """
scalar JSON
type Query { server_ping: String!, server_projects: [String!]! }
type Mutation {
  create_project(payload: JSON): String
  delete_project(name: String!, super_admin_token: String): String
}
"""


class Names:
    """What `schema.names.Names` would say of two collections and a table without a key."""

    def __init__(self) -> None:
        slots = ("create_item", "create_items", "update_item", "update_items", "update_batch", "delete_item")
        named = {slot: f"{slot.split('_')[0]}_articles_{slot.split('_')[1]}" for slot in slots}
        operations = SimpleNamespace(
            read="articles", by_id="articles_by_id", delete_items="delete_articles_items", **named
        )
        no_key = dict.fromkeys([*slots, "by_id", "delete_items"])
        self.collections = {
            "articles": SimpleNamespace(operations=operations, row="_row"),
            "odd": SimpleNamespace(operations=SimpleNamespace(read="odd", **no_key), row="_row_2"),
        }

    def fixed(self, name: str) -> str:
        return name


@dataclass
class Door:
    """The fake of `schema.execute`, and a client in front of the REST door. `results`: by root field; an exception is
    the error of the operation."""

    results: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[Any, ...] = ()
    actor: Actor = PUBLIC
    rejected: bool = False
    refusal: Exception | None = None
    entered: list[dict[str, Any]] = field(default_factory=list)
    ran: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    paused: bool = False
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(cors=CorsConfig(), tree={}))

    def __post_init__(self) -> None:
        self.edition = self._edition(SCHEMA, Names())
        self.server_edition = self._edition(SERVER_SCHEMA, None)
        snapshot = SimpleNamespace(
            collections={"articles": 1, "odd": 1}, setting=lambda key, default=None: self.settings.get(key, default)
        )
        self.project = SimpleNamespace(key="main", config=self.config, opened=True, snapshot=snapshot, rates=None)
        self.app = rest_adapter.app(self, self, self._graphql, lambda project: self.paused)

    @staticmethod
    def _edition(sdl: str, names: Any) -> SimpleNamespace:
        schema: GraphQLSchema = build_schema(sdl)
        return SimpleNamespace(schema=schema, names=names, adapter={})

    def get(self, key: str) -> Any:
        if key != "main":
            raise UnknownProject
        return self.project

    async def enter(self, project: Any, credentials: Any, **facts: Any) -> Any:
        self.entered.append({"credentials": credentials, **facts})
        if self.refusal is not None:
            raise self.refusal
        context = Context(self.actor, datetime.now(UTC), credential_rejected=self.rejected)
        session = SimpleNamespace(actor=self.actor, context=context, snapshot=self.project.snapshot, stamp=None)
        return SimpleNamespace(edition=self.edition, session=session)

    async def renewed(self, visit: Any) -> Any:
        return visit

    async def again(self, visit: Any, outcome: Any) -> Any:
        return visit

    async def answered(self, visit: Any, members: dict[str, Any], request: Any) -> dict[str, Any]:
        return members

    async def heard(self, visit: Any, answer: Any, data: Any) -> None: ...

    def looked_at(self, visit: Any) -> bool:
        return False

    async def reported(self, visit: Any, error: BaseException) -> None: ...

    def server_visit(self, projects: Any, **facts: Any) -> Any:
        assert projects is self
        return SimpleNamespace(edition=self.server_edition, session=None)

    async def run(self, visit: Any, document: Any, variables: Mapping[str, Any], *, streams: bool) -> Any:
        assert validate(visit.edition.schema, document) == []
        self.ran.append((" ".join(print_ast(document).split()), dict(variables)))
        root = document.definitions[0].selection_set.selections[0].name.value
        found = self.results[root]
        errors = (SimpleNamespace(error=found, path=[root]),) if isinstance(found, Exception) else ()
        data = None if errors else {root: found}
        return SimpleNamespace(data=data, errors=errors, warnings=self.warnings, effects=(), stream=None)

    async def _graphql(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async def ask(self, method: str, url: str, **more: Any) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app, client=more.pop("client", ("192.0.2.7", 4711)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com") as client:
            return await client.request(method, url, **more)


@pytest.fixture
def door() -> Door:
    """A public caller at a project named main with the collections articles and odd."""
    return Door()


@pytest.fixture
def page() -> Callable[..., dict[str, Any]]:
    """The result of a list with these rows and counts."""

    def make(*rows: Any, **meta: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"data": [{"_row": row} for row in rows]}
        return {**found, "meta": meta} if meta else found

    return make
