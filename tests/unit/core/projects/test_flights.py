"""In charge of work of a project that runs once however many ask for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.projects import Project
from core.settings import ProjectConfig

CONFIG = ProjectConfig.of("main", {"auth": {"secret_key": "a long secret of this test"}})


async def test_who_asks_when_one_has_just_landed_gets_another(tmp_path: Path) -> None:
    """Else the change that he asks for would be seen by nobody: the one that landed has read what was before it."""
    project = Project(CONFIG, tmp_path)
    loop = asyncio.get_running_loop()
    flown: list[str] = []
    later: list[asyncio.Task[None]] = []

    async def second() -> None:
        flown.append("second")

    async def first() -> None:
        flown.append("first")
        # Runs when this has ended, and before anybody is told of it.
        loop.call_soon(lambda: later.append(project._start("reload", second)))

    landed = project._start("reload", first)
    assert project._start("reload", second) is landed
    await landed
    while not later:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert later[0] is not landed
    assert project._flights == {"reload": later[0]}
    await later[0]
    await asyncio.sleep(0)
    assert (flown, project._flights) == (["first", "second"], {})
