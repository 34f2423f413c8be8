"""In charge of the rules of system collections that levels do not express (spec 02 §9.3–9.5, 10, 11; 01 §8, 9). Pure.

`before` speaks before the levels, `after` once these have allowed the node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.access import authorize
from core.access.authorize import Caller
from core.access.policy import FULL
from core.auth.whitelist import listed
from core.catalog.model import Collection
from core.catalog.webhooks import ACTIONS, METHODS, is_address
from core.context import ADMIN_ROLE, PUBLIC_ROLE
from core.errors import (
    CreateDenied,
    DeleteDenied,
    FieldWriteDenied,
    Forbidden,
    ItemNotFound,
    Problem,
    SystemCollectionAccess,
    Unauthorized,
    UpdateDenied,
    ValidationFailed,
)
from core.types.cast import Uncastable, cast
from core.types.write import INVALID, same_as_read
from core.write.change import Node, Stored

# Fields of a user that only admins change (spec 02 §9.4); `role` and `status` also who manages users.
PROTECTED = ("role", "status", "token", "external_id", "password_reset_token", "last_access_on")
MANAGED = ("role", "status")
# What a file is, as opposed to what is said about it: follows from its bytes.
FILE_CONTENT = (
    "storage", "filename_disk", "type", "filesize", "width", "height", "duration", "charset", "checksum", "embed",
)  # fmt: skip
NO_RELATION_TO = frozenset({"directus_activity", "directus_collections", "directus_fields", "directus_relations"})


@dataclass(frozen=True, slots=True)
class Scene:
    """What a rule looks at. `stored` None: the row is new, or not there."""

    caller: Caller
    nodes: tuple[Node, ...]
    node: Node
    stored: Stored | None
    address: str = ""
    dialect: str = "sqlite"

    @property
    def admin(self) -> bool:
        return self.caller.policy.admin

    @property
    def collection(self) -> Collection:
        return self.node.collection

    def sends(self, name: str) -> bool:
        """Whether the node writes the field, by its payload or by its link to a parent."""
        return name in self.node.payload or name in self.node.refers or name == self.node.link

    def value(self, name: str) -> Any:
        """The value that the field gets, canonical; None also when it is the key of a row not yet created."""
        if name == self.node.link and self.node.parent is not None:
            return self.nodes[self.node.parent.index].key
        return canonical(self.collection, name, self.node.payload.get(name))

    def was(self, name: str) -> Any:
        """The stored value."""
        return None if self.stored is None else self.stored.values.get(name)

    def changes(self, name: str) -> bool:
        """Whether the field gets another value than it has; a client may send back what it read."""
        if not self.sends(name):
            return False
        if name in self.node.payload and self.stored is not None:
            field = self.collection.fields[name]
            if same_as_read(field, self.was(name), self.node.payload[name], dialect=self.dialect, system=True):
                return False
        return bool(self.value(name) != canonical(self.collection, name, self.was(name)))


def canonical(collection: Collection, name: str, value: Any) -> Any:
    """A value as the column holds it; as it is, when it cannot."""
    if value is None:
        return None
    try:
        return cast(collection.fields[name], value, system=collection.is_system)
    except Uncastable:
        return value


def before(scene: Scene) -> None:
    """Rules that count whatever the levels say."""
    if scene.collection.name == "directus_roles" and scene.node.verb == "delete":
        _keep_fixed_roles(scene)


def after(scene: Scene) -> None:
    """Rules on top of the levels. Raises Forbidden, FieldWriteDenied, CollectionDenied's leaves, ValidationFailed."""
    rule = RULES.get(scene.collection.name)
    if rule is not None:
        rule(scene)


def _denied(scene: Scene) -> Exception:
    kind = {"create": CreateDenied, "delete": DeleteDenied}.get(scene.node.verb, UpdateDenied)
    return kind(scene.collection.name, level=True, public=scene.caller.actor.public)


# --- users --------------------------------------------------------------------------------------------------------


def _users(scene: Scene) -> None:
    if scene.admin:
        return
    if canonical(scene.collection, "role", scene.was("role")) == ADMIN_ROLE:
        raise _denied(scene)
    if scene.node.verb == "delete":
        return
    if scene.changes("2fa_secret") and scene.was("id") != scene.caller.actor.user:
        raise FieldWriteDenied("2fa_secret", scene.collection.name)
    manager = _manages(scene)
    for name in PROTECTED:
        if name not in scene.collection.fields or not scene.changes(name):
            continue
        value = scene.value(name)
        if name == "role" and value != ADMIN_ROLE and (manager or scene.node.verb == "create"):
            continue
        if name == "status" and (manager or scene.node.verb == "create" or _may_retire(scene, value)):
            continue
        raise FieldWriteDenied(name, scene.collection.name)


