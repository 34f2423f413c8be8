"""In charge of which requests may be answered by a kept body, and of the words that name it (spec 04 §12)."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import unquote_plus

from rest_adapter.call import Call
from rest_adapter.request import Request
from rest_adapter.route import Route

READS = frozenset({"C", "C_by_id"})
REFRESH = "refresh_cache"


class Keeping(Protocol):
    """The door of the schema, as far as it keeps answers."""

    async def kept(self, visit: Any, words: Any, *, refresh: bool = False) -> Any: ...


def may_be(route: Route, request: Request) -> bool:
    """Whether a request reads items and nothing else."""
    return request.method == "GET" and route.operation in READS and not route.anonymous


async def find(door: Keeping, visit: Any, call: Call) -> Any:
    """The kept body, the turn to make it, or None; raises what the database does."""
    if visit.session is None or visit.session.stamp is None or not may_be(call.route, call.request):
        return None
    refresh = refreshes(call.request)
    if refresh and "meta" in call.request.params:
        return None  # links would repeat the parameter to those who do not send it
    return await door.kept(visit, words(call.request), refresh=refresh)


def refreshes(request: Request) -> bool:
    """`refresh_cache` with a value that PHP takes for true."""
    return REFRESH in request.query and request.params.get(REFRESH) not in (None, "", "0")


def words(request: Request) -> list[str]:
    """Path and query. Parameters of different names may come in any order, those of one name may not.

    With `meta` the order is that of the links in the answer, so it stays as it was sent.
    """
    pairs = [(_name(pair), pair) for pair in request.query.split("&") if pair]
    kept = [(name, pair) for name, pair in pairs if name != REFRESH]
    if all(name != "meta" for name, _ in kept):
        kept.sort(key=lambda pair: pair[0])
    return [*request.path, "?", *(pair for _, pair in kept)]


def _name(pair: str) -> str:
    """The parameter that a pair belongs to: `filter` of `filter[title][eq]=x`."""
    return unquote_plus(pair.partition("=")[0]).partition("[")[0]
