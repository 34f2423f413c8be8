"""In charge of the world of the authorization matrix: marked rows in every collection, callers, how to call each field.

Every row that a caller of less than all rights must not see holds MARK, in a field that a caller of the field level may
neither read nor write. It asserts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.access.rules import WITHOUT
from schema.registry import Edition
from tests.api.newsroom import Newsroom

MARK = "hush9137"
NUMBER = 913777
AT = datetime(2020, 1, 1)  # noqa: DTZ001
TOKENS = {
    "public": None,
    "no permission": "nobody-token",
    "row level": "rows-token",
    "field level": "fields-token",
    "status level": "statuses-token",
    "admin": "admin-token",
}
DENIED = tuple(name for name in TOKENS if name != "admin")
ROWS, FIELDS, STATUSES = 11, 12, 13
"""The roles of these levels."""


@dataclass(frozen=True, slots=True)
class Target:
    """The marked row of a collection. `field`: where the mark is; `row`: what is beside it; `new`: a payload."""

    key: Any
    field: str
    row: Mapping[str, Any]
    new: Mapping[str, Any]
    changed: Any = f"{MARK}x"
    mark: Any = MARK
    hidden: tuple[str, ...] = ()
    """What else the field level may neither read nor write, because it tells the same."""


_FILE = {
    "filename_disk": "m.txt",
    "filename_download": "m.txt",
    "uploaded_by": 1,
    "uploaded_on": AT,
    "storage": "local",
    "private_hash": "hash10",
    "type": "text/plain",
}
_ACTIVITY = {
    "action": "comment",
    "action_on": AT,
    "action_by": 1,
    "ip": "",
    "user_agent": "",
    "collection": "articles",
    "item": "10",
}
TARGETS: Mapping[str, Target] = {
    "articles": Target(10, "title", {"status": "published", "owner": 1}, {"status": "published"}),
    "people": Target(10, "name", {}, {}),
    "comments": Target(10, "text", {}, {}),
    "categories": Target(10, "name", {}, {}),
    "articles_categories": Target(10, "article", {}, {}, NUMBER + 1, NUMBER),
    "tokens": Target("t10", "label", {}, {"code": "t11"}),
    "keyless": Target(None, "name", {}, {}),
    "directus_users": Target(
        10,
        "first_name",
        {"status": "active", "role": 5, "email": "ten@example.com", "external_id": "ten-id", "2fa_secret": "x"},
        {"email": "new@example.com", "status": "active"},
        hidden=("email", "external_id"),
    ),
    "directus_roles": Target(10, "name", {"external_id": "role-id"}, {}),
    "directus_files": Target(
        10,
        "title",
        _FILE,
        {"data": "data:text/plain;base64,aGV5", "filename_download": "n.txt", "filename_disk": "n.txt"},
    ),
    "directus_folders": Target(10, "name", {}, {}),
    "directus_webhooks": Target(
        10,
        "url",
        {"status": "inactive", "collection": "articles"},
        {},
        f"http://{MARK}x.example",
        f"http://{MARK}.example",
    ),
    "directus_settings": Target(900, "value", {"key": "matrix"}, {"key": "matrix2"}),
    "directus_permissions": Target(900, "collection", {"role": 1}, {"role": 1}),
    "directus_collection_presets": Target(
        10, "title", {"collection": "articles", "user": 1}, {"collection": "articles"}
    ),
    "directus_relations": Target(
        900,
        "collection_many",
        {"field_many": "x", "collection_one": "people"},
        {"field_many": "x", "collection_one": "people"},
    ),
    "directus_activity": Target(900, "comment", _ACTIVITY, {}),
    "directus_revisions": Target(
        900,
        "delta",
        {"activity": 900, "collection": "articles", "item": "10", "data": json.dumps({"title": MARK})},
        {},
        mark=json.dumps({"title": MARK}),
        hidden=("data",),
    ),
}
SHOWN = tuple(TARGETS)


async def build(api: Newsroom) -> None:
    """The marked rows, callers of the three levels, and what they may do."""
    await api.store.run_sync(_fill)
    api.projects.get("main")._policies.clear()


def _fill(connection: sa.Connection) -> None:
    def put(table: str, **row: Any) -> None:
        connection.execute(sa.table(table, *map(sa.column, row)).insert().values(**row))

    connection.execute(sa.text("DELETE FROM directus_permissions"))
    for number, (name, one) in enumerate(TARGETS.items()):
        key = {} if one.key is None else {KEYS.get(name, "id"): one.key}
        put(name, **key, **one.row, **{one.field: one.mark})
        if one.key is not None and name not in ("directus_revisions", "directus_activity"):
            back = json.dumps({one.field: one.changed})
            put(
                "directus_revisions",
                id=1000 + number,
                activity=900,
                collection=name,
                item=str(one.key),
                data=back,
                delta=back,
            )
    for table, where in (
        ("directus_collections", "collection = 'articles'"),
        ("directus_fields", "field IN ('title', 'project_name')"),
    ):
        connection.execute(sa.text(f"UPDATE {table} SET note = '{MARK}' WHERE {where}"))
    for role, name in ((ROWS, "rows"), (FIELDS, "fields"), (STATUSES, "statuses")):
        put("directus_roles", id=role, name=name)
        put(
            "directus_users",
            id=role + 10,
            email=f"{name}@example.com",
            status="active",
            role=role,
            token=f"{name}-token",
        )
    for row in permissions():
        put("directus_permissions", **row)


KEYS = {"tokens": "code"}


def permissions() -> Iterator[Mapping[str, Any]]:
    """What the callers of the three levels may do."""
    full = {"create": "full", "read": "full", "update": "full", "delete": "full", "comment": "full"}
    for name, one in TARGETS.items():
        nothing = {KEYS.get(name, "id" if one.key is not None else one.field): {"null": ""}}
        rules = dict.fromkeys(("read", "update", "delete"), nothing)
        checks = dict.fromkeys(("create", "update"), nothing)
        yield {"role": ROWS, "collection": name, **full, "rules": json.dumps(rules), "checks": json.dumps(checks)}
        fields = ",".join((one.field, *one.hidden))
        yield {
            "role": FIELDS,
            "collection": name,
            **full,
            "delete": "none",
            "comment": "none",
            "read_field_blacklist": fields,
            "write_field_blacklist": fields,
        }
    for name in WITHOUT - TARGETS.keys() - {"directus_migrations"}:
        yield {"role": ROWS, "collection": name, **full, "rules": json.dumps({"read": {"id": 1}})}
    for name in ("articles", "directus_users"):
        yield {"role": STATUSES, "collection": name, "status": "draft", **full, "create": "none"}
    yield {"role": STATUSES, "collection": "directus_revisions", "read": "full"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a root field. `proof`: what shows that it works for an admin: the mark, a change, or nothing."""

    field: str
    document: str
    variables: Mapping[str, Any]
    proof: str | None


