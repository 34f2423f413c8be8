"""In charge of the GraphQL types of the system collections as v8 has them (spec 01 §15.2, 15.7), as data.

Columns that v8 leaves out are added when types are built; what is secret never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemType:
    """Wrapper name, and the fields of the item in v8's order: name → form.

    Forms: a scalar name; `Relation`: the relation of that name; `List`: a list of text; `text:json`, `text:csv`,
    `text:number`: a value of another type as text; `null:X`: always null; `file:X`: a member of a file's `data`;
    `one`: the to-one relation `role` as a list; `own`: shown to its owner only.
    """

    wrapper: str
    fields: Mapping[str, str]


SYSTEM: Mapping[str, SystemType] = {
    "directus_activity": SystemType(
        "DirectusActivity",
        {
            "id": "ID",
            "action": "String",
            "collection": "String",
            "item": "String",
            "action_by": "Relation",
            "action_on": "Datetime",
            "edited_on": "Datetime",
            "comment_deleted_on": "Datetime",
            "ip": "String",
            "user_agent": "String",
            "comment": "String",
        },
    ),
    "directus_collections": SystemType("DirectusCollection", {}),
    "directus_collection_presets": SystemType(
        "DirectusCollectionPreset",
        {
            "id": "ID",
            "title": "String",
            "user": "Int",
            "role": "Int",
            "collection": "String",
            "search_query": "String",
            "filters": "JSON",
            "view_options": "JSON",
            "view_query": "JSON",
            "view_type": "String",
            "translation": "text:json",
        },
    ),
    "directus_fields": SystemType("DirectusField", {}),
    "directus_files": SystemType(
        "DirectusFile",
        {
            "id": "ID",
            "filename_disk": "String",
            "title": "String",
            "description": "String",
            "location": "String",
            "tags": "List",
            "width": "Int",
            "height": "Int",
            "filesize": "Int",
            "duration": "text:number",
            "metadata": "text:json",
            "type": "String",
            "charset": "String",
            "embed": "String",
            "storage": "String",
            "full_url": "file:String",
            "url": "file:String",
            "thumbnails": "file:[DirectusFileThumbnailItem]",
            "uploaded_on": "Datetime",
            "uploaded_by": "Relation",
            "checksum": "String",
        },
    ),
    "directus_folders": SystemType("DirectusFolder", {"id": "ID", "name": "String", "parent_folder": "text:number"}),
    "directus_permissions": SystemType(
        "DirectusPermission",
        {
            "id": "ID",
            "collection": "String",
            "role": "Int",
            "status": "String",
            "create": "String",
            "read": "String",
            "update": "String",
            "delete": "String",
            "comment": "String",
            "explain": "String",
            "status_blacklist": "List",
            "read_field_blacklist": "List",
            "write_field_blacklist": "List",
        },
    ),
    "directus_relations": SystemType(
        "DirectusRelation",
        {
            "id": "ID",
            "collection_many": "String",
            "field_many": "String",
            "collection_one": "String",
            "field_one": "String",
            "junction_field": "String",
        },
    ),
    "directus_revisions": SystemType(
        "DirectusRevision",
        {
            "id": "ID",
            "activity": "Relation",
            "collection": "String",
            "item": "String",
            "data": "JSON",
            "delta": "JSON",
            "parent_item": "String",
            "parent_collection": "String",
            "parent_changed": "Boolean",
        },
    ),
    "directus_roles": SystemType(
        "DirectusRole",
        {
            "id": "ID",
            "external_id": "String",
            "name": "String",
            "description": "String",
            "ip_whitelist": "text:csv",
            "nav_blacklist": "null:Boolean",
            "users": "Relation",
        },
    ),
    "directus_settings": SystemType("DirectusSetting", {"id": "ID", "key": "String", "value": "String"}),
    "directus_users": SystemType(
        "DirectusUser",
        {
            "id": "ID",
            "status": "String",
            "first_name": "String",
            "last_name": "String",
            "email": "String",
            "email_notifications": "Boolean",
            "company": "String",
            "title": "String",
            "locale": "String",
            "high_contrast_mode": "null:Boolean",
            "locale_options": "text:json",
            "timezone": "String",
            "last_access_on": "Datetime",
            "last_page": "String",
            "token": "own",
            "external_id": "String",
            "avatar": "Relation",
            "roles": "one",
        },
    ),
    "directus_webhooks": SystemType("DirectusWebhook", {}),
}

SECRET: Mapping[str, frozenset[str]] = {
    "directus_users": frozenset({"password", "2fa_secret", "password_reset_token"}),
}
"""Columns without a field in any item type. They can be written where their collection can."""

HIDDEN_WITHOUT_OWNER: Mapping[str, frozenset[str]] = {"directus_users": frozenset({"token"})}
"""Left out of the types made for relation rows, where nobody can be told to be the owner."""

MASKED: Mapping[str, frozenset[str]] = {
    "directus_users": frozenset({"token", "email_notifications", "last_access_on", "last_page"}),
}
"""Columns that only an admin and the owner see: null for others, so never `!` (access spec 9.1)."""

WRITABLE: Mapping[str, tuple[str, ...]] = {
    "directus_collection_presets": ("create", "update", "delete"),
    "directus_files": ("create", "update", "delete"),
    "directus_folders": ("create", "update", "delete"),
    "directus_permissions": ("create", "update", "delete"),
    "directus_relations": ("create", "update", "delete"),
    "directus_roles": ("create", "update", "delete"),
    "directus_settings": ("create", "update", "delete"),
    "directus_users": ("create", "update", "delete"),
    "directus_webhooks": ("create", "update", "delete"),
}
"""Collections of the system that have mutations of the generated kind."""

REVERTIBLE = frozenset({"directus_files", "directus_roles", "directus_users", "directus_webhooks"})
"""Collections of the system whose items can be brought back to a revision (spec 03 §11.3)."""

FROM_METADATA = ("directus_collections", "directus_fields")
"""Read through core's metadata, not through the engine: they show more than their tables hold."""
