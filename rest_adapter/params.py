"""In charge of reading PHP-style parameters: text of a query string or form body into typed values. Pure.

No fields are known here, and nothing is judged that core judges (operators, fields, types).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import orjson

from core.errors import BadRequest, Unprocessable
from core.query import maps
from core.query.selection import Condition

MOST_PARAMETERS = 1000
DEEPEST = 64
LOWEST, HIGHEST = -(2**31), 2**31 - 1
SHORT = 100
"""Characters of a name that is remembered."""

_INTEGER = re.compile(r"[ \t\n\r\v\f]*([+-]?)0*([0-9]{0,20})")
_REPLACED = str.maketrans({" ": "_", ".": "_"})


class _Array(dict[str, Any]):
    """A PHP array while it is being filled: `free` is the index that `[]` takes next."""

    __slots__ = ("free",)

    def __init__(self) -> None:
        self.free = 0


def parse(text: str) -> dict[str, Any]:
    """Read a query string or a form body as PHP's `parse_str` does (spec 03 §2.1).

    Values are text, lists (brackets with the indexes 0, 1, 2 … in this order) or dicts.
    Raises BadRequest for more than 1000 parameters or 64 levels.
    """
    if not text:
        return {}
    pieces = [piece for piece in text.split("&") if piece]
    if len(pieces) > MOST_PARAMETERS:
        raise BadRequest(f"More than {MOST_PARAMETERS} parameters")
    return assemble((decode(name), decode(value)) for name, _, value in [piece.partition("=") for piece in pieces])


def assemble(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The structure of decoded names with brackets and their values. Raises BadRequest for more than 64 levels."""
    found: dict[str, Any] = {}
    nested = False
    for name, value in pairs:
        name = name.lstrip(" ")
        start = name.find("[")
        if start == -1:
            if name:
                found[name.translate(_REPLACED)] = value
        elif start:
            path = _known_path(name) if len(name) <= SHORT else _path(name, start)
            _assign(found, path, value)
            nested = nested or len(path) > 1
    if nested:
        return {name: _settled(value) for name, value in found.items()}
    return found


def decode(text: str) -> str:
    """Undo the encoding of a form: `+` and percent escapes; bytes that are no UTF-8 become U+FFFD."""
    if "+" in text:
        text = text.replace("+", " ")
    if "%" in text:
        text = unquote(text, errors="replace")
    return text


def integer(text: Any) -> int | None:
    """The leading integer of a text, else 0, clamped to 32 bit (spec 03 §2.2); None for what is no text."""
    if not isinstance(text, str):
        return None
    sign, digits = _INTEGER.match(text).groups()  # type: ignore[union-attr]  # it matches the empty text
    return min(max(int(sign + digits), LOWEST), HIGHEST) if digits else 0


def scalar(value: Any) -> str | None:
    """The text itself; None for lists and maps."""
    return value if isinstance(value, str) else None


def names(value: Any) -> list[str] | None:
    """The names of a CSV text or of a list of such, trimmed, empty ones left out; None when none is left."""
    return [name for text in _texts(value) for part in text.split(",") if (name := part.strip())] or None


def paths(value: Any) -> list[str] | None:
    """As `names`, without the falsy name `0` (spec 03 §5.1)."""
    return [name for name in names(value) or () if name != "0"] or None


def csv(value: Any) -> str | None:
    """The names as one CSV text; None when there is none."""
    found = names(value)
    return ",".join(found) if found else None


def conditions(value: Any) -> list[dict[str, Any]]:
    """The conditions of a `filter`, in request order, as `{field, op, value, or}` (spec 03 §5.2); `op` and `or` only
    where they are not the defaults `eq` and false. Operators and fields are not judged here.

    Raises Unprocessable for what is neither a map nor the JSON text of one, BadRequest when there are too many.
    """
    if isinstance(value, str):
        value = _json_map(value)
    if not isinstance(value, dict):
        raise Unprocessable("filter: This value should be a map of fields")
    found: list[dict[str, Any]] = []
    for field, tests in value.items():
        found.extend(map(_plain, maps.tests(field, tests)))
        if len(found) > MOST_PARAMETERS:
            raise BadRequest(f"More than {MOST_PARAMETERS} conditions")
    return found


