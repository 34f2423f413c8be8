"""In charge of editions: made once, off the loop, kept while somebody may need them, reused when nothing changed."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from core.catalog.model import Snapshot
from core.settings import ProjectConfig
from schema import registry
from schema.limits import Limits
from schema.registry import Edition, edition, prepare, server_edition
from tests.shop import collection, key, shop


def project(**config: Any) -> Any:
    settings = ProjectConfig.of("main", {"auth": {"secret_key": "a secret of good length"}, **config})
    return SimpleNamespace(key="main", editions=None, prepare=None, config=settings)


async def test_an_edition_is_made_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = registry.make

    def watched(snapshot: Snapshot, limits: Limits, *more: Any) -> Edition:
        made.append(threading.current_thread().name)
        return real(snapshot, limits, *more)

    monkeypatch.setattr(registry, "make", watched)
    home, snapshot = project(), shop()
    found = await asyncio.gather(*(edition(home, snapshot) for _ in range(5)))
    assert len(made) == 1
    assert made[0] != threading.main_thread().name
    assert all(one is found[0] for one in found)
    assert await edition(home, snapshot) is found[0]


async def test_a_caller_that_gives_up_does_not_stop_the_others() -> None:
    home, snapshot = project(), shop()
    first = asyncio.create_task(edition(home, snapshot))
    second = asyncio.create_task(edition(home, snapshot))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).snapshot is snapshot


async def test_a_project_prepares_its_editions_itself_after_the_first() -> None:
    home = project()
    await edition(home, shop())
    assert home.prepare is prepare
    fresh = shop(collection("more", [key("more")]), version=2)
    await home.prepare(home, fresh)
    ready = home.editions.ready[2]
    assert await edition(home, fresh) is ready
    assert ready.names.read("more") == "more"


async def test_settings_and_policies_leave_the_schema_alone() -> None:
    home, snapshot = project(), shop()
    old = await edition(home, snapshot)
    new = await edition(home, replace(snapshot, version=2, settings={"a": "b"}))
    assert new is not old
    assert new.schema is old.schema
    assert new.documents is old.documents
    assert new.snapshot is not None
    assert new.snapshot.settings == {"a": "b"}


async def test_a_changed_blacklist_is_a_changed_schema() -> None:
    home, snapshot = project(), shop()
    old = await edition(home, snapshot)
    new = await edition(home, replace(snapshot, version=2, blacklisted=frozenset({("articles", "title")})))
    assert new.schema is not old.schema


async def test_old_editions_are_kept_for_requests_under_way_and_then_forgotten() -> None:
    home = project()
    snapshots = [shop(version=number) for number in range(1, 6)]
    made = [await edition(home, one) for one in snapshots]
    assert list(home.editions.ready) == [3, 4, 5]
    assert await edition(home, snapshots[2]) is made[2]


async def test_a_project_sets_its_own_limits() -> None:
    home = project(graphql={"max_depth": 3, "max_batch": 1})
    found = (await edition(home, shop())).documents.limits
    assert (found.relations, found.batch, found.fields) == (3, 1, 2000)


def test_the_server_has_one_edition_without_names() -> None:
    one = server_edition()
    assert server_edition() is one
    assert one.names is None
    assert sorted(one.schema.query_type.fields) == ["server_info", "server_ping", "server_projects"]  # type: ignore[union-attr]
    assert sorted(one.schema.mutation_type.fields) == ["create_project", "delete_project"]  # type: ignore[union-attr]
