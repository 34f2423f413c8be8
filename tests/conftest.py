"""In charge of what every test may ask for: an event loop, a fresh database of each dialect, Redis, shared material.

It must not build anything of Tabularium: a folder of tests that needs a project has its own conftest.

A test that asks for `database_url` runs once for each of sqlite, postgres and mysql, on a database of its own. To pay
for a database once per module, depend on `dialect` (session scope) in a fixture of your own and open
`tests.backends.fresh_database(dialect, folder)` there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from tests import backends

ROOT = Path(__file__).resolve().parent.parent

# A database answers as fast as the machine lets it: a deadline per example would fail at random.
hypothesis.settings.register_profile("tabularium", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tabularium")


@dataclass(frozen=True, slots=True)
class RedisSpace:
    """A Redis server, and the prefix that every key of the test must have."""

    url: str
    prefix: str


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests and fixtures run on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session", params=backends.DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """The name of a dialect: sqlite, postgres or mysql; skipped where the database does not answer."""
    name: str = request.param
    _need(name)
    return name


@pytest.fixture
def database_url(dialect: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, empty database of the dialect, dropped after the test."""
    with backends.fresh_database(dialect, tmp_path) as url:
        yield url


@pytest.fixture
def redis_space() -> Iterator[RedisSpace]:
    """A Redis server with a key prefix of the test's own; skipped where none answers."""
    _need("redis")
    with backends.fresh_redis_prefix() as prefix:
        yield RedisSpace(backends.backend("redis").url, prefix)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material (sample databases, captured answers); skipped with a reason where it is absent."""
    folder = Path(os.environ.get("TABULARIUM_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("there is no folder of shared material; set TABULARIUM_SHARED")
    return folder.resolve()


def _need(name: str) -> None:
    found = backends.backend(name)
    if not found.available:
        pytest.skip(f"{name}: {found.reason}")


# Which backends ran


def pytest_sessionstart(session: pytest.Session) -> None:
    try:
        missing = backends.missing_required()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if missing:
        raise pytest.UsageError("required, but absent: " + "; ".join(f"{one.name}: {one.reason}" for one in missing))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in sorted(_backends_of(item)):
            item.user_properties.append(("backend", name))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("backend"):
        for name in mark.args:
            _need(name)


def _backends_of(item: pytest.Item) -> set[str]:
    names = {name for mark in item.iter_markers("backend") for name in mark.args}
    if "redis_space" in getattr(item, "fixturenames", ()):
        names.add("redis")
    callspec = getattr(item, "callspec", None)
    dialect = callspec.params.get("dialect") if callspec else None
    return names | ({dialect} if dialect in backends.DIALECTS else set())


def pytest_report_header() -> list[str]:
    return [f"backend {one.name}: {one.server or 'absent, ' + one.reason}" for one in backends.backends()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            ran.update(name for key, name in report.user_properties if key == "backend")
    terminalreporter.section("backends", sep="-")
    for one in backends.backends():
        if one.available:
            terminalreporter.write_line(f"{one.name:9} {ran[one.name]:5} tests on {one.server}")
        else:
            terminalreporter.write_line(f"{one.name:9} skipped: {one.reason}")
