"""In charge of `asset` and `signed_asset`: arguments → one call on core, and a handle or a link."""

from __future__ import annotations

from typing import Any

from ariadne import QueryType

from core import assets
from resolvers.context import Info


async def asset(_source: Any, info: Info, *, hash: str, **arguments: Any) -> dict[str, Any]:
    """`asset`: what is behind the URL; the door that can send it finds the file itself in the call."""
    call = info.context
    accept, download = arguments.get("accept") or "", bool(arguments.get("download"))
    found = await assets.asset(call.visitor, hash, arguments, accept=accept, download=download)
    stored = call.stream = found.stored
    return {
        "url": found.url,
        "type": stored.media,
        "size": stored.size,
        "filename": stored.filename,
        "etag": stored.tag,
        "modified": stored.modified.isoformat().replace("+00:00", "Z"),
        "disposition": stored.disposition,
    }


async def signed(
    _source: Any, info: Info, *, file: str, expires: int | None = None, **arguments: Any
) -> dict[str, str]:
    """`signed_asset`."""
    found = await assets.signed(info.context.visitor, file, arguments, expires)
    return {"url": found.url, "expires_on": found.expires_on.isoformat().replace("+00:00", "Z")}


def bindables() -> list[QueryType]:
    """The root fields of this module."""
    query = QueryType()
    query.set_field("asset", asset)
    query.set_field("signed_asset", signed)
    return [query]
