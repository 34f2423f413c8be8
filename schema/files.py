"""In charge of requests that bring files (graphql-multipart-request): operations and map → operations with files in
their variables. Reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from core.files.upload import Upload
from schema.operation import Malformed

MOST_PATHS = 100


def joined(texts: Iterable[tuple[str, str]], files: Sequence[tuple[str, Upload]]) -> Any:
    """The operations of a request, each file in the places that the map names. Raises Malformed."""
    members = dict(texts)
    operations, places = _decoded(members, "operations"), _decoded(members, "map")
    if not isinstance(operations, dict | list) or not isinstance(places, dict):
        raise Malformed("`operations` must be an operation or a list of them, and `map` an object.")
    known = dict(files)
    count = 0
    for name, paths in places.items():
        if name not in known:
            raise Malformed(f"There is no file {name!r} in the request.")
        for path in paths if isinstance(paths, list) else [None]:
            count += 1
            if not isinstance(path, str) or count > MOST_PATHS:
                raise Malformed("`map` must name the places of each file as a list of paths.")
            _put(operations, path.split("."), known[name])
    return operations


def _decoded(members: dict[str, str], name: str) -> Any:
    if name not in members:
        raise Malformed(f"The request has no `{name}`.")
    try:
        return orjson.loads(members[name])
    except orjson.JSONDecodeError:
        raise Malformed(f"`{name}` is not valid JSON.") from None


def _put(operations: Any, path: list[str], file: Upload) -> None:
    """Put a file in the place of a null in the variables of an operation. Raises Malformed."""
    steps = path[1:] if isinstance(operations, list) else path
    if steps[:1] != ["variables"] or len(steps) < 2:
        raise Malformed("A file stands in the variables.")
    place, found = operations, operations
    for step in path:
        place = found
        found = _below(found, step)
    if found is not None:
        raise Malformed("A file takes the place of a null.")
    if isinstance(place, list):
        place[int(path[-1])] = file
    else:
        place[path[-1]] = file


def _below(value: Any, step: str) -> Any:
    if isinstance(value, dict) and step in value:
        return value[step]
    if isinstance(value, list) and step.isascii() and step.isdecimal() and len(step) < 10 and int(step) < len(value):
        return value[int(step)]
    raise Malformed("`map` names a place that is not there.")
