"""In charge of `import_items`: arguments → request → one call on core, and its report."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType

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


def bindables() -> list[MutationType]:
    """The root fields of this module."""
    mutation = MutationType()
    mutation.set_field("import_items", imported)
    return [mutation]