def _manages(scene: Scene) -> bool:
    """`update: full` on users makes a delegated manager of others, not of himself."""
    if scene.stored is None or scene.was("id") == scene.caller.actor.user:
        return False
    return scene.caller.policy.grant(scene.collection.name, scene.was("status")).update >= FULL


def _may_retire(scene: Scene, status: Any) -> bool:
    """Who may delete the user may also set the status that means it."""
    grant = scene.caller.policy.grant(scene.collection.name, scene.was("status"))
    return grant.delete >= FULL and authorize.soft_deleted(scene.collection, status)


def loses_admin(scene: Scene) -> bool:
    """Whether an active admin is deleted, retired, or gets another role (spec 02 §9.4, 9.5)."""
    node, stored = scene.node, scene.stored
    if node.collection.name != "directus_users" or stored is None:
        return False
    values = stored.values
    if canonical(node.collection, "role", values["role"]) != ADMIN_ROLE or values["status"] != "active":
        return False
    if node.verb == "delete":
        return True
    retired = node.payload.get("status") is not None and node.payload["status"] != "active"
    return retired or (scene.sends("role") and scene.value("role") != ADMIN_ROLE)


# --- roles, permissions -------------------------------------------------------------------------------------------


def _keep_fixed_roles(scene: Scene) -> None:
    key, caller = scene.node.key, scene.caller
    if key not in (ADMIN_ROLE, PUBLIC_ROLE) or not authorize.has_level(caller.policy, scene.collection.name):
        return
    if not authorize.readable(caller, scene.collection, authorize.Row(owner_role=key)):
        raise ItemNotFound()
    raise Unauthorized(f"You are not allowed to delete group [{key}]")


def _roles(scene: Scene) -> None:
    if scene.node.verb != "update" or scene.node.key != ADMIN_ROLE:
        return
    if not scene.admin:
        raise _denied(scene)
    allowed = scene.node.payload.get("ip_whitelist")
    entries = ",".join(map(str, allowed)) if isinstance(allowed, list | tuple) else allowed
    if isinstance(entries, str) and entries and not listed(scene.address, entries):
        raise ValidationFailed.of([Problem((*scene.node.path, "ip_whitelist"), INVALID)])


# --- presets ------------------------------------------------------------------------------------------------------


def _presets(scene: Scene) -> None:
    if scene.admin:
        return
    me = scene.caller.actor.user
    if scene.node.verb == "delete":
        if scene.was("role") is not None:
            raise Forbidden()
        return
    owner = scene.value("user") if scene.sends("user") else scene.was("user")
    role = scene.value("role") if scene.sends("role") else scene.was("role")
    others = scene.stored is not None and scene.was("user") != me
    unknown = any(name in scene.node.refers for name in ("user", "role"))
    if owner != me or role is not None or others or unknown:
        raise _denied(scene)


# --- relations, files ---------------------------------------------------------------------------------------------


def _relations(scene: Scene) -> None:
    if not scene.admin:
        raise _denied(scene)
    if scene.node.payload.get("collection_one") in NO_RELATION_TO:
        raise SystemCollectionAccess()


def _files(scene: Scene) -> None:
    """What a file is follows from its bytes: without new ones none of it changes but the name."""
    if scene.node.verb != "update" or scene.node.content is not None:
        return
    for name in FILE_CONTENT:
        if name != "filename_disk" and scene.changes(name):
            raise FieldWriteDenied(name, scene.collection.name)


# --- webhooks -----------------------------------------------------------------------------------------------------


SENDABLE: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "http_action": lambda value: isinstance(value, str) and value.lower() in METHODS,
        "url": is_address,
        "directus_action": lambda value: isinstance(value, str) and value in ACTIONS,
    }
)


def _webhooks(scene: Scene) -> None:
    """What can never be sent is refused; nothing is required (spec 03 §13)."""
    if scene.node.verb == "delete":
        return
    sent = {name: scene.node.payload.get(name) for name in SENDABLE}
    wrong = [name for name, value in sent.items() if value not in (None, "") and not SENDABLE[name](value)]
    if wrong:
        raise ValidationFailed.of([Problem((*scene.node.path, name), INVALID) for name in wrong])


RULES: Mapping[str, Callable[[Scene], None]] = {
    "directus_users": _users,
    "directus_roles": _roles,
    "directus_collection_presets": _presets,
    "directus_relations": _relations,
    "directus_files": _files,
    "directus_webhooks": _webhooks,
}
