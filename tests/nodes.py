"""In charge of npm clients that talk to a server under test: whether they are there, and scripts of them that run.

TABULARIUM_TEST_NODE_MODULES  the folder with the packages of tests/node/package-lock.json
TABULARIUM_REQUIRE_NODE       1: a test that needs them fails where they are absent, instead of being skipped
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parent / "node"
WITHIN = 30.0
LONGEST_LINE = 2**24


def modules(*packages: str) -> tuple[str, Path]:
    """Node, and the folder that has these packages; the test is skipped, or fails, where they are absent."""
    folder = Path(os.environ.get("TABULARIUM_TEST_NODE_MODULES") or SCRIPTS / "node_modules")
    node = shutil.which("node")
    if node is None or not all((folder / package).is_dir() for package in packages):
        reason = f"node and {', '.join(packages)} are not there: npm ci --prefix tests/node"
        if os.environ.get("TABULARIUM_REQUIRE_NODE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return node, folder.resolve()


async def start(script: str, *arguments: str, packages: tuple[str, ...]) -> asyncio.subprocess.Process:
    """A script of tests/node, running, with all three streams open."""
    node, folder = modules(*packages)
    return await asyncio.create_subprocess_exec(
        node,
        str(SCRIPTS / script),
        *arguments,
        env={**os.environ, "NODE_PATH": str(folder)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )


async def output(script: str, *arguments: str, packages: tuple[str, ...]) -> Any:
    """What a script prints as JSON; it must end without a fault."""
    running = await start(script, *arguments, packages=packages)
    out, err = await asyncio.wait_for(running.communicate(), WITHIN)
    assert running.returncode == 0, err.decode()
    return json.loads(out)


class Refused(Exception):
    """A call of the client was rejected: `code` as text, `number` as it was sent, `status` of the answer."""

    def __init__(self, message: str, code: str | None, number: int | None, status: int | None) -> None:
        super().__init__(f"{status} {number}: {message}")
        self.message, self.code, self.number, self.status = message, code, number, status


@dataclass(slots=True)
class Sdk:
    """@directus/sdk-js in a process of its own. Its public methods are called by their names."""

    process: asyncio.subprocess.Process
    called: set[str] = field(default_factory=set)
    _ids: Any = field(default_factory=lambda: count(1))

    def __getattr__(self, name: str) -> Any:
        self.called.add(name)
        return lambda *arguments: self.ask("client", name, *arguments)

    async def ask(self, on: str, call: str, *arguments: Any) -> Any:
        """What a call resolves to. `on`: client, its `api`, or our `own` part of the script. Raises Refused."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = {"id": next(self._ids), "on": on, "call": call, "args": arguments}
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        await self.process.stdin.drain()
        told = await asyncio.wait_for(self.process.stdout.readline(), WITHIN)
        found = json.loads(told)
        assert found["id"] == line["id"]
        if "error" in found:
            raise Refused(**found["error"])
        return found["value"]

    async def refused(self, name: str, *arguments: Any) -> tuple[int | None, int | None]:
        """Status and code with which a method is rejected."""
        try:
            found = await getattr(self, name)(*arguments)
        except Refused as error:
            told = error
        else:
            raise AssertionError(f"{name} resolved to {found}")
        assert told.code == str(told.number)
        return told.status, told.number


@asynccontextmanager
async def sdk(address: str, **options: Any) -> AsyncIterator[Sdk]:
    """A client of the project main of the server at this address."""
    given = {"url": f"http://{address}/", "project": "main", **options}
    process = await start("sdk.cjs", json.dumps(given), packages=("@directus/sdk-js",))
    try:
        yield Sdk(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert process.stderr is not None
        err = await process.stderr.read()
        assert await asyncio.wait_for(process.wait(), WITHIN) == 0, err.decode()
        assert err == b"", err.decode()
