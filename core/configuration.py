"""In charge of settings as clients read them: values typed by the fields that describe their keys (spec 01 §10).

The rows are the engine's to read and write; only what a list shows of their values is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from core import engine
from core.access.policy import ADMIN_POLICY, NONE
from core.errors import ReadDenied
from core.query.selection import Leaf, ReadRequest, ReadResult, Row, Selection
from core.session import Session

SETTINGS, FIELDS, FILES = "directus_settings", "directus_fields", "directus_files"
OF_SETTINGS = ("cond", "collection", "eq", SETTINGS)
"""As a typed filter: the client's own conditions may be joined by OR, and must stay inside this one."""

KEY = "\x00setting"
"""Response key of the setting's key, which tells the type of its value."""
FALSE = frozenset({"", "0", "false"})
_LEADING = re.compile(r"\s*([+-]?\d{1,18})")
_TYPES = Selection((Leaf("field", "field", "string"), Leaf("type", "type", "string")))
_FILE = Selection((Row("file"),))


async def read(session: Session, request: ReadRequest) -> ReadResult:
    """Settings; in the list form the value of each is of the type of its field (spec 01 §10.2).

    One statement for the types and one for all files named, whatever the number of settings. Raises what
    `engine.read` does.
    """
    shown = [entry.key for entry in request.selection if isinstance(entry, Row)]
    if not shown or request.id is not None or request.ids is not None:
        return await engine.read(session, request)
    selection = Selection((*request.selection.entries, Leaf(KEY, "key", "string")))
    result = await engine.read(session, replace(request, selection=selection))
    rows: list[tuple[str | None, dict[str, Any]]] = []
    for item in result.items:
        setting = item.pop(KEY)
        rows += [(setting, item[key]) for key in shown if _has_value(item[key])]
    if rows:
        await _convert(session, rows)
    return result


async def fields(session: Session, request: ReadRequest) -> ReadResult:
    """Rows of directus_fields that describe settings (spec 01 §10.3). Raises ReadDenied and what `engine.read` does."""
    if session.policy.any_level(SETTINGS, "read") == NONE:
        raise ReadDenied(SETTINGS, public=session.actor.public)
    narrowed = ("and", (OF_SETTINGS, request.filter)) if request.filter else OF_SETTINGS
    return await engine.read(session, replace(request, filter=narrowed))


def _has_value(row: Any) -> bool:
    return isinstance(row, dict) and "value" in row


async def _convert(session: Session, rows: Iterable[tuple[str | None, dict[str, Any]]]) -> None:
    """Type the values of rows in place."""
    trusted = replace(session, policy=ADMIN_POLICY)
    types = await _types(trusted)
    files: list[dict[str, Any]] = []
    for key, row in rows:
        kind = types.get(key or "", "")
        if kind == "file":
            files.append(row)
        elif kind in CONVERTED:
            row["value"] = CONVERTED[kind](row["value"])
    if files:
        found = await _files(trusted, {row["value"] for row in files})
        for row in files:
            row["value"] = found.get(row["value"])


async def _types(trusted: Session) -> Mapping[str, str]:
    result = await engine.read(trusted, ReadRequest(FIELDS, _TYPES, filter=OF_SETTINGS, limit=-1))
    return {item["field"]: (item["type"] or "").lower() for item in result.items}


async def _files(trusted: Session, values: Iterable[str | None]) -> Mapping[str | None, Any]:
    """The files that values name, by value."""
    wanted = {value for value in values if value is not None and value.isdecimal()}
    if not wanted:
        return {}
    request = ReadRequest(FILES, _FILE, ids=tuple(sorted(wanted)), limit=-1)
    files = {item["file"]["id"]: item["file"] for item in (await engine.read(trusted, request)).items}
    return {value: files.get(int(value)) for value in wanted}


def _integer(text: str | None) -> int:
    """The number that a text begins with, else 0, as clients of v8 know it."""
    found = _LEADING.match(text or "")
    return int(found[1]) if found else 0


def _boolean(text: str | None) -> bool:
    return (text or "").strip().lower() not in FALSE


CONVERTED: Mapping[str, Callable[[str | None], Any]] = {"integer": _integer, "boolean": _boolean}
"""Types whose values a list converts, beside files; JSON and lists stay text."""
