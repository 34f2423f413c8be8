"""In charge of showing that every rule of the house fails when it is broken, and only then."""

from __future__ import annotations

import pytest

from tests.architecture import rules

KNOWN = frozenset({
    "core.access", "core.access.load", "core.access.policy", "core.catalog.model", "core.db.gateway", "core.engine",
    "core.errors", "core.query.plan", "core.sql.read", "core.write.pipeline", "schema.build", "schema.execute",
    "schema.names",
})  # fmt: skip

BROKEN = [
    ("core_stands_alone", "core.engine", "import graphql.type"),
    ("core_stands_alone", "core.engine", "from ariadne import QueryType"),
    ("core_stands_alone", "core.cli", "def serve():\n    from starlette.requests import Request"),
    ("core_stands_alone", "core.query.plan", "from schema import names"),
    ("resolvers_know_doors_and_data", "resolvers.items", "from starlette.requests import Request"),
    ("resolvers_know_doors_and_data", "resolvers.items", "import sqlalchemy as sa"),
    ("resolvers_know_doors_and_data", "resolvers.items", "from schema import build"),
    ("resolvers_know_doors_and_data", "resolvers.items", "from core.write import pipeline"),
    ("resolvers_know_doors_and_data", "resolvers.system.auth", "from core.access.policy import Policy"),
    ("schema_knows_no_http", "schema.build", "from starlette.responses import Response"),
    ("schema_knows_no_http", "schema.build", "from ariadne.asgi import GraphQL"),
    ("schema_knows_no_http", "schema.build", "from core.projects import Projects"),
    ("schema_knows_no_http", "schema.collections", "from core.access import policy"),
    ("schema_knows_no_http", "schema.build", "from core.sql import read"),
    ("rest_adapter_only_translates", "rest_adapter.items", "from core import engine"),
    ("rest_adapter_only_translates", "rest_adapter.items", "from core.access.policy import Policy"),
    ("rest_adapter_only_translates", "rest_adapter.items", "from schema import build"),
    ("rest_adapter_only_translates", "rest_adapter.items", "import resolvers.items"),
    ("only_the_app_knows_the_adapter", "schema.execute", "from rest_adapter import routes"),
    ("only_the_app_knows_the_adapter", "core.cli", "from app import app"),
    ("one_room_for_databases", "core.db.run", "from databases import Database"),
    ("one_room_for_databases", "core.db.run", "import asyncpg.exceptions"),
    ("one_room_for_databases", "core.write.order", "from sqlalchemy import select"),
    ("one_room_for_databases", "core.sql.read", "from core.access import policy"),
    ("one_room_for_databases", "core.sql.read", "from core.session import Session"),
    ("core_points_down", "core.query.plan", "from core.access import policy"),
    ("core_points_down", "core.access.restrict", "from ..db import gateway"),
    ("core_points_down", "core.db.run", "from core.engine import read"),
    ("core_points_down", "core.write.order", "if TYPE_CHECKING:\n    from core.projects import Project"),
    ("core_points_down", "core.attic.box", "import typing"),
    ("no_global_state", "core.cache.store", "def f():\n    global entries"),
    ("no_global_state", "core.cache.store", "entries = {}"),
    ("no_global_state", "schema.registry", "current: ContextVar[str] = ContextVar('current')"),
    ("no_global_state", "core.query.plan", "@dataclass(slots=True)\nclass Node:\n    x: int"),
    ("pure_rooms_are_pure", "core.query.plan", "async def plan(): ..."),
    ("pure_rooms_are_pure", "core.types.dates", "import time"),
    ("pure_rooms_are_pure", "core.types.dates", "from os import environ"),
    ("pure_rooms_are_pure", "core.types.dates", "def now():\n    return datetime.datetime.now(UTC)"),
    ("pure_rooms_are_pure", "core.catalog.operations", "def key():\n    return uuid4()"),
    ("says_what_it_is_for", "core.query.plan", "x = 1"),
]

