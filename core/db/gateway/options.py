"""In charge of reading a database URL and its options; opens nothing.

Options come as keywords, or as the URL's query string. They never stay in an SQLite URL, where they would become part
of the file's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import quote, urlencode

from databases import DatabaseURL

from core.errors import InvalidDatabaseConnection

_DIALECTS = {"sqlite": "sqlite", "postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
# The names that `databases` has for what we call otherwise.
_ALIASES = {"max_size": "pool_size", "timeout": "lock_timeout", "busy_timeout": "lock_timeout", "sslmode": "ssl"}
_SSL_WORDS: dict[str, bool | str] = {"true": True, "1": True, "false": False, "0": False, "disable": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a store behaves; times are seconds, None is without limit."""

    pool_size: int = 10
    min_size: int = 1
    readers: int = 4
    """Connections that SQLite reads run on."""
    connect_timeout: float = 5.0
    acquire_timeout: float = 30.0
    """How long a caller waits for a connection or for SQLite's writer."""
    lock_timeout: float = 10.0
    """How long a statement waits for a lock of another transaction or process."""
    statement_timeout: float | None = None
    loop_steps: int = 100_000
    """How many steps of its machine (some 30 a microsecond) an SQLite read may do on the event loop before it moves
    to a thread; 0 is straight to the thread."""
    synchronous: str = "NORMAL"
    statement_cache_size: int = 512
    ssl: Any = None
    """True, False, a driver's word, or an ssl.SSLContext."""
    host: str | None = None
    """The folder of PostgreSQL's socket."""
    unix_socket: str | None = None
    """The path of MySQL's socket."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a store connects to: `place` is the URL without options; `file` is SQLite's file, else empty."""

    dialect: str
    place: DatabaseURL
    file: str
    options: Options


def target(url: str, options: Options, given: Mapping[str, Any]) -> Target:
    """Read a URL. Later wins: `options`, the URL's query, `given`. Raises InvalidDatabaseConnection."""
    parsed = DatabaseURL(url)
    dialect = _DIALECTS.get(parsed.dialect)
    if dialect is None:
        raise InvalidDatabaseConnection("The database URL must begin with sqlite, postgresql or mysql")
    options = replace(options, **_coerced({**parsed.options, **given}))
    if options.synchronous.upper() not in ("OFF", "NORMAL", "FULL", "EXTRA"):
        raise InvalidDatabaseConnection("The database option synchronous must be OFF, NORMAL, FULL or EXTRA")
    if options.pool_size < 1 or options.readers < 1:
        raise InvalidDatabaseConnection("A database needs at least one connection")
    if dialect == "sqlite":
        file = parsed.database
        if not file or file == ":memory:" or file.startswith("file:"):
            # Each connection would see an empty database of its own.
            raise InvalidDatabaseConnection("An SQLite database must be a file")
        return Target(dialect, DatabaseURL(f"sqlite:///{quote(file)}"), file, options)
    scheme = {"postgres": "postgresql", "mysql": "mysql+asyncmy"}[dialect]
    # The host may come as an option: a socket's folder does not fit between // and /.
    query = urlencode({"host": options.host}) if options.host else ""
    return Target(dialect, parsed.replace(scheme=scheme, query=query), "", options)


def _coerced(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name: str(field.type) for field in fields(Options)}
    found: dict[str, Any] = {}
    for name, value in given.items():
        name = _ALIASES.get(name, name)
        if name not in known:
            raise InvalidDatabaseConnection(f"Unknown database option: {name}")
        if isinstance(value, str):
            value = _from_text(name, known[name], value)
        found[name] = value
    return found


def _from_text(name: str, kind: str, text: str) -> Any:
    try:
        if name == "ssl":
            return _SSL_WORDS.get(text.lower(), text)
        if kind == "int":
            return int(text)
        if kind.startswith("float"):
            return float(text)
    except ValueError:
        raise InvalidDatabaseConnection(f"The database option {name} must be a number") from None
    return text
