"""In charge of putting a new key in the place of the one that signs, in a configuration as it is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.settings.config import ProjectConfig
from core.settings.tree import plain


def rotated(
    given: Mapping[str, Any], config: ProjectConfig, *, secret: str, now: datetime, grace: timedelta
) -> dict[str, Any]:
    """The same configuration under a new secret.

    `config`: what `given` means. `now`: aware UTC. What the old key has signed is taken for the time of `grace`, and
    the secrets of webhooks stay as they are; without grace neither the old key nor those before it are trusted.
    """
    tree = dict(given)
    auth = _branch(tree, "auth")
    _put(auth, "secret_key", secret)
    kept: dict[str, Any] = {}
    if grace > timedelta():
        kept = {
            _text(until): {"secret_key": old, "until": _text(until)}
            for old, until in config.retired_keys
            if until > now.timestamp()
        }
        end = (now + grace).timestamp()
        kept[_text(end)] = {"secret_key": config.secret_key, "until": _text(end)}
        if not config.get("webhooks.secret"):
            _put(_branch(tree, "webhooks"), "secret", config.secret_key)
    _put(auth, "retired_keys", kept)
    return tree


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")


def _branch(tree: dict[str, Any], name: str) -> dict[str, Any]:
    """The branch of a name, in whatever spelling, as a copy that stands in its place."""
    found = _spelt(tree, name)
    inner = tree.get(found)
    tree[found] = dict(inner) if isinstance(inner, Mapping) else {}
    branch: dict[str, Any] = tree[found]
    return branch


def _put(branch: dict[str, Any], name: str, value: Any) -> None:
    branch[_spelt(branch, name)] = value


def _spelt(branch: Mapping[str, Any], name: str) -> str:
    return next((key for key in branch if plain(key) == plain(name)), name)
