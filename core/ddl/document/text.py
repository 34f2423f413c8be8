"""In charge of documents as text: YAML and JSON, in and out, bounded. Knows nothing of what they say. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from core.errors import Problem, ValidationFailed

MOST_BYTES = 8 * 2**20
DEEPEST = 48

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Plain(_Loader):  # type: ignore[misc]
    """YAML's plain values; a key that is there twice is an error, and what looks like a date stays text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own table, with one row less
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in _Loader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        found: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str | int | float | bool | None):
                raise _refused("A key is a text", key.start_mark)
            if name in found:
                raise _refused(f'"{name}" is there twice', key.start_mark)
            found.add(name)
        return super().construct_mapping(node, deep=deep)


class _Stable(_Dumper):  # type: ignore[misc]
    """Block style, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def loads(text: str | bytes) -> Any:
    """The data of a YAML or JSON text (JSON is YAML, but is read faster as what it is).

    Raises ValidationFailed: too large, too deep, no YAML, aliases, or a key that is there twice.
    """
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > MOST_BYTES:
        raise ValidationFailed(f"The document is larger than {MOST_BYTES} bytes")
    if raw.lstrip()[:1] == b"{":
        try:
            return json.loads(raw, object_pairs_hook=_once, parse_constant=_no_number)
        except (ValueError, RecursionError):
            pass  # the flow style of YAML begins alike
    try:
        _check(raw)
        loader = _Plain(raw)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ValidationFailed(f"The document is no YAML: {_told(error)}") from None


def _check(raw: bytes) -> None:
    """An alias makes a small text a large document, and depth a deep recursion: both are looked for first."""
    depth = 0
    for event in yaml.parse(raw, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise _refused("Aliases are not taken", event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _refused(f"More than {DEEPEST} levels", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _refused(message: str, mark: Any) -> ValidationFailed:
    return ValidationFailed(f"{message} (line {mark.line + 1})")


def _told(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    return f"{problem} (line {mark.line + 1})" if mark is not None else str(problem)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValidationFailed.of([Problem((twice,), "is there twice")])
    return found


def _no_number(text: str) -> Any:
    raise ValidationFailed(f"{text} is no value of JSON")


def dumps(data: Any, form: str = "yaml") -> str:
    """The text of a document; `form`: yaml or json. The order of keys is that of the data."""
    if form == "json":
        return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    text: str = yaml.dump(
        data, Dumper=_Stable, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return text


def is_too_deep(data: Any) -> bool:
    """Whether lists and mappings are nested in more levels than a document has."""
    level = [data]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, Mapping | list | tuple)
            for inner in (one.values() if isinstance(one, Mapping) else one)
            if isinstance(inner, Mapping | Sequence) and not isinstance(inner, str | bytes)
        ]
        if not level:
            return False
    return True
