"""In charge of one project's configuration as frozen data, and of the words the rest uses for it. It reads no files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.settings.tree import ConfigurationError, from_environment, lookup, normalize

__all__ = ["ConfigurationError", "CorsConfig", "DatabaseConfig", "ProjectConfig"]

DIALECTS = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgres": "postgres",
    "postgresql": "postgres",
    "pgsql": "postgres",
    "sqlite": "sqlite",
}
SCHEMES = {"mysql": "mysql", "postgres": "postgresql", "sqlite": "sqlite"}
PORTS = {"mysql": 3306, "postgres": 5432}

# What the example files of the reference product carry, and what people write before they think of a secret.
PLACEHOLDERS = frozenset({"secret", "changeme", "replaceme", "secretkey", "yoursecretkey", "placeholder"})
SHORT_KEY = 14
"""Fewer bytes than this (112 bits) are accepted, as v8 does, and warned of."""


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """Where the database is. `dialect`: mysql, postgres, sqlite; for sqlite `name` is a file."""

    dialect: str
    name: str
    host: str = "localhost"
    port: int | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    socket: str = ""
    pool_size: int = 10
    statement_timeout: int = 60
    """Seconds a statement of a request may take; 0 = any time. Changes of the schema are not bound by it."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def url(self, data: Path) -> str:
        """The URL to open; a relative SQLite file lies below the data folder."""
        if self.dialect == "sqlite":
            return f"sqlite:///{data / self.name}"
        login = quote(self.username, safe="")
        if self.password:
            login += ":" + quote(self.password, safe="")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEMES[self.dialect]}://{login}@{host}:{self.port}/{quote(self.name, safe='')}"


@dataclass(frozen=True, slots=True)
class CorsConfig:
    """Cross-origin rules (spec 04 §9)."""

    enabled: bool = True
    origin: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
    headers: tuple[str, ...] = ()
    exposed_headers: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """One project's configuration. `tree` holds every key of spec 01 §13 under its proper name, with defaults."""

    key: str
    private: bool
    database: DatabaseConfig
    cors: CorsConfig
    secret_key: str = field(repr=False)
    public_key: str
    tree: Mapping[str, Any] = field(repr=False)
    retired_keys: tuple[tuple[str, float], ...] = field(default=(), repr=False)
    """Secrets that were replaced, and the unix times until which what they have signed is taken."""

    @classmethod
    def of(cls, key: str, given: Mapping[str, Any], *, private: bool = False) -> ProjectConfig:
        """Configuration from a nested mapping as files hold it.

        Raises ConfigurationError for an unknown database type, a wrong kind of value, a missing or placeholder secret,
        a replaced secret without an end.
        """
        tree = normalize(given)
        return cls(
            key=key,
            private=private,
            database=_database(tree["database"]),
            cors=CorsConfig(**tree["cors"]),
            secret_key=_secret(tree["auth"]["secret_key"]),
            public_key=tree["auth"]["public_key"],
            tree=tree,
            retired_keys=_retired(tree["auth"]["retired_keys"]),
        )

    @classmethod
    def of_environment(cls, variables: Mapping[str, str]) -> ProjectConfig:
        """The project `_` from DIRECTUS_* variables. Raises ConfigurationError."""
        return cls.of("_", from_environment(variables))

    def get(self, path: str, default: Any = None) -> Any:
        """The value under a dotted path such as "auth.ttl"; `default` when it is not set."""
        return lookup(self.tree, path, default)

    @property
    def table_blacklist(self) -> frozenset[str]:
        """Tables that this server must not show (spec 01 §13)."""
        return frozenset(self.tree["tableBlacklist"])

    @property
    def has_short_secret(self) -> bool:
        """The key that signs tokens is shorter than is good."""
        return len(self.secret_key.encode()) < SHORT_KEY


def _database(given: Mapping[str, Any]) -> DatabaseConfig:
    dialect = DIALECTS.get(given["type"].lower())
    if dialect is None:
        raise ConfigurationError(f"database.type must be one of {', '.join(sorted(DIALECTS))}")
    if not given["name"]:
        raise ConfigurationError("database.name must not be empty")
    return DatabaseConfig(
        dialect=dialect,
        name=given["name"],
        host=given["host"],
        port=given["port"] or PORTS.get(dialect),
        username=given["username"],
        password=given["password"],
        socket=given["socket"],
        pool_size=max(1, given["pool_size"]),
        statement_timeout=max(0, given["statement_timeout"]),
        options=given["driver_options"],
    )


def _secret(value: str | None) -> str:
    if value is None or not value.strip():
        raise ConfigurationError("auth.secret_key is missing: whoever guesses it can sign in as anybody")
    bare = value.strip()
    letters = "".join(letter for letter in bare.lower() if letter.isalnum())
    if (bare.startswith("<") and bare.endswith(">")) or letters in PLACEHOLDERS:
        raise ConfigurationError("auth.secret_key is a placeholder: put a random text there")
    return value


def _retired(given: Any) -> tuple[tuple[str, float], ...]:
    found: list[tuple[str, float]] = []
    for name, one in given.items() if isinstance(given, Mapping) else ():
        path = f"auth.retired_keys.{name}"
        if not isinstance(one, Mapping) or not one.get("secret_key") or not one.get("until"):
            raise ConfigurationError(f"{path} needs secret_key and until")
        try:
            until = datetime.fromisoformat(one["until"].strip())
        except ValueError:
            raise ConfigurationError(f"{path}.until must be a moment such as 2030-01-31T12:00:00Z") from None
        found.append((one["secret_key"], until.replace(tzinfo=until.tzinfo or UTC).timestamp()))
    return tuple(found)
