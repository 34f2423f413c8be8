"""In charge of `asset` and `signed_asset`: arguments → one call on core, and a handle or a link."""

from __future__ import annotations

from typing import Any

from ariadne import QueryType

from core import assets, originals
from resolvers.context import Info


async def asset(_source: Any, info: Info, *, hash: str, **arguments: Any) -> dict[str, Any]:
    """`asset`: what is behind the URL; the door that can send it finds the file itself in the call."""
    call = info.context
    accept, download = arguments.get("accept") or "", bool(arguments.get("download"))
    return _handle(call, await assets.asset(call.visitor, hash, arguments, accept=accept, download=download))


async def stored_file(
    _source: Any, info: Info, *, name: str, folder: str | None = None, proxied: bool | None = None
) -> dict[str, Any]:
    """`stored_file`: as `asset`, by the name on the disk."""
    call = info.context
    return _handle(call, await originals.stored_file(call.visitor, name, folder, proxied=bool(proxied)))


def _handle(call: Any, found: assets.Asset) -> dict[str, Any]:
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
    query.set_field("stored_file", stored_file)
    return [query]
