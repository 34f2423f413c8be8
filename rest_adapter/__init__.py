"""In charge of the REST door: documented routes → GraphQL operations → Directus envelopes.

The table below is complete: a request that fits no row is answered 404 or 405, and every row is one operation with
one root field. The columns are told at `rest_adapter.route.Route`; in names of operations `C` is the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import BatchUpload, ItemNotFound, Unprocessable, ValidationFailed
from rest_adapter import auth, history, scim, sso, stored
from rest_adapter.adapter import Adapter, Execute
from rest_adapter.auth import CHECKED, DONE, LOGIN, SESSIONS, SIGNED_OUT, TOKEN
from rest_adapter.call import document, exporting
from rest_adapter.custom import Answer as Run
from rest_adapter.custom import Custom
from rest_adapter.envelope import (
    CATALOGUE,
    DATA,
    EXPORTED,
    FIELD_LIST,
    FIRST,
    GONE,
    HASH,
    ITEM,
    JSON,
    JSON_LIST,
    NAMES,
    OWN,
    OWN_RIGHTS,
    PAGE,
    RANDOM,
    REPORT,
    RIGHTS,
    SECRET,
    SIGNED,
    TEXT,
    TFA_SECRET,
    VALID,
    WRITTEN,
    WRITTEN_LIST,
    WRITTEN_NESTED,
    WRITTEN_ONE,
)
from rest_adapter.errors import AS_IS, FOLDER, HIDDEN_ITEM, LIST, PERMISSION, ROLE, SETTING, UPDATE, USER
from rest_adapter.errors import ITEM as ONE_ITEM
from rest_adapter.errors import OWN as OWN_RECORD
from rest_adapter.extensions import ExtensionFiles
from rest_adapter.middleware import App, Middleware, Paused
from rest_adapter.route import ARRAY, EXPORT, FILE, OBJECT, Answer, Route
from rest_adapter.session import Projects
from rest_adapter.uploads import content, importing

__all__ = ["ROUTES", "app"]

ONE = frozenset({"fields", "lang", "meta"})
SIZE = frozenset({"key", "w", "h", "f", "q", "format"})
SOME = ONE | {"sort", "limit", "offset", "page", "groups", "single"}
MANY = SOME | {"filter", "q", "status"}
EXPORTS = MANY - {"meta", "single"} | {"export", "where"}
WRITE = ONE | {"comment", "activity_skip"}
WHOLE = WRITE - {"fields"}
DELETE = frozenset({"comment", "activity_skip"})
OWN_WRITE = WRITE - {"lang"}
IMPORT = DELETE | {"format", "atomic", "key", "delimiter"}
ALTER = frozenset({"comment", "meta"})
CHANGE = ALTER | {"activity_skip"}
CATALOG = frozenset({"fields", "meta", "filter", "sort", "q", "single", "offset", "limit"})
META = frozenset({"meta"})
FORM = frozenset({"fields", "meta"})
LOG = frozenset({"status", "limit", "offset"})
REASONS = frozenset({"action", "role", "user", "item", "field"})
ALL_FIELDS = frozenset({"sort", "limit"})
OF_APPLY = frozenset({"plan", "allow_destructive", "comment"})
TOKEN_OF_SUPER_ADMIN = frozenset({"super_admin_token"})
NONE: frozenset[str] = frozenset()
ANONYMOUS = True
RELATIONS, PRESETS, SETTINGS = "directus_relations", "directus_collection_presets", "directus_settings"
WEBHOOKS = "directus_webhooks"
COLLECTIONS, FIELDS, PERMISSIONS = "directus_collections", "directus_fields", "directus_permissions"
ACTIVITY, REVISIONS = "directus_activity", "directus_revisions"
USERS, ROLES, FILES, FOLDERS = "directus_users", "directus_roles", "directus_files", "directus_folders"
PUBLIC: Mapping[str, Any] = {"anonymous": True}
ADDRESS: Mapping[str, Any] = {"arguments": auth.address}
PASSWORD: Mapping[str, Any] = {"arguments": auth.new_password}
INVITED: Mapping[str, Any] = {"arguments": auth.invited}
ACCEPTED: Mapping[str, Any] = {"arguments": auth.first_password, "anonymous": True, "lenient": True}
OF_REQUEST: Mapping[str, Any] = {"arguments": sso.request_token}
OF_CODE: Mapping[str, Any] = {"arguments": sso.code}
PAGE_OF: Mapping[str, Any] = {"arguments": auth.page}
FACTOR: Mapping[str, Any] = {"arguments": auth.factor}
WRAPPED: Mapping[str, Any] = {"wrapped": True}
ANY: Mapping[str, Any] = {"lenient": True}
NUMBERS: Mapping[str, Any] = {"digits": True, "lenient": True}
IDS: Mapping[str, Any] = {"digits": True}
ASSET = Answer("{ url }", DATA.wrap, sent=stored.sent)
BY_HASH: Mapping[str, Any] = {"arguments": stored.asked, "anonymous": True}
ONE_OF: Mapping[str, Any] = {"of": REVISIONS, "arguments": history.one}
OF_USERS: Mapping[str, Any] = {"given": {"collection": "directus_users"}}
OF_ROLES: Mapping[str, Any] = {"given": {"collection": "directus_roles"}}
OF_FILES: Mapping[str, Any] = {"given": {"collection": "directus_files"}}
OF_WEBHOOKS: Mapping[str, Any] = {"given": {"collection": "directus_webhooks"}}
SCIM_LIST: Mapping[str, Any] = {"arguments": scim.listing}
SCIM_ONE: Mapping[str, Any] = {"arguments": scim.shaping}
SCIM_NEW: Mapping[str, Any] = {"arguments": scim.created}
CHANGED: Mapping[str, Any] = {"arguments": scim.changed}
SCIM_GONE: Mapping[str, Any] = {"arguments": scim.version}
MESSAGE: Mapping[str, Any] = {"arguments": scim.body}
BULK: Mapping[str, Any] = {"arguments": scim.body, "limit": scim.LARGEST_BULK}
ME: Mapping[str, Any] = {"given": {"me": True}}
SEARCH_USERS: Mapping[str, Any] = {"arguments": scim.body, "given": {"endpoint": "Users"}}
SEARCH_GROUPS: Mapping[str, Any] = {"arguments": scim.body, "given": {"endpoint": "Groups"}}
PROXIED: Mapping[str, Any] = {"given": {"proxied": True}, "anonymous": True}
CONTENT: Mapping[str, Any] = {"arguments": content}
NO_LIST = partial(ValidationFailed, "batch update expect an array of items")

# fmt: off
ROUTES: tuple[Route, ...] = (
    # method, path, operation, answer, takes, denied, body, …
    Route("GET",    "/items/:collection",      "C",              PAGE,         MANY,   LIST),
    Route("GET",    "/items/:collection", "export_items", EXPORTED, EXPORTS, LIST, EXPORT, arguments=exporting),
    Route("GET",    "/items/:collection/:id",  "C_by_id",        ITEM,         ONE,    ONE_ITEM),
    Route("GET",    "/items/:collection/:ids", "C",              PAGE,         SOME,   AS_IS),
    Route("POST",   "/items/:collection",      "create_C_item",  WRITTEN,      WRITE,  AS_IS, OBJECT),
    Route("POST",   "/items/:collection",      "create_C_items", WRITTEN_LIST, WRITE,  AS_IS, ARRAY),
    Route("POST",   "/items/:collection/import", "import_items", REPORT, IMPORT, AS_IS, FILE, arguments=importing),
    Route("PATCH",  "/items/:collection",      "update_C_batch", WRITTEN_LIST, WRITE,  UPDATE, ARRAY),
    Route("PATCH",  "/items/:collection",      "", None, NONE, AS_IS, OBJECT, refuse=ItemNotFound),
    Route("PATCH",  "/items/:collection/:id",  "update_C_item",  WRITTEN,      WRITE,  UPDATE, OBJECT),
    Route("PATCH",  "/items/:collection/:ids", "update_C_items", WRITTEN_LIST, WRITE,  UPDATE, OBJECT),
    Route("PATCH",  "/items/:collection/:id",  "", None, NONE, AS_IS, ARRAY, refuse=Unprocessable),
    Route("PATCH",  "/items/:collection/:ids", "", None, NONE, AS_IS, ARRAY, refuse=Unprocessable),
    Route("DELETE", "/items/:collection/:id",  "delete_C_item",  GONE,         DELETE, AS_IS),
    Route("DELETE", "/items/:collection/:ids", "delete_C_items", GONE,         DELETE, AS_IS),

    Route("GET", "/items/:collection/:item/revisions",         "C", PAGE,  MANY - {"filter"}, LIST, of=REVISIONS),
    Route("GET", "/items/:collection/:item/revisions/:offset", "C", FIRST, ONE,               LIST, **ONE_OF),
    Route("GET", "/users/:item/revisions",            "C", PAGE,  MANY - {"filter"}, LIST, of=REVISIONS, **OF_USERS),
    Route("GET", "/users/:item/revisions/:offset",    "C", FIRST, ONE,               LIST, **ONE_OF, **OF_USERS),
    Route("GET", "/roles/:item/revisions",            "C", PAGE,  MANY - {"filter"}, LIST, of=REVISIONS, **OF_ROLES),
    Route("GET", "/roles/:item/revisions/:offset",    "C", FIRST, ONE,               LIST, **ONE_OF, **OF_ROLES),
    Route("GET", "/files/:item/revisions",            "C", PAGE,  MANY - {"filter"}, LIST, of=REVISIONS, **OF_FILES),
    Route("GET", "/files/:item/revisions/:offset",    "C", FIRST, ONE,               LIST, **ONE_OF, **OF_FILES),
    Route("GET", "/webhooks/:item/revisions",         "C", PAGE,  MANY - {"filter"}, LIST, of=REVISIONS, **OF_WEBHOOKS),
    Route("GET", "/webhooks/:item/revisions/:offset", "C", FIRST, ONE,               LIST, **ONE_OF, **OF_WEBHOOKS),
    Route("PATCH", "/items/:collection/:id/revert/:revision", "revert_C_item", WRITTEN, WRITE, UPDATE),
    Route("PATCH", "/users/:id/revert/:revision",    "revert_C_item", WRITTEN, WRITE, USER, of="directus_users"),
    Route("PATCH", "/roles/:id/revert/:revision",    "revert_C_item", WRITTEN, WRITE, of="directus_roles"),
    Route("PATCH", "/files/:id/revert/:revision",    "revert_C_item", WRITTEN, WRITE, HIDDEN_ITEM, of="directus_files"),
    Route("PATCH", "/webhooks/:id/revert/:revision", "revert_C_item", WRITTEN, WRITE, of="directus_webhooks"),

    Route("GET",    "/activity",             "C",              PAGE,    MANY, LIST,     of=ACTIVITY),
    Route("GET",    "/activity/:id",         "C_by_id",        ITEM,    FORM, ONE_ITEM, of=ACTIVITY),
    Route("GET",    "/activity/:ids",        "C",              PAGE,    FORM, AS_IS,    of=ACTIVITY),
    Route("POST",   "/activity/comment",     "create_comment", WRITTEN, META, AS_IS, OBJECT, ACTIVITY),
    Route("PATCH",  "/activity/comment/:id", "update_comment", WRITTEN, META, AS_IS, OBJECT, ACTIVITY),
    Route("DELETE", "/activity/comment/:id", "delete_comment", GONE,    NONE, AS_IS, of=ACTIVITY),

    Route("GET", "/revisions",      "C",       PAGE, MANY, LIST,        of=REVISIONS),
    Route("GET", "/revisions/:id",  "C_by_id", ITEM, ONE,  HIDDEN_ITEM, of=REVISIONS),
    Route("GET", "/revisions/:ids", "C",       PAGE, SOME, LIST,        of=REVISIONS),

    Route("POST", "/auth/authenticate", "auth_authenticate", LOGIN, NONE, AS_IS, OBJECT, None, ANONYMOUS, auth.login),
    Route("POST", "/auth/refresh",      "auth_refresh",      TOKEN, NONE, AS_IS, OBJECT, None, ANONYMOUS, auth.token),
    Route("POST", "/auth/logout",       "auth_logout", SIGNED_OUT, NONE, AS_IS, **PUBLIC),
    Route("POST", "/auth/logout/:user", "auth_logout", SIGNED_OUT, NONE, AS_IS, **PUBLIC),
    Route("POST", "/auth/logout/:user/:session", "auth_logout", SIGNED_OUT, NONE, AS_IS, **PUBLIC),
    Route("POST", "/auth/password/request", "auth_password_request", DONE, NONE, AS_IS, OBJECT, **PUBLIC, **ADDRESS),
    Route("POST", "/auth/password/reset",   "auth_password_reset",   DONE, NONE, AS_IS, OBJECT, **PUBLIC, **PASSWORD),
    Route("GET",  "/auth/check",        "auth_check",    CHECKED,  **PUBLIC),
    Route("GET",  "/auth/sessions",     "auth_sessions", SESSIONS, **PUBLIC),
    Route("GET",  "/auth/sso",                    "auth_sso_providers", sso.PROVIDERS, **PUBLIC),
    Route("GET",  "/auth/sso/:provider",          "auth_sso_start",     sso.STARTED,   **PUBLIC, arguments=sso.start),
    Route("GET",  "/auth/sso/:provider/callback", "auth_sso_finish",    sso.FINISHED,  **PUBLIC, arguments=sso.back),
    Route("POST", "/auth/sso/access_token", "auth_sso_token", TOKEN, NONE, AS_IS, OBJECT, **PUBLIC, **OF_REQUEST),
    Route("POST", "/auth/sso/:provider",    "auth_sso_exchange", TOKEN, NONE, AS_IS, OBJECT, **PUBLIC, **OF_CODE),

    Route("GET", "/",         "project_info", JSON),

    Route("GET",    "/users",      "C",               PAGE,         MANY,   LIST,     of=USERS),
    Route("GET",    "/users/me",   "users_me",        OWN,          FORM,   OWN_RECORD, of=USERS),
    Route("PATCH",  "/users/me",   "update_users_me", WRITTEN,      OWN_WRITE, USER,  OBJECT, USERS),
    Route("PATCH",  "/users/me",   "update_C_batch",  WRITTEN_LIST, WRITE,  USER,  ARRAY,  USERS),
    Route("GET",    "/users/:id",  "C_by_id",         ITEM,         ONE,    ONE_ITEM, of=USERS),
    Route("GET",    "/users/:ids", "C",               PAGE,         SOME,   AS_IS,    of=USERS),
    Route("POST",   "/users",      "create_C_item",   WRITTEN,      WRITE,  AS_IS, OBJECT, USERS),
    Route("POST",   "/users",      "create_C_items",  WRITTEN_LIST, WRITE,  AS_IS, ARRAY,  USERS),
    Route("PATCH",  "/users/:id",  "update_C_item",   WRITTEN,      WRITE,  USER,  OBJECT, USERS),
    Route("PATCH",  "/users/:ids", "update_C_items",  WRITTEN_LIST, WRITE,  USER,  OBJECT, USERS),
    Route("PATCH",  "/users/:_id", "update_C_batch",  WRITTEN_LIST, WRITE,  USER,  ARRAY,  USERS),
    Route("PATCH",  "/users/:_ids", "update_C_batch", WRITTEN_LIST, WRITE,  USER,  ARRAY,  USERS),
    Route("DELETE", "/users/:id",  "delete_C_item",   GONE,         DELETE, AS_IS, of=USERS),
    Route("DELETE", "/users/:ids", "delete_C_items",  GONE,         DELETE, AS_IS, of=USERS),

    Route("POST",  "/users/invite",            "users_invite", WRITTEN_LIST, FORM, AS_IS, OBJECT, USERS, **INVITED),
    Route("GET",   "/users/invite/:token",     "users_invite_accept", WRITTEN, FORM, of=USERS, **PUBLIC),
    Route("POST",  "/users/invite/:token",     "users_invite_accept", WRITTEN, FORM, AS_IS, OBJECT, USERS, **ACCEPTED),
    Route("PATCH", "/users/:id/tracking/page", "users_track_page", WRITTEN, FORM, AS_IS, OBJECT, USERS, **PAGE_OF),
    Route("POST",  "/users/:id/activate_2fa",  "users_tfa_enable", WRITTEN, FORM, USER,  OBJECT, USERS, **FACTOR),

    Route("GET",    "/roles",      "C",              PAGE,    MANY,   LIST,        of=ROLES),
    Route("GET",    "/roles/:id",  "C_by_id",        ITEM,    FORM,   HIDDEN_ITEM, of=ROLES),
    Route("GET",    "/roles/:ids", "C",              PAGE,    FORM,   LIST,        of=ROLES),
    Route("POST",   "/roles",      "create_C_item",  WRITTEN, WRITE,  AS_IS, OBJECT, ROLES),
    Route("POST",   "/roles",      "create_C_item",  WRITTEN, WRITE,  AS_IS, ARRAY,  ROLES),
    Route("PATCH",  "/roles/:id",  "update_C_item",  WRITTEN, WRITE,  AS_IS, OBJECT, ROLES),
    Route("PATCH",  "/roles/:id",  "update_C_item",  WRITTEN, WRITE,  AS_IS, ARRAY,  ROLES),
    Route("DELETE", "/roles/:id",  "delete_C_item",  GONE,    DELETE, ROLE, of=ROLES),

    Route("GET",    "/collections",             "C",       CATALOGUE, CATALOG, LIST,        of=COLLECTIONS),
    Route("GET",    "/collections/:collection", "C_by_id", ITEM,      FORM,    HIDDEN_ITEM, of=COLLECTIONS),
    Route("GET",    "/collections/:ids",        "C",       PAGE,      FORM,    LIST,        of=COLLECTIONS),
    Route("POST",   "/collections",             "create_C_item", WRITTEN, ALTER, AS_IS, OBJECT, COLLECTIONS),
    Route("POST",   "/collections",             "create_C_item", WRITTEN, ALTER, AS_IS, ARRAY,  COLLECTIONS),
    Route("PATCH",  "/collections/:collection", "update_C_item", WRITTEN, ALTER, AS_IS, OBJECT, COLLECTIONS),
    Route("PATCH",  "/collections/:collection", "update_C_item", WRITTEN, ALTER, AS_IS, ARRAY,  COLLECTIONS),
    Route("DELETE", "/collections/:collection", "delete_C_item", GONE,    ALTER, of=COLLECTIONS),

    Route("GET",    "/fields",                    "C",       FIELD_LIST, ALL_FIELDS, LIST, of=FIELDS),
    Route("GET",    "/fields/:collection",        "C",       FIELD_LIST, NONE,       LIST, of=FIELDS),
    Route("GET",    "/fields/:collection/:field", "C_by_id", ITEM,       FORM,       LIST, of=FIELDS),
    Route("GET",    "/fields/:collection/:ids",   "C",       PAGE,       FORM,       LIST, of=FIELDS),
    Route("POST",   "/fields/:collection",        "create_C_item",  WRITTEN, CHANGE, AS_IS, OBJECT, FIELDS, **WRAPPED),
    Route("POST",   "/fields/:collection",        "create_C_item",  WRITTEN, CHANGE, AS_IS, ARRAY,  FIELDS, **WRAPPED),
    Route("PATCH",  "/fields/:collection/:field", "update_C_item",  WRITTEN, CHANGE, AS_IS, OBJECT, FIELDS, **WRAPPED),
    Route("PATCH",  "/fields/:collection/:field", "update_C_item",  WRITTEN, CHANGE, AS_IS, ARRAY,  FIELDS, **WRAPPED),
    Route("PATCH",  "/fields/:collection/:ids",   "update_C_items", WRITTEN_LIST, CHANGE, AS_IS, OBJECT, FIELDS),
    Route("PATCH",  "/fields/:collection/:ids",   "update_C_items", WRITTEN_LIST, CHANGE, AS_IS, ARRAY,  FIELDS),
    Route("PATCH",  "/fields/:collection",        "update_C_batch", WRITTEN_LIST, CHANGE, AS_IS, ARRAY,  FIELDS),
    Route("PATCH",  "/fields/:collection",        "update_C_batch", WRITTEN_LIST, CHANGE, AS_IS, OBJECT, FIELDS),
    Route("DELETE", "/fields/:collection/:field", "delete_C_item",  GONE, ALTER | {"delete_junction"}, of=FIELDS),

    Route("GET",    "/relations",      "C",              PAGE,         MANY,   LIST,     of=RELATIONS),
    Route("GET",    "/relations/:id",  "C_by_id",        ITEM,         ONE,    ONE_ITEM, of=RELATIONS),
    Route("GET",    "/relations/:ids", "C",              PAGE,         SOME,   AS_IS,    of=RELATIONS),
    Route("POST",   "/relations",      "create_C_item",  WRITTEN,      WRITE,  AS_IS,  OBJECT, RELATIONS),
    Route("POST",   "/relations",      "create_C_items", WRITTEN_LIST, WRITE,  AS_IS,  ARRAY,  RELATIONS),
    Route("PATCH",  "/relations/:id",  "update_C_item",  WRITTEN,      WRITE,  UPDATE, OBJECT, RELATIONS),
    Route("PATCH",  "/relations/:ids", "update_C_items", WRITTEN_LIST, WRITE,  UPDATE, OBJECT, RELATIONS),
    Route("PATCH",  "/relations/:id",  "update_C_item",  WRITTEN,      WRITE,  UPDATE, ARRAY,  RELATIONS),
    Route("PATCH",  "/relations/:ids", "", None, NONE, AS_IS, ARRAY, RELATIONS, refuse=Unprocessable),
    Route("DELETE", "/relations/:id",  "delete_C_item",  GONE,         DELETE, AS_IS,    of=RELATIONS),
    Route("DELETE", "/relations/:ids", "delete_C_items", GONE,         DELETE, AS_IS,    of=RELATIONS),

    Route("GET",    "/collection_presets",      "C",             PAGE,    MANY,   LIST,  of=PRESETS),
    Route("GET",    "/collection_presets/:id",  "C_by_id",       ITEM,    FORM,   AS_IS, of=PRESETS),
    Route("GET",    "/collection_presets/:ids", "C",             PAGE,    FORM,   AS_IS, of=PRESETS),
    Route("POST",   "/collection_presets",      "create_C_item", WRITTEN, WRITE,  AS_IS,  OBJECT, PRESETS),
    Route("POST",   "/collection_presets",      "create_C_item", WRITTEN, WRITE,  AS_IS,  ARRAY,  PRESETS),
    Route("PATCH",  "/collection_presets/:id",  "update_C_item", WRITTEN, WRITE,  UPDATE, OBJECT, PRESETS),
    Route("PATCH",  "/collection_presets/:id",  "update_C_item", WRITTEN, WRITE,  UPDATE, ARRAY,  PRESETS),
    Route("DELETE", "/collection_presets/:id",  "delete_C_item", GONE,    DELETE, AS_IS, of=PRESETS),

    Route("GET",    "/settings",        "C",               PAGE, MANY,             LIST,     of=SETTINGS),
    Route("GET",    "/settings/fields", "settings_fields", PAGE, MANY - {"lang", "status", "groups"}, LIST, of=FIELDS),
    Route("GET",    "/settings/:id",    "C_by_id",         ITEM, ONE,              ONE_ITEM, of=SETTINGS, digits=True),
    Route("GET",    "/settings/:ids",   "C",               PAGE, SOME,             AS_IS,    of=SETTINGS, digits=True),
    Route("POST",   "/settings",        "create_C_item",   WRITTEN,      WRITE, SETTING, OBJECT, SETTINGS),
    Route("POST",   "/settings",        "create_C_items",  WRITTEN_LIST, WRITE, SETTING, ARRAY,  SETTINGS),
    Route("PATCH",  "/settings",        "update_C_batch",  WRITTEN_LIST, WRITE, UPDATE,  ARRAY,  SETTINGS, **ANY),
    Route("PATCH",  "/settings",        "", None, NONE, AS_IS, OBJECT, SETTINGS, refuse=NO_LIST, **ANY),
    Route("PATCH",  "/settings/:id",   "update_C_item",  WRITTEN, WRITE, UPDATE, OBJECT, SETTINGS, **NUMBERS),
    Route("PATCH",  "/settings/:_id",  "update_C_batch", WRITTEN_LIST, WRITE, UPDATE, ARRAY, SETTINGS, **NUMBERS),
    Route("PATCH",  "/settings/:ids",  "update_C_items", WRITTEN_LIST, WRITE, UPDATE, OBJECT, SETTINGS, **NUMBERS),
    Route("PATCH",  "/settings/:_ids", "update_C_batch", WRITTEN_LIST, WRITE, UPDATE, ARRAY, SETTINGS, **NUMBERS),
    Route("DELETE", "/settings/:id",  "delete_C_item",  GONE, DELETE, AS_IS, of=SETTINGS, digits=True),
    Route("DELETE", "/settings/:ids", "delete_C_items", GONE, DELETE, AS_IS, of=SETTINGS, digits=True),

    Route("GET",    "/webhooks",      "C",              PAGE,         MANY,   LIST,     of=WEBHOOKS),
    Route("GET",    "/webhooks/:id",  "C_by_id",        ITEM,         ONE,    ONE_ITEM, of=WEBHOOKS),
    Route("GET",    "/webhooks/:ids", "C",              PAGE,         SOME,   AS_IS,    of=WEBHOOKS),
    Route("POST",   "/webhooks",      "create_C_item",  WRITTEN,      WRITE,  AS_IS, OBJECT, WEBHOOKS),
    Route("POST",   "/webhooks",      "create_C_items", WRITTEN_LIST, WRITE,  AS_IS, ARRAY,  WEBHOOKS),
    Route("PATCH",  "/webhooks",      "update_C_batch", WRITTEN_LIST, WRITE,  AS_IS, ARRAY,  WEBHOOKS),
    Route("PATCH",  "/webhooks",      "", None, NONE, AS_IS, OBJECT, WEBHOOKS, refuse=ItemNotFound),
    Route("PATCH",  "/webhooks/:id",  "update_C_item",  WRITTEN,      WRITE,  AS_IS, OBJECT, WEBHOOKS),
    Route("PATCH",  "/webhooks/:ids", "update_C_items", WRITTEN_LIST, WRITE,  AS_IS, OBJECT, WEBHOOKS),
    Route("PATCH",  "/webhooks/:id",  "", None, NONE, AS_IS, ARRAY, WEBHOOKS, refuse=Unprocessable),
    Route("PATCH",  "/webhooks/:ids", "", None, NONE, AS_IS, ARRAY, WEBHOOKS, refuse=Unprocessable),
    Route("DELETE", "/webhooks/:id",  "delete_C_item",  GONE,         DELETE, AS_IS,    of=WEBHOOKS),
    Route("DELETE", "/webhooks/:ids", "delete_C_items", GONE,         DELETE, AS_IS,    of=WEBHOOKS),

    Route("GET",  "/webhooks/deliveries",                     "webhook_deliveries", JSON_LIST, LOG, LIST),
    Route("GET",  "/webhooks/:webhook/deliveries",            "webhook_deliveries", JSON_LIST, LOG, LIST),
    Route("POST", "/webhooks/deliveries/:delivery/redeliver", "webhook_redeliver",  JSON),
    Route("GET",  "/webhooks/:webhook/secret",                "webhook_secret",     SECRET, NONE, ONE_ITEM),

    Route("GET", "/assets/:hash",            "asset",        ASSET,  SIZE | {"download"}, **BY_HASH),
    Route("GET", "/assets/:hash/:_filename", "asset",        ASSET,  SIZE | {"download"}, **BY_HASH),
    Route("GET", "/uploads/:_project/originals/:name",         "stored_file", ASSET, NONE, **PUBLIC),
    Route("GET", "/uploads/:_project/generated/:folder/:name", "stored_file", ASSET, NONE, **PUBLIC),
    Route("GET", "/downloads/:_project/:name",                 "stored_file", ASSET, NONE, **PROXIED),
    Route("GET",    "/files",      "C",              PAGE,           MANY,  LIST,        of=FILES),
    Route("GET",    "/files/:id",  "C_by_id",        ITEM,           ONE,   HIDDEN_ITEM, of=FILES),
    Route("GET",    "/files/:ids", "C",              PAGE,           SOME,  LIST,        of=FILES),
    Route("POST",   "/files",      "create_C_item",  WRITTEN,        WHOLE, AS_IS,       OBJECT, FILES),
    Route("POST",   "/files",      "create_C_item",  WRITTEN,        WHOLE, AS_IS,       FILE,   FILES, **CONTENT),
    Route("POST",   "/files",      "", None, NONE, AS_IS, ARRAY, FILES, refuse=BatchUpload),
    Route("PATCH",  "/files/:id",  "update_C_item",  WRITTEN_ONE,    WRITE, HIDDEN_ITEM, OBJECT, FILES),
    Route("PATCH",  "/files/:id",  "update_C_item",  WRITTEN_ONE,    WRITE, HIDDEN_ITEM, FILE,   FILES, **CONTENT),
    Route("PATCH",  "/files/:ids", "update_C_items", WRITTEN_NESTED, WHOLE, HIDDEN_ITEM, OBJECT, FILES),
    Route("PATCH",  "/files/:ids", "update_C_items", WRITTEN_NESTED, WHOLE, HIDDEN_ITEM, FILE,   FILES, **CONTENT),
    Route("PATCH",  "/files/:id",  "", None, NONE, AS_IS, ARRAY, FILES, refuse=Unprocessable),
    Route("PATCH",  "/files/:ids", "", None, NONE, AS_IS, ARRAY, FILES, refuse=Unprocessable),
    Route("PATCH",  "/files",      "update_C_batch", WRITTEN_NESTED, WHOLE, HIDDEN_ITEM, ARRAY,  FILES),
    Route("PATCH",  "/files",      "", None, NONE, AS_IS, OBJECT, FILES, refuse=ItemNotFound),
    Route("DELETE", "/files/:id",  "delete_C_item",  GONE,  DELETE, HIDDEN_ITEM, of=FILES),
    Route("DELETE", "/files/:ids", "delete_C_items", GONE,  DELETE, HIDDEN_ITEM, of=FILES),
    Route("GET", "/files/:file/signed",      "signed_asset", SIGNED, SIZE | {"expires"},  ONE_ITEM, of=FILES),

    Route("GET",    "/folders",     "C",             PAGE,    MANY,   LIST,        of=FOLDERS),
    Route("GET",    "/folders/:id", "C_by_id",       ITEM,    FORM,   HIDDEN_ITEM, of=FOLDERS, digits=True),
    Route("POST",   "/folders",     "create_C_item", WRITTEN, WRITE,  AS_IS,  OBJECT, FOLDERS),
    Route("POST",   "/folders",     "create_C_item", WRITTEN, WRITE,  AS_IS,  ARRAY,  FOLDERS),
    Route("PATCH",  "/folders/:id", "update_C_item", WRITTEN, WRITE,  UPDATE, OBJECT, FOLDERS, **IDS),
    Route("PATCH",  "/folders/:id", "update_C_item", WRITTEN, WRITE,  UPDATE, ARRAY,  FOLDERS, **IDS),
    Route("DELETE", "/folders/:id", "delete_C_item", GONE,    DELETE, FOLDER, of=FOLDERS, **IDS),

    Route("GET", "/permissions/me",             "permissions_me",               RIGHTS,     of=PERMISSIONS),
    Route("GET", "/permissions/me/:collection", "permissions_me_by_collection", OWN_RIGHTS, of=PERMISSIONS),
    Route("GET", "/permissions/explain/:collection", "permission_explain", JSON, REASONS, of=PERMISSIONS),

    Route("GET",    "/permissions",      "C",              PAGE,         MANY,  LIST,        of=PERMISSIONS),
    Route("GET",    "/permissions/:id",  "C_by_id",        ITEM,         FORM,  HIDDEN_ITEM, of=PERMISSIONS, **IDS),
    Route("GET",    "/permissions/:ids", "C",              PAGE,         FORM,  LIST,        of=PERMISSIONS, **IDS),
    Route("POST",   "/permissions",      "create_C_item",  WRITTEN,      WRITE, AS_IS, OBJECT, PERMISSIONS),
    Route("POST",   "/permissions",      "create_C_items", WRITTEN_LIST, WRITE, AS_IS, ARRAY,  PERMISSIONS),
    Route("PATCH",  "/permissions",      "update_C_batch", WRITTEN_LIST, WRITE, AS_IS, ARRAY,  PERMISSIONS),
    Route("PATCH",  "/permissions",      "", None, NONE, AS_IS, OBJECT, PERMISSIONS, refuse=ItemNotFound),
    Route("PATCH",  "/permissions/:id",  "update_C_item",  WRITTEN,      WRITE, AS_IS, OBJECT, PERMISSIONS, **IDS),
    Route("PATCH",  "/permissions/:ids", "update_C_items", WRITTEN_LIST, WRITE, AS_IS, OBJECT, PERMISSIONS, **IDS),
    Route("PATCH",  "/permissions/:id",  "update_C_item",  WRITTEN,      WRITE, AS_IS, ARRAY,  PERMISSIONS, **IDS),
    Route("PATCH",  "/permissions/:ids", "", None, NONE, AS_IS, ARRAY, PERMISSIONS, refuse=Unprocessable, **IDS),
    Route("DELETE", "/permissions/:id",  "delete_C_item",  GONE, DELETE, PERMISSION, of=PERMISSIONS, **IDS),
    Route("DELETE", "/permissions/:ids", "delete_C_items", GONE, DELETE, PERMISSION, of=PERMISSIONS, **IDS),

    Route("POST", "/mail", "send_mail", GONE, NONE, AS_IS, OBJECT),

    Route("GET",    "/scim/v2/Users",      "scim_users",         scim.SHOWN,   **SCIM_LIST),
    Route("GET",    "/scim/v2/Users/:id",  "scim_user",          scim.SHOWN,   **SCIM_ONE),
    Route("POST",   "/scim/v2/Users",      "scim_create_user",   scim.CREATED, NONE, AS_IS, OBJECT, **SCIM_NEW),
    Route("PUT",    "/scim/v2/Users/:id",  "scim_replace_user",  scim.SHOWN,   NONE, AS_IS, OBJECT, **CHANGED),
    Route("PATCH",  "/scim/v2/Users/:id",  "scim_patch_user",    scim.SHOWN,   NONE, AS_IS, OBJECT, **CHANGED),
    Route("DELETE", "/scim/v2/Users/:id",  "scim_delete_user",   scim.SHOWN,   **SCIM_GONE),
    Route("GET",    "/scim/v2/Me",         "scim_user",          scim.SHOWN,   **SCIM_ONE, **ME),
    Route("PUT",    "/scim/v2/Me",         "scim_replace_user",  scim.SHOWN,   NONE, AS_IS, OBJECT, **CHANGED, **ME),
    Route("PATCH",  "/scim/v2/Me",         "scim_patch_user",    scim.SHOWN,   NONE, AS_IS, OBJECT, **CHANGED, **ME),
    Route("DELETE", "/scim/v2/Me",         "scim_delete_user",   scim.SHOWN,   **SCIM_GONE, **ME),
    Route("GET",    "/scim/v2/Groups",     "scim_groups",        scim.SHOWN,   **SCIM_LIST),
    Route("GET",    "/scim/v2/Groups/:id", "scim_group",         scim.SHOWN,   **SCIM_ONE),
    Route("POST",   "/scim/v2/Groups",     "scim_create_group",  scim.CREATED, NONE, AS_IS, OBJECT, **SCIM_NEW),
    Route("PUT",    "/scim/v2/Groups/:id", "scim_replace_group", scim.SHOWN,   NONE, AS_IS, OBJECT, **CHANGED),
    Route("PATCH",  "/scim/v2/Groups/:id", "scim_patch_group",   scim.SHOWN,   NONE, AS_IS, OBJECT, **CHANGED),
    Route("DELETE", "/scim/v2/Groups/:id", "scim_delete_group",  scim.SHOWN,   **SCIM_GONE),
    Route("POST", "/scim/v2/.search",        "scim_search", scim.SHOWN, NONE, AS_IS, OBJECT, **MESSAGE),
    Route("POST", "/scim/v2/Users/.search",  "scim_search", scim.SHOWN, NONE, AS_IS, OBJECT, **SEARCH_USERS),
    Route("POST", "/scim/v2/Groups/.search", "scim_search", scim.SHOWN, NONE, AS_IS, OBJECT, **SEARCH_GROUPS),
    Route("POST", "/scim/v2/Bulk",           "scim_bulk",   scim.SHOWN, NONE, AS_IS, OBJECT, **BULK),
    Route("GET",  "/scim/v2/ServiceProviderConfig", "scim_service_provider_config", scim.SHOWN),
    Route("GET",  "/scim/v2/ResourceTypes",         "scim_resource_types",          scim.SHOWN),
    Route("GET",  "/scim/v2/ResourceTypes/:id",     "scim_resource_types",          scim.SHOWN),
    Route("GET",  "/scim/v2/Schemas",               "scim_schemas",                 scim.SHOWN),
    Route("GET",  "/scim/v2/Schemas/:id",           "scim_schemas",                 scim.SHOWN),

    Route("GET",  "/utils/2fa_secret",    "users_tfa_secret",    TFA_SECRET),
    Route("POST", "/utils/hash",          "utils_hash",          HASH,   NONE, AS_IS, OBJECT),
    Route("POST", "/utils/hash/match",    "utils_hash_match",    VALID,  NONE, AS_IS, OBJECT),
    Route("POST", "/utils/random/string", "utils_random_string", RANDOM, NONE, AS_IS, OBJECT),

    Route("GET", "/types",      "server_types",      NAMES),
    Route("GET", "/interfaces", "server_interfaces", JSON_LIST),
    Route("GET", "/layouts",    "server_layouts",    JSON_LIST),
    Route("GET", "/modules",    "server_modules",    JSON_LIST),

    Route("GET",  "/schema/snapshot", "schema_snapshot", DATA),
    Route("POST", "/schema/diff",     "schema_diff",     JSON, NONE,     AS_IS, OBJECT, arguments=document),
    Route("POST", "/schema/apply",    "schema_apply",    JSON, OF_APPLY, AS_IS, OBJECT, arguments=document),

    Route("POST",   "/update",                "update_project",  GONE),
    Route("GET",    "/server/ping",           "server_ping",     TEXT, anonymous=True),
    Route("GET",    "/server/info",           "server_info",     JSON, TOKEN_OF_SUPER_ADMIN, anonymous=True),
    Route("GET",    "/server/projects",       "server_projects", DATA, anonymous=True),
    Route("POST",   "/server/projects",       "create_project",  GONE, NONE, AS_IS, OBJECT, anonymous=True),
    Route("POST",   "/projects",              "create_project",  GONE, NONE, AS_IS, OBJECT, anonymous=True),
    Route("DELETE", "/server/projects/:name", "delete_project",  GONE, TOKEN_OF_SUPER_ADMIN, anonymous=True),
)
# fmt: on


def app(
    projects: Projects,
    execute: Execute,
    graphql: App | None = None,
    paused: Paused | None = None,
    extensions: Path | None = None,
    answer: Run | None = None,
    admin: App | None = None,
) -> Middleware:
    """The ASGI application of both doors: REST here, `/gql` and `/:project/gql` (and WebSockets) handed to `graphql`.

    `execute`: the door of the schema. `paused`: whether a project is in maintenance. `extensions`: the folder whose
    files are served below `/extensions`. `answer`: runs GraphQL documents for endpoints of extensions, which are not
    there without it. `admin`: the files of the admin app.
    """
    files = ExtensionFiles(extensions) if extensions is not None else None
    custom = Custom(execute, answer) if answer is not None else None
    return Middleware(projects, Adapter(ROUTES, projects, execute), graphql, paused, files, custom, admin)
