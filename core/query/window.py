"""In charge of order, limit, offset and page, and of the meta members that follow from them (spec 03 §5.3–5.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.catalog.model import Collection, Snapshot
from core.errors import InvalidField, Unprocessable
from core.query.plan import Order

DEFAULT_LIMIT = 20
MAX_INT = 2**31 - 1


def order_of(collection: Collection, sort: Sequence[str] | None) -> tuple[Order, ...]:
    """Criteria of a sort argument, key columns appended; default: the sort field, else the key.

    Raises InvalidField (422/202) for unknown or dotted names, Unprocessable (422/12) for aliases.
    """
    orders: list[Order] = []
    for token in dict.fromkeys(split(sort or ())):
        if token in ("?", "-?"):
            orders.append(Order(None))
            continue
        name = token[1:] if token.startswith(("-", "+")) else token
        field = collection.fields.get(name)
        if field is None:
            raise InvalidField(token, collection.name)
        if field.is_alias:
            raise Unprocessable(f'Sorting by "{name}" is not possible: it has no column.')
        if all(name != item.field for item in orders):  # the first one decides
            orders.append(Order(name, token.startswith("-")))
    if not orders and collection.sort_field:
        orders.append(Order(collection.sort_field))
    named = {item.field for item in orders}
    keys = (collection.primary_key,) if collection.primary_key else collection.key_columns
    return (*orders, *(Order(key) for key in keys if key not in named))


def split(tokens: Sequence[str]) -> list[str]:
    """CSV inside list elements, trimmed, empty ones dropped."""
    return [part.strip() for token in tokens for part in str(token).split(",") if part.strip()]


@dataclass(frozen=True, slots=True)
class Slice:
    """What a list is cut to. `limit` None = all (then `offset` is 0). `asked`: limit as the request gave it."""

    limit: int | None
    offset: int
    asked: int | None
    page: int | None


def slice_of(snapshot: Snapshot, limit: int | None, offset: int | None, page: int | None) -> Slice:
    """The slice of a list request; without `limit` the setting `default_limit` applies (spec 01 §10.1)."""
    asked = limit
    if limit is None:
        limit = default_limit(snapshot)
    if limit < 0:
        return Slice(None, 0, asked, page)
    limit = min(limit, MAX_INT)
    start = max(offset or 0, 0)
    if page is not None and offset is None and asked is not None and asked > 0:
        start = (max(page, 1) - 1) * limit
    return Slice(limit, min(start, MAX_INT), asked, page)


def within(snapshot: Snapshot, limit: int | None, most: int) -> bool:
    """Whether the limit of a list request alone says that there are at most so many items."""
    cut = slice_of(snapshot, limit, None, None).limit
    return cut is not None and cut <= most


def default_limit(snapshot: Snapshot) -> int:
    """Setting `default_limit`; empty: 20; no number: 0, so lists are empty."""
    text = snapshot.setting("default_limit")
    if text is None or text == "":
        return DEFAULT_LIMIT
    try:
        return int(text)
    except ValueError:
        return 0


def page_meta(cut: Slice, offset: int | None, result_count: int, filter_count: int) -> dict[str, Any]:
    """Members limit, offset, page, page_count of `meta=page` (spec 03 §5.7); links are made by the adapter."""
    limit = cut.asked if cut.asked is not None and cut.asked >= 1 else result_count
    pages = 1 if filter_count == 0 or limit == 0 else -(-filter_count // limit)
    start = max(offset, 0) if offset is not None else cut.offset
    if cut.page is not None and offset is None and cut.asked is not None:
        page = min(cut.page, pages)
        start = (max(page, 1) - 1) * limit
    else:
        page = (start // limit if limit else 0) + 1
    return {"limit": limit, "offset": start, "page": page, "page_count": pages}
