"""In charge of the key tree of project configuration (spec 01 §13): names, defaults, kinds. It must not read anything.

Keys match whatever their case, `_` and `-`; unknown keys are dropped, except below the open branches (`ext` …).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

FALSE_TEXTS = frozenset({"", "0", "false", "off", "no"})


class ConfigurationError(Exception):
    """A setting cannot be used; the text says which and why, and never holds a secret."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A key with a value. `kind`: text, int, bool, list. A `default` of None makes the key optional."""

    kind: str
    default: Any = None


@dataclass(frozen=True, slots=True)
class Open:
    """A branch whose names are the operator's. `child`: what stands below each name; None = anything."""

    child: Branch | None = None


Branch = Mapping[str, "Leaf | Open | Branch"]


def _text(default: str | None = None) -> Leaf:
    return Leaf("text", default)


def _int(default: int | None = None) -> Leaf:
    return Leaf("int", default)


def _bool(default: bool) -> Leaf:
    return Leaf("bool", default)


def _list(*default: str) -> Leaf:
    return Leaf("list", default)


SCRIPTS = (
    "php", "php3", "php4", "php5", "phtml", "phar", "cgi", "pl", "asp", "aspx", "jsp", "htaccess", "htpasswd",
)  # fmt: skip
"""Extensions of files that another server of the same folder might run (spec 04 §3.4)."""

PROVIDER: Branch = {
    "enabled": _bool(True),
    "type": _text(),
    "client_id": _text(),
    "client_secret": _text(),
    "base_url": _text(),
    "issuer": _text(),
    "scopes": _list(),
    "graph_api_version": _text("v2.8"),
    "hosted_domain": _text("*"),
    "use_oidc_mode": _bool(True),
    "identifier": _text(),
    "secret": _text(),
    "callback_url": _text(),
    "icon": _text(),
}

TREE: Branch = {
    "env": _text("production"),
    "public_url": _text(),
    "maintenance": _bool(False),
    "logger": {"path": _text()},
    "database": {
        "type": _text("mysql"),
        "host": _text("localhost"),
        "port": _int(),
        "name": _text("directus"),
        "username": _text("root"),
        "password": _text("root"),
        "engine": _text("InnoDB"),
        "charset": _text("utf8mb4"),
        "socket": _text(""),
        "driver_options": Open(),
        "pool_size": _int(10),
        "statement_timeout": _int(60),
    },
    "cache": {
        "enabled": _bool(False),
        "response_ttl": _int(3600),
        "max_bytes": _int(67108864),
        "pool": {
            "adapter": _text("filesystem"),
            "path": _text("../cache/"),
            "host": _text("localhost"),
            "port": _int(6379),
            "auth": _text(),
            "socket": _text(),
            "url": _text(),
        },
    },
    "events": {"url": _text()},
    "webhooks": {
        "allow_hosts": _list(),
        "secret": _text(),
        "timeout": _int(10),
        "attempts": _int(8),
        "log_days": _int(30),
    },
    "imports": {"max_size": _int(104857600)},
    "storage": {
        "adapter": _text("local"),
        "root": _text("public/uploads/_/originals"),
        "root_url": _text("/uploads/_/originals"),
        "thumb_root": _text("public/uploads/_/generated"),
        "proxy_downloads": _bool(False),
        "key": _text(),
        "secret": _text(),
        "region": _text(),
        "version": _text(),
        "bucket": _text(),
        "endpoint": _text(),
        "options": {"ACL": _text(), "CacheControl": _text("max-age=604800")},
        "OSS_ACCESS_ID": _text(),
        "OSS_ACCESS_KEY": _text(),
        "OSS_BUCKET": _text(),
        "OSS_ENDPOINT": _text(),
        "azure_connection_string": _text(),
        "azure_container": _text(),
        "max_upload_size": _int(104857600),
        "blocked_extensions": _list(*SCRIPTS),
        "public_originals": _bool(True),
    },
    "assets": {"formats": _list("avif", "webp"), "private": _bool(False)},
    "files": {
        "remote_import": _bool(True),
        "remote_import_allow_hosts": _list(),
        "embeds": _bool(True),
    },
    "mail": {
        "default": {
            "transport": _text("sendmail"),
            "from": _text("admin@example.com"),
            "host": _text(),
            "port": _int(),
            "username": _text(),
            "password": _text(),
            "encryption": _text(),
            "sendmail": _text(),
            "cc": _list(),
            "bcc": _list(),
            "path": _text(),
            "force_from": _bool(True),
        }
    },
    "cookie": {"same_site": _text("Lax"), "secure": _bool(False)},
    "cors": {
        "enabled": _bool(True),
        "origin": _list("*"),
        "methods": _list("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"),
        "headers": _list(),
        "exposed_headers": _list(),
        "max_age": _int(),
        "credentials": _bool(False),
    },
    "graphql": {
        "max_depth": _int(10),
        "max_fields": _int(2000),
        "max_tokens": _int(8000),
        "max_batch": _int(20),
        "max_operations": _int(100),
        "max_sockets": _int(1000),
        "max_rows": _int(10_000),
        "introspection": _bool(True),
    },
    "rate_limit": {
        "enabled": _bool(False),
        "limit": _int(100),
        "interval": _int(60),
        "adapter": _text("redis"),
        "host": _text("127.0.0.1"),
        "port": _int(6379),
        "timeout": _int(10),
    },
    "auth": {
        "secret_key": _text(),
        "public_key": _text(""),
        "retired_keys": Open({"secret_key": _text(), "until": _text()}),
        "ttl": _int(20),
        "hashing": {"time": _int(3), "memory": _int(65536), "parallelism": _int(4)},
        "social_providers": Open(PROVIDER),
        "reveal_reset_errors": _bool(False),
        "reset_url_allow_list": _list(),
        "sso_redirect_allow_list": _list(),
        "sso_code_exchange": _bool(False),
        "sso_allow_hosts": _list(),
    },
    "hooks": {
        "actions": Open(),
        "filters": Open(),
        "timeout": _int(5),
        "action_timeout": _int(30),
        "endpoint_timeout": _int(60),
        "queue": _int(1000),
    },
    "scim": {"compat": _text("rfc"), "external_id": _text("rfc")},
    "tableBlacklist": _list(),
    "ext": Open(),
}