def listed(value: Any) -> list[dict[str, Any]]:
    """Conditions as they stand in GraphQL, from the JSON text of a list of `{field, op, value, or}`.

    Raises Unprocessable for anything else, BadRequest when there are too many or they are too deep.
    """
    try:
        found = orjson.loads(value) if isinstance(value, str) else None
    except orjson.JSONDecodeError:
        found = None
    kinds = {"field": str, "op": str, "value": object, "or": bool}
    if not isinstance(found, list) or not all(
        isinstance(one, dict)
        and "field" in one
        and all(key in kinds and isinstance(part, kinds[key]) for key, part in one.items())
        for one in found
    ):
        raise Unprocessable("where: This value should be a list of conditions")
    if len(found) > MOST_PARAMETERS:
        raise BadRequest(f"More than {MOST_PARAMETERS} conditions")
    if too_deep(found):
        raise BadRequest(f"A filter of more than {DEEPEST} levels")
    return found


def too_deep(value: Any) -> bool:
    """True when lists and maps are nested in more than 64 levels."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for one in level
            if isinstance(one, list | dict)
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, list | dict)
        ]
        if not level:
            return False
    return True


def flatten(params: Mapping[str, Any]) -> Iterator[str]:
    """The parameters as `name=value` in their order, brackets and values as they are read, not encoded."""
    for name, value in params.items():
        yield from _flat(name, value)


@lru_cache(maxsize=1024)
def _known_path(name: str) -> tuple[str | None, ...]:
    """Names come again with other values."""
    return tuple(_path(name, name.find("[")))


def _path(name: str, start: int) -> list[str | None]:
    """The keys of a name with brackets: `a[b][]` → a, b, None. What follows a bracket that is not closed is lost,
    unless it is the first one, which then counts as `_`."""
    path: list[str | None] = [name[:start].translate(_REPLACED)]
    while start < len(name) and name[start] == "[":
        if len(path) > DEEPEST:
            raise BadRequest(f"Parameters of more than {DEEPEST} levels")
        end = name.find("]", start)
        if end == -1:
            return [f"{path[0]}_{name[start + 1 :]}"] if len(path) == 1 else path
        key = name[start + 1 : end]
        path.append(key if key.strip(" ") else None)
        start = end + 1
    return path


def _assign(found: dict[str, Any], path: Sequence[str | None], value: str) -> None:
    last = len(path) - 1
    for position, key in enumerate(path):
        if isinstance(found, _Array):
            if key is None:
                key = str(found.free)
            if key.isdecimal() and key.isascii() and str(int(key[:20])) == key and int(key) >= found.free:
                found.free = int(key) + 1
        assert key is not None
        if position == last:
            found[key] = value
            return
        below = found.get(key)
        if not isinstance(below, _Array):
            below = found[key] = _Array()
        found = below


def _settled(value: Any) -> Any:
    if not isinstance(value, _Array):
        return value
    below = [_settled(one) if type(one) is _Array else one for one in value.values()]
    if "0" in value and all(key == str(index) for index, key in enumerate(value)):
        return below
    return dict(zip(value, below, strict=True))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            if isinstance(one, str):
                yield one


def _json_map(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if too_deep(value):
        raise BadRequest(f"A filter of more than {DEEPEST} levels")
    return value


def _plain(one: Condition) -> dict[str, Any]:
    condition: dict[str, Any] = {"field": one.field, "value": one.value}
    if one.op != "eq":
        condition["op"] = one.op
    if one.either:
        condition["or"] = True
    return condition


def _flat(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _flat(f"{name}[{key}]", below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _flat(f"{name}[{index}]", below)
    else:
        yield f"{name}={value}"
