"""In charge of which root fields a caller can use at all, as data, for introspection. It admits nobody, core does.

Fields of the fixed part that are not named here are for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

ACTIONS = ("create", "read", "update", "delete")
USERS, ROLES, ACTIVITY = "directus_users", "directus_roles", "directus_activity"
COMMENT, EDIT = 1, 2
"""Levels of the permission column `comment` (spec 02 §12.10)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is shown the schema. `may`: has some level of an action in a collection; `somewhere`: in a user's collection;
    `comments`: the best level of comments in any collection."""

    may: Callable[[str, str], bool]
    somewhere: Callable[[str], bool]
    comments: int = 3
    signed_in: bool = True
    admin: bool = True


Use = Callable[[Caller], bool]
EVERYTHING = Caller(lambda collection, action: True, lambda action: True)
"""Of the schema that runs documents: all root fields, whoever calls."""


def _signed_in(caller: Caller) -> bool:
    return caller.signed_in


def _admin(caller: Caller) -> bool:
    return caller.admin


def _in(collection: str, *actions: str) -> Use:
    return lambda caller: any(caller.may(collection, action) for action in actions)


def _somewhere(*actions: str) -> Use:
    return lambda caller: any(caller.somewhere(action) for action in actions)


def _commenting(level: int) -> Use:
    return lambda caller: caller.signed_in and caller.comments >= level


def _scim(noun: str, collection: str) -> dict[str, Use]:
    return {
        f"scim_{noun}s": _in(collection, "read"),
        f"scim_{noun}": _in(collection, "read"),
        f"scim_create_{noun}": _in(collection, "create"),
        f"scim_replace_{noun}": _in(collection, "update"),
        f"scim_patch_{noun}": _in(collection, "update"),
        f"scim_delete_{noun}": _in(collection, "delete"),
    }


USES: Mapping[str, Use] = {
    "users_me": _in(USERS, "read"),
    "update_users_me": _in(USERS, "update"),
    "users_track_page": _signed_in,
    "users_tfa_enable": _signed_in,
    "users_tfa_disable": _signed_in,
    "users_invite": _admin,
    "directus_collections": _in("directus_collections", "read"),
    "directus_collections_by_id": _in("directus_collections", "read"),
    "directus_fields": _in("directus_fields", "read"),
    "directus_fields_by_id": _in("directus_fields", "read"),
    "settings_fields": _in("directus_fields", "read"),
    "export_items": _somewhere("read"),
    "import_items": _somewhere("create", "update"),
    "signed_asset": _in("directus_files", "read"),
    **dict.fromkeys(("server_types", "server_interfaces", "server_layouts", "server_modules", "send_mail"), _signed_in),
    **dict.fromkeys(
        ("webhook_deliveries", "webhook_secret", "webhook_redeliver", "update_project", "permission_explain"), _admin
    ),
    "create_comment": _commenting(COMMENT),
    "update_comment": _commenting(EDIT),
    "delete_comment": _commenting(EDIT),
    **_scim("user", USERS),
    **_scim("group", ROLES),
    "scim_search": lambda caller: caller.may(USERS, "read") or caller.may(ROLES, "read"),
    "scim_bulk": lambda caller: any(
        caller.may(name, action) for name in (USERS, ROLES) for action in ACTIONS if action != "read"
    ),
}
ALTERING = ("create_directus_", "update_directus_", "delete_directus_", "schema_")
"""How the names of root fields begin that change the schema, or tell all of it: they are for admins."""


def usable(name: str, caller: Caller) -> bool:
    """Whether a root field of the fixed part, by its usual name, is of any use to the caller."""
    if name.startswith(ALTERING):
        return caller.admin
    use = USES.get(name)
    return use is None or use(caller)


def writable(collection: str, action: str, caller: Caller) -> bool:
    """Whether items of a collection can be written; relations are the admins' (spec 01 §9)."""
    return caller.may(collection, action) and (caller.admin or collection != "directus_relations")
