"""In charge of the proof for schema as code: what comes of one document is the other, wherever it began.

TABULARIUM_DOCUMENT_EXAMPLES: examples per database (8).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from core.accounts import as_operator
from core.ddl import code
from core.ddl.document.admit import admit
from core.ddl.document.render import rendered
from core.ddl.document.text import dumps, loads
from core.projects import Project
from tests import backends
from tests.projects import project
from tests.security.documents import documents

EXAMPLES = int(os.environ.get("TABULARIUM_DOCUMENT_EXAMPLES") or 8)


class Ground:
    """A project on a loop that outlives the examples."""

    def __init__(self, url: str, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.project: Project = self.do(self.stack.enter_async_context(project(url, folder)))
        self.empty = self.do(self.taken())

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def close(self) -> None:
        self.do(self.stack.aclose())
        self.runner.close()

    async def taken(self) -> dict[str, Any]:
        return await code.snapshot(await as_operator(self.project))

    async def freshen(self) -> None:
        """MariaDB keeps room for columns that were dropped, until the rows of a wide table are too large for it."""
        store = await self.project.store()
        if store.dialect == "mysql":
            async with store.write() as connection:
                await connection.execute("ALTER TABLE directus_users FORCE")

    async def become(self, document: Any) -> dict[str, Any]:
        """Apply a document; its difference is none afterwards. What is there then comes back."""
        shown = await code.diff(await as_operator(self.project), document)
        await code.apply(await as_operator(self.project), document, shown.plan, allow_destructive=True)
        left = await code.diff(await as_operator(self.project), document)
        assert left.steps == (), left.steps
        return await self.taken()


@pytest.fixture(scope="module")
def ground(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("documents")
    with backends.fresh_database(dialect, folder) as url:
        found = Ground(url, folder / "data")
        yield found
        found.close()


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(old=documents(), new=documents())
def test_a_project_becomes_what_the_document_says(ground: Ground, old: Any, new: Any) -> None:
    ground.do(_pair(ground, old, new))


async def _pair(ground: Ground, old: Any, new: Any) -> None:
    assert await ground.become(ground.empty) == ground.empty
    await ground.freshen()
    straight = await ground.become(new)
    assert loads(dumps(straight)) == straight
    assert rendered(admit(straight)) == straight
    await ground.become(old)
    # From another beginning the same comes about, and from what was taken as well.
    assert await ground.become(new) == straight
    assert await ground.become(old) == await ground.become(await ground.taken())
    assert await ground.become(straight) == straight