NAMED = frozenset({"mail"})
"""Branches whose names are the operator's, of which one is used: `default`, or else the first (spec 04 §8.1)."""


def plain(key: str) -> str:
    """A key as it is compared: no case, no `_`, no `-`."""
    return key.replace("_", "").replace("-", "").lower()


def normalize(given: Mapping[str, Any], branch: Branch = TREE, path: str = "") -> Mapping[str, Any]:
    """The complete frozen tree: what was given under its proper names and kinds, defaults for the rest.

    Raises ConfigurationError for a value of the wrong kind.
    """
    found = {plain(key): value for key, value in given.items()}
    result: dict[str, Any] = {}
    for name, node in branch.items():
        result[name] = _value(node, found.get(plain(name)), plain(name) in found, f"{path}{name}")
    return MappingProxyType(result)


def _value(node: Leaf | Open | Branch, value: Any, given: bool, path: str) -> Any:
    if isinstance(node, Leaf):
        return _leaf(node, value, path) if given else node.default
    if not given or value is None or value == [] or value == "":
        value = {}  # PHP writes an empty map as an empty list
    if isinstance(node, Open):
        if isinstance(value, Mapping):
            return MappingProxyType({str(key): _entry(node, one, f"{path}.{key}") for key, one in value.items()})
        return _frozen(value)
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{path} must be a table of keys")
    if path in NAMED and "default" not in map(plain, value):
        value = {"default": next((one for one in value.values() if isinstance(one, Mapping)), {})}
    return normalize(value, node, f"{path}.")


def _entry(node: Open, value: Any, path: str) -> Any:
    if node.child is None or not isinstance(value, Mapping):
        return _frozen(value)  # a provider that is no map is ignored by who reads it (spec 02 §7.1)
    return normalize(value, node.child, f"{path}.")


def _leaf(leaf: Leaf, value: Any, path: str) -> Any:
    if value is None:
        return leaf.default if leaf.kind != "list" else ()
    if leaf.kind == "bool":
        return _truth(value, path)
    if leaf.kind == "int":
        return _number(value, leaf, path)
    if leaf.kind == "list":
        return _items(value, path)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ConfigurationError(f"{path} must be text")
    return str(value)


def _truth(value: Any, path: str) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in FALSE_TEXTS
    if isinstance(value, (bool, int)):
        return bool(value)
    raise ConfigurationError(f"{path} must be true or false")


def _number(value: Any, leaf: Leaf, path: str) -> int | None:
    if isinstance(value, str) and not value.strip():
        default: int | None = leaf.default
        return default
    try:
        if isinstance(value, bool):
            raise ValueError
        return int(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{path} must be a whole number") from None


def _items(value: Any, path: str) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    elif isinstance(value, Mapping):
        # PHP lists and lists from environment variables arrive as maps of positions.
        value = [value[key] for key in sorted(value, key=lambda key: (len(str(key)), str(key)))]
    if not isinstance(value, Sequence):
        raise ConfigurationError(f"{path} must be a list")
    return tuple(str(one) for one in value if one not in ("", None))


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType({str(key): _frozen(one) for key, one in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(one) for one in value)
    return value


def from_environment(variables: Mapping[str, str], prefix: str = "DIRECTUS_") -> dict[str, Any]:
    """The tree that variables like DIRECTUS_AUTH_SECRETKEY or DIRECTUS_CORS_ORIGIN_0 describe, before `normalize`.

    A key of several words may be written joined (SECRETKEY) or with `_` (SECRET_KEY). What fits no key is dropped.
    """
    tree: dict[str, Any] = {}
    for variable in sorted(variables):
        if variable.startswith(prefix):
            path = _path(variable[len(prefix) :].split("_"), TREE)
            if path:
                _put(tree, path, variables[variable])
    return tree


def _path(words: list[str], node: Leaf | Open | Branch) -> list[str] | None:
    if isinstance(node, Leaf):
        number = len(words) == 1 and words[0].isdecimal() and node.kind == "list"
        return words if not words or number else None
    if not words:
        return None
    if isinstance(node, Open):
        if node.child is None:
            return [word.lower() for word in words]
        rest = _path(words[1:], node.child)
        return [words[0].lower(), *rest] if rest else None
    for count in range(1, len(words) + 1):
        joined = plain("".join(words[:count]))
        for name, child in node.items():
            if plain(name) == joined:
                rest = _path(words[count:], child)
                if rest is not None:
                    return [name, *rest]
    return None


def _put(tree: dict[str, Any], path: Iterable[str], value: str) -> None:
    *parents, last = path
    for name in parents:
        below = tree.get(name)
        if not isinstance(below, dict):
            # DIRECTUS_CORS_ORIGIN together with DIRECTUS_CORS_ORIGIN_0: the list wins, as it is more precise.
            below = tree[name] = {}
        tree = below
    tree[last] = value


def lookup(tree: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """The value under a dotted path of proper names ("auth.ttl"), `default` when there is none or it is None."""
    value: Any = tree
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
        if value is None:
            return default
    return value
