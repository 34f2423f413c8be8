"""In charge of how a database URL and its options are read."""

from __future__ import annotations

from typing import Any

import pytest

from core.db.gateway.options import Options, Target, target
from core.errors import InvalidDatabaseConnection


def read(url: str, **given: Any) -> Target:
    return target(url, Options(), given)


@pytest.mark.parametrize(
    "url, file",
    [
        ("sqlite:///data.db", "data.db"),
        ("sqlite:////var/data.db", "/var/data.db"),
        ("sqlite:////var/data.db?lock_timeout=9", "/var/data.db"),
        ("sqlite:////var/my%20data.db", "/var/my data.db"),
        ("sqlite+aiosqlite:///data.db", "data.db"),
    ],
)
def test_an_sqlite_url_is_a_file(url: str, file: str) -> None:
    found = read(url)
    assert (found.dialect, found.file) == ("sqlite", file)


@pytest.mark.parametrize(
    "url, name, place",
    [
        ("postgres://u:p@h:1/d", "postgres", "postgresql://u:p@h:1/d"),
        ("postgresql+asyncpg://u@h/d", "postgres", "postgresql://u@h/d"),
        ("mysql://u@h/d", "mysql", "mysql+asyncmy://u@h/d"),
        ("mariadb://u:p%40@h/d", "mysql", "mysql+asyncmy://u:p%40@h/d"),
        ("mysql+pymysql://u@h/d?pool_size=3", "mysql", "mysql+asyncmy://u@h/d"),
        ("postgresql:///d?host=/run/pg", "postgres", "postgresql:///d?host=%2Frun%2Fpg"),
    ],
)
def test_a_server_url_names_our_driver(url: str, name: str, place: str) -> None:
    found = read(url)
    assert (found.dialect, str(found.place), found.file) == (name, place, "")


def test_a_socket_folder_comes_as_an_option() -> None:
    assert read("postgresql:///d?host=/run/pg").place.hostname == "/run/pg"


def test_keywords_win_over_the_url() -> None:
    options = read("mysql://u@h/d?max_size=3&min_size=2&statement_timeout=1.5&ssl=true", pool_size=7).options
    assert (options.pool_size, options.min_size, options.statement_timeout, options.ssl) == (7, 2, 1.5, True)


@pytest.mark.parametrize("given, ssl", [("false", False), ("disable", False), ("require", "require"), ("1", True)])
def test_ssl_words(given: str, ssl: object) -> None:
    assert read(f"postgresql://u@h/d?sslmode={given}").options.ssl == ssl


@pytest.mark.parametrize(
    "url",
    ["", "nothing", "oracle://x/y", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x", "sqlite:///x?nonsense=1"],
)
def test_what_is_refused(url: str) -> None:
    with pytest.raises(InvalidDatabaseConnection) as caught:
        read(url)
    assert caught.value.code == 19


def test_a_refusal_does_not_repeat_the_url() -> None:
    with pytest.raises(InvalidDatabaseConnection) as caught:
        read("oracle://u:secret@h/d")
    assert "secret" not in str(caught.value)