def calls(edition: Edition, kind: str) -> Iterator[Call]:
    """The calls of all root fields of "query" or "mutation". Raises LookupError for one that nobody has thought of."""
    schema = edition.schema
    type_ = schema.query_type if kind == "query" else schema.mutation_type
    assert type_ is not None
    generated = {one.field: one for one in _generated(edition)}
    for name in type_.fields:
        one = generated.get(name) or _fixed(name, kind)
        if one is None:
            raise LookupError(
                f"The matrix does not know how to call {kind} {name}: tell it in tests/security/matrix.py"
            )
        yield one


def _generated(edition: Edition) -> Iterator[Call]:
    assert edition.names is not None
    for name, names in edition.names.collections.items():
        if name not in TARGETS:
            if not name.startswith(("directus_collections", "directus_fields")):
                raise LookupError(f"The matrix has no marked row of {name}")
            continue
        one, ops, row = TARGETS[name], names.operations, names.row
        key = str(one.key)
        changed = {one.field: one.changed}
        keyed = {KEYS.get(name, "id"): one.key, **changed}
        new = {**one.new, one.field: one.changed}
        shown = shown_of(edition, name)
        one_way = f"mutation($p: JSON) {{ %s(payload: $p) {{ {row} }} }}"
        by_key = f"mutation($id: ID!, $p: JSON) {{ %s(id: $id, payload: $p) {{ {row} }} }}"
        by_keys = f"mutation($ids: [ID!]!, $p: JSON) {{ %s(ids: $ids, payload: $p) {{ {row} }} }}"
        back = f"mutation($id: ID!, $r: ID!) {{ %s(id: $id, revision: $r) {{ {row} }} }}"
        listed = f'query {{ %s(status: "*") {{ data {{ {shown} }} meta {{ total_count filter_count }} }} }}'
        revision = str(1000 + SHOWN.index(name))
        proof_of_totals = None if name == "directus_revisions" else "mark"  # what they hold is in no total
        told: Sequence[tuple[str | None, str, Mapping[str, Any], str | None]] = (
            (ops.read, listed, {}, "mark"),
            (ops.by_id, f"query($id: ID!) {{ %s(id: $id) {{ {shown} }} }}", {"id": key}, "mark"),
            (ops.aggregate, f'query {{ %s(group_by: ["{one.field}"]) {{ group }} }}', {}, proof_of_totals),
            (ops.create_item, one_way, {"p": new}, "change"),
            (ops.create_items, one_way, {"p": [new]}, "change"),
            (ops.update_item, by_key, {"id": key, "p": changed}, "change"),
            (ops.update_items, by_keys, {"ids": [key], "p": changed}, "change"),
            (ops.update_batch, one_way, {"p": [keyed]}, "change"),
            (ops.upsert_items, one_way, {"p": [keyed]}, "change"),
            (ops.revert_item, back, {"id": key, "r": revision}, "change"),
            (ops.delete_item, "mutation($id: ID!) { %s(id: $id) }", {"id": key}, "change"),
            (ops.delete_items, "mutation($ids: [ID!]!) { %s(ids: $ids) }", {"ids": [key]}, "change"),
        )
        for operation, document, variables, proof in told:
            if operation is not None:
                yield Call(operation, document % operation, variables, proof)