SOUND = [
    ("core_stands_alone", "schema.build", "import graphql"),
    ("core_stands_alone", "core.cli", "import uvicorn"),
    ("resolvers_know_doors_and_data", "resolvers.items", "from core.engine import read\nfrom core.query import plan"),
    ("schema_knows_no_http", "schema.endpoint", "from starlette.responses import Response"),
    ("schema_knows_no_http", "schema.execute", "from core.projects import Projects"),
    ("schema_knows_no_http", "schema.visibility", "from core.access.policy import Policy"),
    ("schema_knows_no_http", "schema.collections", "from core.catalog.model import Snapshot"),
    ("rest_adapter_only_translates", "rest_adapter.items", "from schema.execute import run\nfrom core import errors"),
    ("only_the_app_knows_the_adapter", "app", "from rest_adapter import routes"),
    ("one_room_for_databases", "core.db.gateway", "import databases, asyncpg, sqlalchemy"),
    ("one_room_for_databases", "core.db.gateway.sqlite", "import aiosqlite"),
    ("one_room_for_databases", "core.access.load", "from core.db import gateway"),
    ("core_points_down", "core.access.load", "from core.db import gateway"),
    ("core_points_down", "core.engine", "from core.projects import Project\nfrom core.write import pipeline"),
    ("core_points_down", "core.session", "if TYPE_CHECKING:\n    from core.projects import Project"),
    ("no_global_state", "core.types.text", "CASTS = {}\n__all__ = ['x']\nnames: tuple[str, ...] = ()"),
    ("no_global_state", "core.query.plan", "@dataclass(frozen=True, slots=True)\nclass Node:\n    x: int"),
    ("no_global_state", "core.query.change", "@dataclass\nclass WriteResult:\n    x: int"),
    ("no_global_state", "core.query.planner", "@dataclass\nclass _Builder:\n    x: int"),
    ("pure_rooms_are_pure", "core.catalog.load", "async def load(connection): await connection.rows()"),
    ("pure_rooms_are_pure", "core.db.run", "import time\nasync def run(): ..."),
    ("pure_rooms_are_pure", "core.types.dates", "from datetime import datetime\nx = datetime.fromisoformat('2020')"),
    ("says_what_it_is_for", "core.query.plan", '"""In charge of plans."""'),
]


def found(rule: str, name: str, source: str) -> list[tuple[int, str]]:
    return list({one.__name__: one for one in rules.RULES}[rule](rules.parse(name, source, KNOWN)))


@pytest.mark.parametrize("rule, name, source", BROKEN)
def test_a_broken_rule_is_found_once(rule: str, name: str, source: str) -> None:
    assert len(found(rule, name, source)) == 1


@pytest.mark.parametrize("rule, name, source", SOUND)
def test_a_sound_source_passes(rule: str, name: str, source: str) -> None:
    assert found(rule, name, source) == []


def test_every_rule_has_an_example_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BROKEN} == {rule.__name__ for rule in rules.RULES}


def test_a_violation_names_module_and_line() -> None:
    module = rules.parse("core.db.run", '"""In charge of x."""\n\nimport databases\n', KNOWN)
    assert rules.violations(module) == ["core.db.run:3 databases is imported by core/db/gateway only"]


def test_relative_imports_are_resolved() -> None:
    module = rules.parse("core.access.__init__", "from . import policy\nfrom ..query.plan import Node", KNOWN)
    assert [one.name for one in module.imports] == ["core.access.policy", "core.query.plan"]


def test_a_circle_is_found_even_inside_functions() -> None:
    known = {"core.a", "core.b", "core.c"}
    sources = {
        "core.a": "from core import b",
        "core.b": "def f():\n    import core.c",
        "core.c": "from core.a import x",
    }
    assert rules.cycles(rules.parse(name, text, known) for name, text in sources.items()) == [sorted(known)]
    sources["core.c"] = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core.a import x"
    assert rules.cycles(rules.parse(name, text, known) for name, text in sources.items()) == []
