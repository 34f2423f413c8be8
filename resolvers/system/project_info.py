"""In charge of what may be known of a project (spec 01 §11.1): typed, and as the object of `GET /:project/`."""

from __future__ import annotations

import platform
from dataclasses import replace
from typing import Any

from ariadne import QueryType

from core import engine
from core.context import ADMIN_ROLE
from core.query.selection import ReadRequest, Row, Selection
from core.session import Session
from resolvers.context import Info, Spliced

VERSION = "8.8.1"
"""Clients compare it and know this series only."""
FILES = ("project_logo", "project_foreground", "project_background")
TEXTS = ("project_color", "default_locale", "telemetry", "project_name")
DEFAULT_UPLOAD = 100 * 1024 * 1024
FALSE = ("", "0", "false")
_DATA = Selection((Row("file", ("id", "data")),))


async def project_info(_source: Any, info: Info) -> dict[str, Any]:
    """`project_info`. Files of settings are read without regard to permissions: they are on the login page."""
    session = info.context.visitor
    files = await _files(session)
    shown = _settings(session, files)
    signed_in = not session.actor.public
    limit = _upload_limit(session)
    return {
        "name": shown.get("project_name"),
        "color": shown.get("project_color"),
        "logo": files.get("project_logo"),
        "foreground": files.get("project_foreground"),
        "background": files.get("project_background"),
        "public_note": shown["project_public_note"],
        "default_locale": shown.get("default_locale"),
        "telemetry": shown["telemetry"],
        "requires_tfa": session.actor.requires_tfa,
        "version": VERSION if signed_in else None,
        "max_upload_size": limit if signed_in else None,
        "json": Spliced(_document(session, shown, limit, signed_in=signed_in)),
    }


def _document(session: Session, shown: dict[str, Any], limit: int, *, signed_in: bool) -> dict[str, Any]:
    requires = {"requires2FA": session.actor.requires_tfa}
    if not signed_in:
        return {"api": {**requires, **shown}}
    vendor = session.snapshot.dialect
    versions = {"version": VERSION, "server_version": session.project.server_version}
    api = {**versions, **requires, "database": "mysql", "database_vendor": vendor, **shown}
    server: dict[str, Any] = {"max_upload_size": limit}
    if session.actor.admin:
        server["general"] = {"php_version": platform.python_version(), "php_api": "asgi"}
    return {"api": api, "server": server}


def _settings(session: Session, files: dict[str, Any]) -> dict[str, Any]:
    """The public settings in v8's order; keys whose rows are missing are absent, but for five that are always there."""
    snapshot = session.snapshot
    note = snapshot.setting("project_public_note")
    telemetry = snapshot.setting("telemetry")
    found: dict[str, Any] = {"project_logo": files.get("project_logo")}
    if "project_color" in snapshot.settings:
        found["project_color"] = snapshot.setting("project_color")
    found["project_foreground"] = files.get("project_foreground")
    found["project_background"] = files.get("project_background")
    found["project_public_note"] = note or None
    if "default_locale" in snapshot.settings:
        found["default_locale"] = snapshot.setting("default_locale")
    found["telemetry"] = telemetry is None or telemetry.lower() not in FALSE
    if "project_name" in snapshot.settings:
        found["project_name"] = snapshot.setting("project_name")
    return found


async def _files(session: Session) -> dict[str, dict[str, Any]]:
    """URLs of the files that settings name; one statement, none when no setting is set."""
    keys = {name: text for name in FILES if (text := session.snapshot.setting(name)) and text.isdigit()}
    if not keys:
        return {}
    trusted = replace(session, policy=await session.project.policy(ADMIN_ROLE))
    request = ReadRequest("directus_files", _DATA, ids=tuple(dict.fromkeys(keys.values())), limit=-1)
    rows = {str(item["file"]["id"]): item["file"]["data"] for item in (await engine.read(trusted, request)).items}
    members = ("full_url", "url", "asset_url")
    return {name: {key: rows[text].get(key) for key in members} for name, text in keys.items() if text in rows}


def _upload_limit(session: Session) -> int:
    value = session.project.config.get("storage.max_upload_size")
    return value if isinstance(value, int) and not isinstance(value, bool) else DEFAULT_UPLOAD


def bindables() -> list[QueryType]:
    """The root fields of this module."""
    query = QueryType()
    query.set_field("project_info", project_info)
    return [query]