def shown_of(edition: Edition, name: str) -> str:
    """What is asked for of an item: its REST form, and the marked field by itself."""
    assert edition.names is not None
    names = edition.names.collections[name]
    alone = "" if name in ("articles_categories", "directus_revisions") else names.fields[TARGETS[name].field]
    return f"{names.row} {alone}"


USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "new@example.com"}
GROUP = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": f"{MARK}x"}
PATCH = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
SEARCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "count": 100}
BULK = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
    "Operations": [{"method": "POST", "path": "/Groups", "bulkId": "a", "data": GROUP}],
}
# arguments, selection, what proves that it works for an admin
FIXED: Mapping[str, tuple[Mapping[str, Any], str, str | None]] = {
    "auth_check": ({}, "{ authenticated }", None),
    "auth_sessions": ({}, "{ id }", None),
    "auth_sso_providers": ({}, "{ name }", None),
    "users_tfa_secret": ({}, "", None),
    "users_me": ({}, "{ _row }", None),
    "project_info": ({}, "{ json }", None),
    "directus_collections": ({}, "{ data { _row } }", "mark"),
    "directus_collections_by_id": ({"collection": "articles"}, "{ _row }", "mark"),
    "directus_fields": ({"collection": "articles"}, "{ data { _row } }", "mark"),
    "directus_fields_by_id": ({"collection": "articles", "field": "title"}, "{ _row }", "mark"),
    "settings_fields": ({}, "{ data { _row } }", "mark"),
    "permissions_me": ({}, "{ id read }", None),
    "permissions_me_by_collection": ({"collection": "articles"}, "{ id }", None),
    "permission_explain": ({"collection": "articles", "role": "1"}, "{ json }", None),
    "export_items": ({"collection": "articles", "format": "json"}, "{ url }", None),
    "asset": ({"hash": "nothing"}, "{ url }", None),
    "signed_asset": ({"file": "10"}, "{ url }", None),
    "stored_file": ({"name": "nothing"}, "{ url }", None),
    "server_types": ({}, "{ name }", None),
    "server_interfaces": ({}, "{ json }", None),
    "server_layouts": ({}, "{ json }", None),
    "server_modules": ({}, "{ json }", None),
    "webhook_deliveries": ({}, "{ json }", None),
    "webhook_secret": ({"webhook": "10"}, "", None),
    "schema_snapshot": ({}, "", "mark"),
    "schema_diff": ({"document": {"tabularium": 1}}, "{ json }", None),
    "scim_users": ({}, "{ json }", "mark"),
    "scim_user": ({"id": "ten-id"}, "{ json }", "mark"),
    "scim_groups": ({}, "{ json }", "mark"),
    "scim_group": ({"id": "role-id"}, "{ json }", "mark"),
    "scim_search": ({"resource": SEARCH}, "{ json }", "mark"),
    "scim_service_provider_config": ({}, "{ json }", None),
    "scim_resource_types": ({}, "{ json }", None),
    "scim_schemas": ({}, "{ json }", None),
    "auth_logout": ({"user": "10"}, "", None),
    "auth_password_request": ({"email": "who@example.com"}, "", None),
    "auth_password_reset": ({"token": "x", "password": "y"}, "", None),
    "users_invite": ({"email": "new@example.com"}, "{ _row }", "change"),
    "users_invite_accept": ({"token": "x"}, "{ _row }", None),
    "users_track_page": ({"id": "10", "last_page": f"/{MARK}"}, "{ _row }", "change"),
    "users_tfa_enable": ({"id": "10", "secret": "JBSWY3DPEHPK3PXP", "otp": "000000"}, "{ _row }", None),
    "users_tfa_disable": ({"id": "10"}, "{ _row }", "change"),
    "update_users_me": ({"payload": {"first_name": f"{MARK}x"}}, "{ _row }", "change"),
    "auth_authenticate": ({"email": "who@example.com", "password": "x"}, "{ token }", None),
    "auth_refresh": ({"token": "x"}, "{ token }", None),
    "auth_sso_start": ({"provider": "nothing"}, "{ state }", None),
    "auth_sso_finish": ({"provider": "nothing"}, "{ token }", None),
    "auth_sso_exchange": ({"provider": "nothing", "code": "x"}, "{ token }", None),
    "auth_sso_token": ({"request_token": "x"}, "{ token }", None),
    "send_mail": ({"to": "nobody", "body": MARK}, "", None),
    "utils_hash": ({"string": "x"}, "", None),
    "utils_hash_match": ({"string": "x", "hash": "y"}, "", None),
    "utils_random_string": ({"length": 5}, "", None),
    "webhook_redeliver": ({"delivery": "1"}, "{ json }", None),
    "import_items": (
        {"collection": "articles", "data": [{"title": f"{MARK}x", "status": "published"}]},
        "{ created }",
        "change",
    ),
    "update_project": ({}, "", None),
    "create_comment": ({"collection": "articles", "item": "10", "comment": f"{MARK}x"}, "{ id }", "change"),
    "update_comment": ({"id": "900", "comment": f"{MARK}x"}, "{ id }", "change"),
    "delete_comment": ({"id": "900"}, "", "change"),
    "create_directus_collections_item": (
        {
            "payload": {
                "collection": "made",
                "fields": [
                    {
                        "field": "id",
                        "type": "integer",
                        "datatype": "INT",
                        "primary_key": True,
                        "auto_increment": True,
                        "interface": "primary-key",
                    }
                ],
            }
        },
        "{ _row }",
        None,
    ),
    "update_directus_collections_item": (
        {"collection": "articles", "payload": {"note": f"{MARK}x"}},
        "{ _row }",
        "change",
    ),
    "delete_directus_collections_item": ({"collection": "people"}, "", None),
    "create_directus_fields_item": (
        {
            "collection": "people",
            "payload": {
                "field": "made",
                "type": "string",
                "datatype": "VARCHAR",
                "length": 10,
                "interface": "text-input",
            },
        },
        "{ _row }",
        None,
    ),
    "update_directus_fields_item": (
        {"collection": "articles", "field": "title", "payload": {"note": f"{MARK}x"}},
        "{ _row }",
        "change",
    ),
    "update_directus_fields_items": (
        {"collection": "articles", "ids": ["title"], "payload": {"note": f"{MARK}x"}},
        "{ _row }",
        "change",
    ),
    "update_directus_fields_batch": (
        {"collection": "articles", "payload": [{"field": "title", "note": f"{MARK}x"}]},
        "{ _row }",
        "change",
    ),
    "delete_directus_fields_item": ({"collection": "articles", "field": "body"}, "", None),
    "schema_apply": ({"document": {"tabularium": 1}, "plan": "x"}, "{ json }", None),
    "scim_create_user": ({"resource": USER}, "{ json }", "change"),
    "scim_replace_user": ({"id": "ten-id", "resource": USER}, "{ json }", "change"),
    "scim_patch_user": (
        {
            "id": "ten-id",
            "resource": {
                "schemas": PATCH,
                "Operations": [{"op": "replace", "path": "name.givenName", "value": f"{MARK}x"}],
            },
        },
        "{ json }",
        "change",
    ),
    "scim_delete_user": ({"id": "ten-id"}, "{ json }", "change"),
    "scim_create_group": ({"resource": GROUP}, "{ json }", "change"),
    "scim_replace_group": ({"id": "role-id", "resource": GROUP}, "{ json }", "change"),
    "scim_patch_group": (
        {
            "id": "role-id",
            "resource": {
                "schemas": PATCH,
                "Operations": [{"op": "replace", "path": "displayName", "value": f"{MARK}x"}],
            },
        },
        "{ json }",
        "change",
    ),
    "scim_delete_group": ({"id": "role-id"}, "{ json }", "change"),
    "scim_bulk": ({"resource": BULK}, "{ json }", "change"),
}


def _fixed(name: str, kind: str) -> Call | None:
    found = FIXED.get(name)
    if found is None:
        return None
    arguments, selection, proof = found
    inside = ", ".join(f"{key}: {_literal(value)}" for key, value in arguments.items())
    return Call(name, f"{kind} {{ {name}{f'({inside})' if inside else ''} {selection} }}", {}, proof)


def _literal(value: Any) -> str:
    """A value as it stands in a document."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value)
