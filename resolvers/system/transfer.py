"""In charge of `import_items` and `export_items`: arguments → request → one call on core, and a report or a handle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from ariadne import MutationType, QueryType

from core.errors import SystemCollectionAccess
from core.query.selection import KEY_ONLY, Condition, ReadRequest
from core.transfer.export import export_items
from core.transfer.imports import ImportRequest, RowError, import_items
from core.transfer.source import Source
from resolvers.context import Info


async def imported(_source: Any, info: Info, *, collection: str, data: Any, **arguments: Any) -> dict[str, Any]:
    """`import_items`."""
    call = info.context
    request = ImportRequest(
        collection,
        Source.of(data),
        format=arguments.get("format"),
        atomic=arguments.get("atomic") is not False,
        key=arguments.get("key") or None,
        delimiter=arguments.get("delimiter") or ",",
        comment=arguments.get("comment"),
        activity_skip=bool(arguments.get("activity_skip")),
    )
    found = await import_items(call.visitor, request)
    call.tags.append(collection)
    return {
        "created": found.created,
        "updated": found.updated,
        "failed": found.failed,
        "errors": [_error(one) for one in found.errors],
    }


def _error(error: RowError) -> dict[str, Any]:
    problems = [{"path": list(one.path), "message": one.message} for one in error.problems]
    return {"row": error.row, "code": error.code, "message": error.message, "problems": problems}


async def exported(_source: Any, info: Info, *, collection: str, format: str, **arguments: Any) -> dict[str, str]:
    """`export_items`: where the file is; the door that can send it finds the file itself in the call."""
    call = info.context
    if collection.startswith("directus_"):  # as `/items/directus_…`, which the address of the file would be
        raise SystemCollectionAccess
    lang = arguments.get("lang")
    request = ReadRequest(
        collection,
        KEY_ONLY,
        where=tuple(arguments.get("where") or ()),
        q=arguments.get("q"),
        sort=_strings(arguments, "sort"),
        limit=arguments.get("limit"),
        offset=arguments.get("offset"),
        page=arguments.get("page"),
        status=_strings(arguments, "status"),
        lang=tuple(part.strip() for part in lang.split(",") if part.strip()) if lang else None,
        groups=_strings(arguments, "groups"),
    )
    found = await export_items(call.visitor, request, format, _strings(arguments, "fields"))
    call.warnings.extend(found.warnings)
    call.tags.append(collection)
    call.stream = found
    return {"url": _url(call.visitor, collection, format, arguments), "filename": found.filename, "type": found.media}


def _url(session: Any, collection: str, format: str, arguments: Mapping[str, Any]) -> str:
    query: dict[str, Any] = {"export": format}
    for name, value in arguments.items():
        if value is None:
            continue
        if name == "where":
            query["where"] = orjson.dumps([_condition(one) for one in value]).decode()
        else:
            query[name] = ",".join(value) if isinstance(value, (list, tuple)) else value
    place = f"{session.context.base_url}/{quote(session.project.key, safe='')}/items/{quote(collection, safe='')}"
    return f"{place}?{urlencode(query)}"


def _condition(one: Condition) -> dict[str, Any]:
    return {"field": one.field, "op": one.op, "value": one.value, "or": one.either}


def _strings(arguments: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = arguments.get(name)
    return None if value is None else tuple(value)


def bindables() -> list[MutationType | QueryType]:
    """The root fields of this module."""
    mutation, query = MutationType(), QueryType()
    mutation.set_field("import_items", imported)
    query.set_field("export_items", exported)
    return [mutation, query]
