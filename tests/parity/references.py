"""In charge of what recorded requests are about: which collection a path means, whose ids stand in which member.

It only describes the recorded session. It must not read answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

REFERENCES: Mapping[str, Mapping[str, str]] = {
    "articles": {
        "owner": "directus_users",
        "modified_by": "directus_users",
        "author": "authors",
        "cover": "directus_files",
        "comments": "comments",
        "categories": "articles_categories",
    },
    "authors": {},
    "articles_categories": {"articles_id": "articles", "categories_id": "categories"},
    "categories": {"parent": "categories"},
    "comments": {"article": "articles"},
    "homepage": {},
    "directus_activity": {"action_by": "directus_users"},
    "directus_collection_presets": {"user": "directus_users", "role": "directus_roles"},
    "directus_files": {"uploaded_by": "directus_users", "folder": "directus_folders"},
    "directus_folders": {"parent_folder": "directus_folders"},
    "directus_permissions": {"role": "directus_roles"},
    "directus_relations": {},
    "directus_revisions": {"activity": "directus_activity"},
    "directus_roles": {"users": "directus_users"},
    "directus_settings": {},
    "directus_user_sessions": {"user": "directus_users"},
    "directus_users": {"role": "directus_roles", "avatar": "directus_files"},
    "directus_webhooks": {},
}
"""Collections whose keys are numbers, with the members that hold the id, the item or the items of another one."""

ROWS = ("data", "delta")
"""Members of a revision that hold a row of the collection that the revision names."""

ROUTES = {
    "activity": "directus_activity",
    "collection_presets": "directus_collection_presets",
    "files": "directus_files",
    "folders": "directus_folders",
    "permissions": "directus_permissions",
    "relations": "directus_relations",
    "revisions": "directus_revisions",
    "roles": "directus_roles",
    "settings": "directus_settings",
    "users": "directus_users",
    "webhooks": "directus_webhooks",
}


def collection_of(path: str) -> str | None:
    """The collection whose items a path takes and answers; None: no items, or items without numbers for keys."""
    parts = path.partition("?")[0].strip("/").split("/")[1:]
    match parts:
        case [*_, "revisions"] | [*_, "revisions", _]:
            return "directus_revisions"
        case ["items", name, *_]:
            return name if name in REFERENCES else None
        case ["auth", "sessions"]:
            return "directus_user_sessions"
        case [name, *_]:
            return ROUTES.get(name)
        case _:
            return None


def keys_in(path: str) -> list[tuple[int, str]]:
    """The segments of a path (split at `/`) that are keys, by number, each with its collection."""
    parts = path.split("/")
    match parts:
        case ["", _, "items", name, _, "revert", _] if name in REFERENCES:
            return [(4, name), (6, "directus_revisions")]
        case ["", _, "items", name, _, *_] if name in REFERENCES:
            return [(4, name)]
        case ["", _, "activity", "comment", _]:
            return [(4, "directus_activity")]
        case ["", _, "auth", "logout", _]:
            return [(4, "directus_users")]
        case ["", _, name, _, *_] if name in ROUTES:
            return [(3, ROUTES[name])]
        case _:
            return []


def whose(collection: str | None, member: str, row: Mapping[str, Any]) -> str | None:
    """The collection whose id or items stand in a member of a row; None: it holds a plain value."""
    if collection is None:
        return None
    if member == "id":
        return collection
    if member in ("item", *ROWS) and collection in ("directus_revisions", "directus_activity"):
        named = row.get("collection")
        return named if named in REFERENCES else None
    return REFERENCES[collection].get(member)


def is_id(value: Any) -> bool:
    """Whether a value can be the id of a row: a number, or its text as revisions and GraphQL show it."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdecimal())


def with_ids(value: Any, collection: str | None, own: Callable[[str, Any], Any]) -> Any:
    """A body with every id in it replaced by what `own` says of it and its collection."""
    if isinstance(value, list):
        return [with_ids(element, collection, own) for element in value]
    if isinstance(value, dict):
        return {member: _member(element, whose(collection, member, value), own) for member, element in value.items()}
    return value


def _member(value: Any, collection: str | None, own: Callable[[str, Any], Any]) -> Any:
    if collection is not None and is_id(value):
        return own(collection, value)
    return with_ids(value, collection, own)
